"""What is in force: flags before variables before the user's file before the one that came with the code."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from leadline.errors import UsageError
from leadline.model.unread import Unread
from leadline.outputs.text.plain import plain
from leadline.programs.cli.options.option import GRADES, MEANINGS, PREFIX, Option, Value
from leadline.programs.cli.options.search import VARIABLE, Asked, Found, find_files
from leadline.programs.cli.options.table import CHART, KEYS

if TYPE_CHECKING:
    from leadline.programs.cli.options.file import Chart, ConfigFile

Words = Mapping[str, str]
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_FRAMEWORKS = "frameworks"
EXCLUDES = "exclude-path"


class Setting(Struct, frozen=True):
    """A value and where it comes from: ``leadline.toml:3``, ``LEADLINE_FORMAT``; both, where both had a say."""

    value: Value
    origins: tuple[str, ...]
    rank: Literal["variable", "your file", "file with the code"]


class NotTaken(Struct, frozen=True):
    """Something that was written and does not count."""

    where: str
    what: str
    why: str
    key: str = ""


class Rendering(Struct, frozen=True):
    """A chart that is to be rendered with these values; ``adds``: beside its own values, and not in their place."""

    chart: "Chart"
    adds: bool
    origin: str


class Configuration(Struct, frozen=True):
    """What all places say together, but for flags."""

    settings: Mapping[str, Setting] = {}
    """By key."""
    added_frameworks: tuple[str, ...] = ()
    """Whose scores are shown as well, where nothing else chooses frameworks: to judge by more could raise a score."""
    target_excludes: tuple[str, ...] = ()
    """Patterns of a file that comes with the code; they count as an ignore file does."""
    renderings: tuple[Rendering, ...] = ()
    not_taken: tuple[NotTaken, ...] = ()
    files: Found = Found()

    def left_out(self, keys: Sequence[str]) -> tuple[Unread, ...]:
        """What a report says of that which a command would have used and did not take."""
        return tuple(
            Unread(
                f"{one.where} {one.what}" if one.what else one.where,
                one.why,
                "left out",
                hint="leadline config shows what counts" if one.key else "",
                kind="setting",
            )
            for one in self.not_taken
            if not one.key or one.key in keys
        )


def in_force(asked: Asked, environ: Words, folder: str, *, is_terminal: bool) -> Configuration:
    """For a command that is run in ``folder``.

    Raises: ``SourceError`` and ``UsageError`` for a file, ``UsageError`` for a variable.
    """
    found = find_files(asked, environ, folder)
    draft = _Draft(asked.trusted, is_terminal)
    for name, setting in _variables(environ):
        draft.settings[name] = setting
    if found.yours is not None:
        draft.take(found.yours, "your file")
    if found.inside is not None:
        if asked.trusted:
            draft.take(found.inside, "file with the code")
        else:
            draft.add(found.inside)
    draft.not_taken += (
        NotTaken(where, "", why if where in found.changed else f"not read: {why}")
        for where, why in found.not_read
    )
    draft.not_taken += (NotTaken(name, "", why) for name, why in _misspelt(environ))
    return Configuration(
        draft.settings,
        draft.frameworks,
        draft.excludes,
        tuple(draft.renderings),
        tuple(draft.not_taken),
        found,
    )


class _Draft:
    """What the places so far come to."""

    def __init__(self, is_trusted: bool, is_terminal: bool) -> None:
        self._is_terminal = is_terminal
        self.settings: dict[str, Setting] = {}
        self.frameworks: tuple[str, ...] = ()
        self.excludes: tuple[str, ...] = ()
        self.renderings: list[Rendering] = []
        self.not_taken: list[NotTaken] = []

    def take(self, file: "ConfigFile", rank: Literal["your file", "file with the code"]) -> None:
        """In full, where nothing says it yet."""
        for name, value in file.values.items():
            self.settings.setdefault(name, Setting(value, (file.place(name),), rank))
        if not self.renderings:
            self.renderings += (Rendering(one, False, f"{file.path}:{one.line}") for one in file.charts)

    def add(self, file: "ConfigFile") -> None:
        """As far as it asks for more."""
        for name, value in file.values.items():
            key, place, had = KEYS[name], file.place(name), self.settings.get(name)
            if not key.counts_inside:
                self._refuse(key, place, MEANINGS[key.inside])
            elif had is not None and had.rank == "variable":
                continue
            elif name == _FRAMEWORKS and isinstance(value, tuple):
                self.frameworks = value if had is None else ()
            elif name == EXCLUDES and isinstance(value, tuple):
                self.excludes = value
            elif key.inside == "at a terminal":
                written = value if isinstance(value, tuple) else ()
                if any("=" in one for one in written):
                    self._refuse(key, place, MEANINGS["would write"])
                elif self._is_terminal and key.name not in self.settings:
                    self.settings[key.name] = Setting(value, (place,), "file with the code")
            elif had is None:
                self.settings[name] = Setting(value, (place,), "file with the code")
            else:
                more = _stricter(key, had.value, value)
                if more != had.value:
                    self.settings[name] = Setting(more, (*had.origins, place), "file with the code")
        self._add_charts(file)

    def _add_charts(self, file: "ConfigFile") -> None:
        if not file.charts:
            return
        from leadline.sources.boundary import boundary_of  # where there are some

        within = boundary_of(file.folder)
        for chart in file.charts:
            place = f"{file.path}:{chart.line}"
            if all(map(within.holds, (chart.path, *chart.values))):
                self.renderings.append(Rendering(chart, True, place))
            else:
                why = "not taken: it names a file outside the folder of the configuration"
                self.not_taken.append(NotTaken(place, f"[[{CHART}]]", why, CHART))

    def _refuse(self, key: Option, place: str, why: str) -> None:
        self.not_taken.append(NotTaken(place, key.name, why, key.name))


def _stricter(key: Option, one: Value, other: Value) -> Value:
    """Of two values of a key that only asks for more, what both ask for."""
    match one, other:
        case (bool(), bool()):
            return one or other
        case (str(), str()):
            return min(one, other, key=GRADES.index)
        case (tuple(), tuple()):
            return tuple(dict.fromkeys((*one, *other)))
        case (int() | float(), int() | float()):
            return max(one, other)
        case _:
            return one


def _variables(environ: Words) -> Iterator[tuple[str, Setting]]:
    """Those that are set; an empty one is not.

    Raises: ``UsageError`` for a value that the key does not take.
    """
    for key in KEYS.values():
        text = environ.get(key.variable, "")
        if text.strip():
            from leadline.programs.cli.options.file import checked  # where one is set

            try:
                value = checked(key, _of_text(key, text.strip()))
            except UsageError as error:
                raise UsageError(f"{key.variable} {error.args[0]}") from None
            yield key.name, Setting(value, (key.variable,), "variable")


def _of_text(key: Option, text: str) -> Value:
    match key.kind:
        case "texts" | "files":
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case "switch":
            if text.lower() not in (*_TRUE, *_FALSE):
                raise UsageError(f"must be true or false (got {plain(text, 40)})")
            return text.lower() in _TRUE
        case "number" | "whole number":
            try:
                return int(text) if key.kind == "whole number" else float(text)
            except ValueError:
                raise UsageError(f"must be a {key.kind} (got {plain(text, 40)})") from None
        case _:
            return text


def _misspelt(environ: Words) -> Iterator[tuple[str, str]]:
    """Variables that are none of ours and look as if they were meant to be."""
    known = {key.variable for key in KEYS.values()} | {VARIABLE}
    others = [name for name in environ if name.startswith(PREFIX) and name not in known]
    if others:
        from difflib import get_close_matches  # only where there are others

        for name in sorted(others):
            if near := get_close_matches(name, known, n=1, cutoff=0.9):
                yield name, f"no setting; did you mean {near[0]}?"
