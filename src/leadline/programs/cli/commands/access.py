"""``leadline access``: who can do what, and by which steps."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import GATE_FAILED, SourceError, UsageError
from leadline.model.access import AccessAnswer, AccessUse
from leadline.model.unread import Unread
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.terminal import page_width, progress
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.programs.cli.scanning.storing import place_of, with_store
from leadline.scans.access.answers import rights_of, who_can
from leadline.scans.access.differences import compare, side_of, state_of, state_text
from leadline.scans.access.target import AccessTarget, open_access
from leadline.scans.access.to_admin import to_admin
from leadline.scans.access.unused import unused_by_logs
from leadline.scans.access.words import question_of, subject_of
from leadline.scans.access.written import Form, written
from leadline.scans.options import PostureOptions
from leadline.scans.stored.history.admins import stored_admins

EPILOG = """
\b
  leadline access who-can get secrets deploy/
      by the roles and bindings of files
  leadline access who-can create pods/exec -n shop
      in the cluster of the current context
  leadline access of shop/ServiceAccount/api
      everything that bindings give to an account and its groups
  leadline access to-admin --path 3 -f svg > path.svg
      one of the paths to cluster admin as a picture
  leadline access to-admin --from-store kube
      who could at the newest scan that is stored, and since when

\b
  leadline access diff deploy/@main deploy/ --fail-on new-admin
      who gained and lost what since a revision
  leadline access unused --audit-log audit.log deploy/
      what is never used, and the smallest role that covers the rest

"At least these" says that something was not read: a role or binding that was not seen may give more.

Exit codes: 0 answered, 1 what --fail-on names, 2 wrong usage, 3 nothing could be read, 4 a
fault of leadline.
"""
_CLUSTER_AND_FILES = ("exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")


def _form(*more: str) -> Callable[[Any], Any]:
    return click.option(
        "-f", "--format", type=click.Choice(["text", "json", "csv", *more]), default="text", show_default=True
    )


def _asks(name: str, *words: str, more: tuple[str, ...] = ()) -> Callable[[Any], click.Command]:
    """A command of the group that takes ``words`` and reads files or the cluster."""
    made = command.command(
        name, cls=ConfiguredCommand, keys="access", targets=lambda flags: tuple(flags["paths"])
    )
    named = [click.argument(word) for word in words]
    paths = click.argument("paths", metavar="[PATH]...", nargs=-1)
    fails = click.option(
        "--fail-on", type=click.Choice(["unread"]), default=None, help="Exit 1 where something was not read."
    )
    parts = (fails, takes(*NAMESPACES, *more, *_CLUSTER_AND_FILES), paths, *reversed(named), made)
    return lambda asked: reduce(lambda one, part: part(one), parts, asked)


@click.group("access", epilog=EPILOG)
def command() -> None:
    """Who can do what in a cluster or in files, and by which binding, role and rule."""


@_asks("who-can", "verb", "kind")
@click.option("--name", default=None, help="Of one object: rules limited to others do not count.")
@_form()
def who_can_command(verb: str, kind: str, name: str | None, **flags: Any) -> int:
    """Who can VERB a KIND: secrets, pods/exec, deployments.apps, "*", or a path as /metrics."""
    with _opened(flags) as (target, options):
        question = question_of(target, verb, kind, name)
        return _said(who_can(target, question, options.include_namespaces), target, flags)


@_asks("of", "subject")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group that the user belongs to.")
@_form()
def of_command(subject: str, groups: tuple[str, ...], **flags: Any) -> int:
    """What SUBJECT may do: NAMESPACE/ServiceAccount/NAME, User/NAME, Group/NAME."""
    with _opened(flags) as (target, options):
        named = subject_of(target, subject)
        return _said(rights_of(target, named, groups, options.include_namespaces), target, flags)


@_asks("to-admin", more=("from_store",))
@click.option("--all", "with_own", is_flag=True, help="Also subjects that Kubernetes itself binds.")
@click.option("--path", "number", type=click.IntRange(1), help="The path that -f svg draws.  [default: 1]")
@_form("svg")
def to_admin_command(with_own: bool, number: int | None, **flags: Any) -> int:
    """Who is cluster admin, and who can become it, a path for each way that a subject has."""
    if number and flags["format"] != "svg":
        raise UsageError(f"--path {number} needs -f svg", hint="the other formats show every path")
    if flags["from_store"]:
        if flags["paths"] or with_own:
            raise UsageError("--from-store shows what earlier scans found", hint="leave paths and --all out")
        request = request_of((), _unshown(flags))
        with progress(f"reading {request.from_store}", is_wanted=not request.quiet):
            place = place_of(request, request.from_store)
            answer = with_store(place, lambda store: stored_admins(store, place.where))
        return _said(answer, None, flags, path=number or 1)
    with _opened(flags, with_accounts=True) as (target, _):
        return _said(to_admin(target, with_own=with_own), target, flags, path=number or 1)


@_asks("unused")
@click.option(
    "--audit-log",
    "logs",
    multiple=True,
    required=True,
    metavar="FILE",
    help="As kube-apiserver writes it; may be gzip.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="FILE",
    help="As leadline agent --profiles writes it: whose pods never connected to the API server.",
)
@_form()
def unused_command(logs: tuple[str, ...], profiles: tuple[str, ...], **flags: Any) -> int:
    """What of the given rights no recorded request used, and the smallest role as a diff, replayed over the requests."""
    with _opened(flags, with_accounts=bool(profiles)) as (target, options):
        return _said(unused_by_logs(target, logs, profiles, options.secrets), target, flags)


@_asks("state")
def state_command(**flags: Any) -> int:
    """Prints all access of this moment as JSON, which access diff takes for a side."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with _opened(flags, with_accounts=True) as (target, _):
        state = state_of(target, at)
    click.echo(state_text(state), nl=False)
    _refuse_nothing_read(target)
    return GATE_FAILED if flags["fail_on"] and state.unread else 0


@command.command(
    "diff", cls=ConfiguredCommand, keys="access", targets=lambda flags: (flags["old"], flags["new"])
)
@click.argument("old")
@click.argument("new")
@_form()
@click.option(
    "--fail-on",
    type=click.Choice(["new-admin", "unread"]),
    multiple=True,
    help="Exit 1 where someone can become cluster admin who could not before, or something was not read.",
)
@takes(*_CLUSTER_AND_FILES)
def diff_command(old: str, new: str, format: Form, fail_on: tuple[str, ...], **flags: Any) -> int:
    """Who gained and lost what between OLD and NEW: paths, PATH@REVISION, cluster, cluster:CONTEXT, files of access state."""
    with _reading(flags, (old, new)) as options:
        sides = side_of(old, options), side_of(new, options)
    difference = compare(*sides)
    click.echo(written(difference, format, page_width()), nl=False)
    if all(side.unread and not side.rights for side in sides):
        raise _nothing_read(f"{old} and {new}", difference.unread_before)
    is_new = "new-admin" in fail_on and difference.new_subjects
    return GATE_FAILED if is_new or ("unread" in fail_on and not difference.is_complete) else 0


@contextmanager
def _opened(
    flags: Mapping[str, Any], *, with_accounts: bool = False
) -> Iterator[tuple[AccessTarget, PostureOptions]]:
    paths = flags["paths"]
    with (
        _reading(_unshown(flags), paths) as options,
        open_access(paths, options, with_accounts=with_accounts) as target,
    ):
        yield target, options


def _unshown(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if name not in ("format", "fail_on", "paths")}


@contextmanager
def _reading(flags: Mapping[str, Any], targets: tuple[str, ...]) -> Iterator[PostureOptions]:
    request = replace(request_of((), flags), targets=targets)
    with reading(request, f"reading {' '.join(targets)}") as (options, _):
        yield options


def _said(
    value: AccessAnswer | AccessUse, target: AccessTarget | None, flags: Mapping[str, Any], *, path: int = 0
) -> int:
    """Prints and gives the exit code; ``path`` as ``written`` takes it, ``None`` a target out of a store."""
    click.echo(written(value, flags["format"], page_width(), path=path), nl=False)
    if target:
        _refuse_nothing_read(target)
    return GATE_FAILED if flags["fail_on"] and not value.is_complete else 0


def _refuse_nothing_read(target: AccessTarget) -> None:
    """Raises: ``SourceError`` where nothing at all was read, so that what was printed answers nothing."""
    if target.unread and not target.worlds:
        raise _nothing_read(target.name, target.unread)


def _nothing_read(name: str, unread: tuple[Unread, ...]) -> SourceError:
    first = unread[0]
    line = f":{first.line}" if first.line else ""
    return SourceError(
        f"nothing could be read in {name}: {len(unread):,} not read, the first {first.where}{line}: {first.why}"
    )
