"""Which controls judge, and which frameworks the report counts."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.model.control import BuiltControl, Framework
from leadline.model.unread import Unread
from leadline.posture.catalogue import (
    controls_of,
    find_frameworks,
    in_order,
    load_controls,
)
from leadline.scans.options import PostureOptions
from leadline.scans.posture.frameworks import framework_of, load_frameworks
from leadline.scans.posture.other_ids import chosen_controls, skipped_controls
from leadline.sources.regular_file import files_below

if TYPE_CHECKING:
    from leadline.sources.rego.engine import RegoEngine

HEADLINE = ("nsa", "mitre")
"""The files of the frameworks whose scores a plain scan shows: reading all of them costs as much as a small scan."""
_LARGEST_BYTES = 4 << 20


class Policies(Struct, frozen=True):
    controls: tuple[BuiltControl, ...]
    """Worst first."""
    frameworks: tuple[Framework, ...]
    known: tuple[BuiltControl, ...]
    """Every control there is, chosen or not."""
    is_of_frameworks: bool = False
    """Whether the controls are those of ``frameworks`` and asked for their sake alone."""
    closers: tuple[Callable[[], None], ...] = ()
    """To be called after judging: they end what evaluates users' rules."""
    confinements: tuple[Callable[[], str], ...] = ()
    """To be called after judging: how what evaluates users' rules was confined; empty where it was not started."""
    unread: tuple[Unread, ...] = ()
    """Users' own files that do not load."""
    left_out: tuple[Unread, ...] = ()
    """What was asked for and passed over."""


class _Own(Struct):
    """The controls there are with those of the user, and what came with them."""

    controls: tuple[BuiltControl, ...]
    engines: tuple["RegoEngine", ...]
    unread: tuple[Unread, ...]


def choose_policies(options: PostureOptions) -> Policies:
    """The controls and frameworks that the options name; ``with_scores`` adds those whose scores a plain scan shows.

    Raises: ``UsageError`` for an unknown name, or where nothing is left; ``SourceError`` for a file that cannot
    be read.
    """
    all_there_are = _with_own(load_controls(), options.own_controls, options.environ)
    known = all_there_are.controls
    own = tuple(framework_of(path, known) for path in options.framework_files)
    frameworks: tuple[Framework, ...] = own
    is_of_frameworks = False
    if options.controls and options.frameworks:
        raise UsageError("controls and frameworks are chosen in scans of their own")
    if options.controls:
        controls = _named(options.controls, all_there_are)
    elif options.frameworks and "all" not in (name.lower() for name in options.frameworks):
        frameworks = (*find_frameworks(options.frameworks, (*own, *load_frameworks(known))), *own)
        controls = controls_of(frameworks, known)
        is_of_frameworks = True
    elif own and not options.frameworks and not options.workload:
        controls = controls_of(own, known)
        is_of_frameworks = True
    else:
        if options.frameworks:
            frameworks = (*load_frameworks(known), *own)
        elif options.with_scores:
            frameworks = (*_headline(known), *own)
        frameworks = (
            (*frameworks, *_added(options, (*own, *load_frameworks(known))))
            if options.added_frameworks
            else frameworks
        )
        controls = known
    if options.exclude_controls:
        without = {control.id for control in skipped_controls(options.exclude_controls, known)}
        controls = tuple(control for control in controls if control.id not in without)
    if not controls:
        raise UsageError("no control is left to judge by", hint="leadline list controls shows what there is")
    counted = tuple({f.name: f for f in frameworks}.values())
    engines = all_there_are.engines
    return Policies(
        controls,
        counted,
        known,
        is_of_frameworks,
        tuple(engine.close for engine in engines),
        tuple(partial(_confinement, engine) for engine in engines),
        all_there_are.unread,
        options.left_out,
    )


def _added(options: PostureOptions, there: tuple[Framework, ...]) -> tuple[Framework, ...]:
    is_every = "all" in (name.lower() for name in options.added_frameworks)
    return there if is_every else find_frameworks(options.added_frameworks, there)


def _confinement(engine: "RegoEngine") -> str:
    return engine.confinement


def _named(names: tuple[str, ...], all_there_are: _Own) -> tuple[BuiltControl, ...]:
    try:
        return chosen_controls(names, all_there_are.controls)
    except UsageError:
        # The control may be in the file that does not load, and that is the thing to fix.
        for one in all_there_are.unread:
            raise UsageError(f"{one.where} {one.why}") from None
        raise


def _headline(known: tuple[BuiltControl, ...]) -> tuple[Framework, ...]:
    return tuple(framework for name in HEADLINE for framework in load_frameworks(known, name))


def with_own(
    controls: tuple[BuiltControl, ...], folders: Iterable[str], environ: Mapping[str, str]
) -> tuple[BuiltControl, ...]:
    """``controls`` and those of the Python and Rego in ``folders``; a user's own wins over one of the same id.

    Raises: ``UsageError`` for a Python file that does not load.
    """
    own = _with_own(controls, folders, environ)
    for one in own.unread:
        raise UsageError(f"{one.where} {one.why}")
    return own.controls


def _with_own(controls: tuple[BuiltControl, ...], folders: Iterable[str], environ: Mapping[str, str]) -> _Own:
    unread: list[Unread] = []
    by_id = {control.id: control for control in controls}
    engines: list[RegoEngine] = []
    for folder in folders:
        path = Path(folder)
        if not path.exists():
            raise SourceError(
                f"no such folder: {folder}", hint="controls of your own are Python or Rego files"
            )
        is_rego = path.suffix == ".rego" and path.is_file()
        files = files_below(path, "*.py") if path.is_dir() else [] if is_rego else [path]
        for file in files:
            try:
                by_id |= {control.id: control for control in _controls_in(file)}
            except UsageError as error:
                why = str(error.args[0])
                hint = "its controls were not judged by; fix it"
                unread.append(Unread(str(file), why, "fault", hint=hint))
        has_rego = is_rego or (path.is_dir() and bool(files_below(path, "*.rego")))
        if not files and not has_rego:
            raise SourceError(
                f"no controls in {folder}", hint="controls of your own are Python or Rego files"
            )
        if has_rego:
            from leadline.scans.posture.own_rego import own_rego

            if (own := own_rego(path, controls, environ)) is not None:
                by_id |= {control.id: control for control in own.controls}
                engines.append(own.engine)
    return _Own(in_order(by_id.values()), tuple(engines), tuple(unread))


def _controls_in(file: Path) -> list[BuiltControl]:
    """The controls of one Python file, which is run to get them: the user chose it.

    Raises: ``UsageError`` that says what the file is not, without its name.
    """
    # Files of one name in two folders are two modules.
    from hashlib import sha256  # OpenSSL is large, and few have controls of their own

    place = sha256(os.fsencode(file.absolute())).hexdigest()[:12]
    name = f"leadline_own_controls.{place}.{file.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError("is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # as importlib wants it: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        # ``sys.exit`` in it too: its exit code would pass for that of the scan.
        raise UsageError(f"does not load: {type(error).__name__}: {error}") from error
    found: dict[str, BuiltControl] = {}
    for value in vars(module).values():
        if isinstance(value, BuiltControl) and found.setdefault(value.id, value) is not value:
            raise UsageError(f"does not load: two controls in it are {value.id}")
    return list(found.values())
