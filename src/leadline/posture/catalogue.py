"""The controls and frameworks that come with the product, and how a user's words choose among them."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from leadline.discover import members
from leadline.errors import UsageError
from leadline.foreign_errors import in_words
from leadline.model.control import BuiltControl, Control, Framework, FrameworkEntry, FrameworkItem
from leadline.posture import controls as control_files

T = TypeVar("T", BuiltControl, Framework)


def load_controls() -> tuple[BuiltControl, ...]:
    """Every control, worst first, then by id. One that has no function of its own is called what its file calls it."""
    return in_order(
        control if control.name else replace(control, name=name, module=module)
        for module, name, control in members(control_files, BuiltControl)
    )


def in_order(controls: Iterable[BuiltControl]) -> tuple[BuiltControl, ...]:
    return tuple(sorted(controls, key=lambda control: (-control.score, control.id)))


def parse_framework(source: str, file_name: str, controls: Sequence[Control]) -> Framework:
    """A framework from TOML: ``name``, ``title``, and ``controls`` as ids, tables of id, number, title, or ``"every"``.

    Raises:
        UsageError: the text is not TOML, lacks a name or controls, or lists a control that there is not.
    """
    import tomllib  # compiles patterns, and most scans read no framework

    try:
        table = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file_name} is not valid TOML: {error}") from error
    name, listed = table.get("name"), table.get("controls")
    if listed == "every":
        listed = sorted(control.id for control in controls)
    if not isinstance(name, str) or not name or not isinstance(listed, list) or not listed:
        raise UsageError(
            f"{file_name} is not a framework", hint='it needs name = "..." and controls = ["C-0057", ...]'
        )
    entries = tuple(_entry(item, file_name) for item in listed)
    _refuse_unknown(entries, file_name, controls)
    sections = table.get("sections")
    return Framework(
        name,
        str(table.get("title", name)),
        entries,
        str(table.get("version", "")),
        str(table.get("link", "")),
        {str(k): str(v) for k, v in sections.items()} if isinstance(sections, dict) else {},
        _items(table.get("items"), file_name),
    )


def find_controls(names: Sequence[str], controls: Sequence[BuiltControl]) -> tuple[BuiltControl, ...]:
    """The controls called ``names``, by id or title (which several may share), without regard to case.

    Raises:
        UsageError: a name is unknown; it suggests the nearest.
    """
    by_name = {c.title.lower(): c for c in controls} | {c.id.lower(): c for c in controls}
    found = [_find(name, by_name, "control") for name in names]
    asked = {name.strip().lower() for name in names}
    same_title = [c for c in controls if c.title.lower() in asked]
    return in_order({c.id: c for c in (*found, *same_title)}.values())


def find_frameworks(names: Iterable[str], frameworks: Sequence[Framework]) -> tuple[Framework, ...]:
    """The frameworks called ``names``, without regard to case, in the order asked.

    Raises:
        UsageError: a name is unknown; it suggests the nearest.
    """
    by_name = {f.name.lower(): f for f in frameworks}
    return tuple({f.name: f for f in (_find(n, by_name, "framework") for n in names)}.values())


def controls_of(
    frameworks: Iterable[Framework], controls: Sequence[BuiltControl]
) -> tuple[BuiltControl, ...]:
    """Every control that one of ``frameworks`` lists, worst first."""
    wanted = {control_id for framework in frameworks for control_id in framework.control_ids}
    return tuple(control for control in controls if control.id in wanted)


def _find(name: str, by_name: dict[str, T], what: str) -> T:
    found = by_name.get(name.strip().lower())
    if found is None:
        import difflib  # only for a name that is wrong

        written = _as_id(name.strip().lower())
        # A few wrong characters of an id leave nothing to go by; titles are long.
        cutoff = 0.8 if _ID.match(written) else 0.5
        near = (
            [written]
            if written in by_name
            else difflib.get_close_matches(written, by_name, n=1, cutoff=cutoff)
        )
        hint = (
            f"did you mean {_written(by_name[near[0]])}?" if near else f"leadline list {what}s shows them all"
        )
        raise UsageError(f"unknown {what} {name}", hint=hint)
    return found


_ID = re.compile(r"[a-z]-?\d")


def _as_id(name: str) -> str:
    """``c57``, ``c-57`` and ``c-oo57`` as ``c-0057``, all else as it is."""
    match = re.fullmatch(r"c-?([o\d]{1,4})", name)
    return f"c-{match[1].replace('o', '0'):0>4}" if match else name


def _written(thing: BuiltControl | Framework) -> str:
    return thing.id if isinstance(thing, BuiltControl) else thing.name


def _refuse_unknown(entries: Iterable[FrameworkEntry], file_name: str, controls: Sequence[Control]) -> None:
    """A control that is not there would be left out in silence."""
    known = {control.id for control in controls}
    for entry in entries:
        if entry.control not in known:
            import difflib

            near = difflib.get_close_matches(entry.control.upper(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else "give the folder of your own with --controls"
            raise UsageError(f"{file_name} lists {entry.control}, which is not a control", hint=hint)


def _items(listed: object, file_name: str) -> tuple[FrameworkItem, ...]:
    import msgspec

    try:
        return msgspec.convert(listed or (), tuple[FrameworkItem, ...])
    except msgspec.ValidationError as error:
        hint = 'items = [{number = "4", title = "...", state = "manual"}]; a state is manual or not built'
        raise UsageError(f"{file_name}: {in_words(error)}", hint=hint) from error


def _entry(item: object, file_name: str) -> FrameworkEntry:
    if isinstance(item, str):
        return FrameworkEntry(item)
    if isinstance(item, dict) and isinstance(item.get("id"), str):
        return FrameworkEntry(item["id"], str(item.get("number", "")), str(item.get("title", "")))
    raise UsageError(f"{file_name}: an entry of controls has no id: {item!r}")
