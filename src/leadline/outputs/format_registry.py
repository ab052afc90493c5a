"""The formats that there are, and what a reader may ask of them. Quick to import: most runs write in one of them."""

from collections.abc import Callable, Iterator
from importlib import import_module
from io import StringIO
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

from leadline.errors import UsageError
from leadline.model.control import Severity
from leadline.model.report import PostureReport
from leadline.outputs.allowance import MOST_CHARACTERS
from leadline.outputs.documents.document_template import MakeDraft

if TYPE_CHECKING:
    from io import TextIOWrapper

    from leadline.outputs.rows.place import ShownPlaces

_FORMATS = "leadline.outputs.formats"
_ALIASES = {
    "pretty-printer": "pretty",
    "table": "pretty",
    "cli": "pretty",
    "text": "lines",
    "junitxml": "junit",
    "gitlab_sast": "gitlab-sast",
    "gitlab-codequality": "code-quality",
    "md": "markdown",
    "yml": "yaml",
}
"""What other programs call them."""
_OF_IMAGES = {"pretty": "table", "lines": "table"}
"""What a report about objects has two of, images have one of."""


_SUFFIXES = {"yaml": (".yaml", ".yml"), "html": (".html", ".htm")}
"""Where a format has more than the one that it adds itself."""


class Asked(Struct, frozen=True):
    """What the user asked for, as reports repeat it."""

    by: str = "Framework"
    """``Framework`` or ``Control``: what ``names`` are."""
    names: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    include_namespaces: tuple[str, ...] = ()
    exclude_namespaces: tuple[str, ...] = ()
    compliance_threshold: float = 0.0
    severity_threshold: str = ""


class Page(Struct, frozen=True):
    """How the reader wants it shown."""

    places: "ShownPlaces"
    width: int = 100
    """Columns of the terminal."""
    colour: bool = False
    verbose: bool = False
    most: int = MOST_CHARACTERS
    """Characters that each kind of detail may take which repeats for objects or findings."""
    command: str = "leadline"
    """The command line to repeat in advice."""
    coverage: bool = False
    """Whether every control that judged nothing is listed with its reason."""
    rbac: str = ""
    """The command that prints the role which a scan of this cluster needs."""
    again: str = ""
    """The scan's own command line, to be shown with a flag more; empty where it cannot be repeated."""
    fix: str = ""
    """The command that edits what failed; empty where there is none."""
    of_object: str = ""
    """The command that shows one object, ``NAME`` standing for it; empty where there is none."""
    view: str = "control"
    """What findings are counted by: ``control``, ``object``, ``namespace``, ``fix``; empty for the areas."""
    verdict: str = ""
    """The gates' last line; empty without a gate."""
    passed: bool = True
    """Whether the verdict is a good one; chooses its colour."""
    gate: Severity | None = None
    """Findings of this severity or above made the gate fail and are listed; ``None`` where none did."""
    fails_unread: bool = False
    """Whether what was not read made the gate fail and is listed."""
    least: Severity = "unknown"
    """The lowest severity to show; counts and scores are not touched by it."""
    folder: str = ""
    """The absolute folder that the user is in."""
    root: str = ""
    """The absolute top of the repository that was scanned; empty where that is none."""
    at: str = "1970-01-01T00:00:00Z"
    """When the scan ended, RFC 3339 in UTC."""
    version: str = ""
    """Of this program."""
    asked: Asked = Asked()


class Format(Struct, frozen=True):
    """One way of writing one kind of report. Made by ``@format``."""

    name: str
    suffix: str
    report: type
    """``PostureReport``, ``Sbom``, ``ImageReport`` or ``ImagesReport``."""
    write: Callable[[Any, IO[str], Page], None]
    draft: MakeDraft | None = None
    """Of documents: ``write`` is made of it."""
    compiled: Callable[[str], bytes] | None = None
    """Makes the file of what ``write`` wrote, where that is not text."""
    needs: str = ""
    """The module of an extra without which it cannot be made."""
    with_scores: bool = True
    """Whether it shows the scores of frameworks."""
    with_checksums: bool = False
    """Whether it states the checksums of packages."""

    @property
    def put(self) -> Callable[[Any, "TextIOWrapper", Page], None]:
        """Writes the whole file."""
        return self.write if self.compiled is None else self._put_compiled

    def _put_compiled(self, report: Any, stream: "TextIOWrapper", page: Page) -> None:
        text = StringIO()
        self.write(report, text, page)
        if self.compiled is not None:
            stream.buffer.write(self.compiled(text.getvalue()))

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of files that are in it when nothing else is said."""
        return _SUFFIXES.get(self.name, (self.suffix,))


Write = Callable[[Any, IO[str], Page], None]


def format(
    name: str,
    *,
    suffix: str,
    report: type = PostureReport,
    with_scores: bool = True,
    compiled: Callable[[str], bytes] | None = None,
    needs: str = "",
    with_checksums: bool = False,
) -> Callable[[Write], Format]:
    """Makes a ``Format`` of ``write(report, out, page)``."""

    def make(write: Write) -> Format:
        return Format(
            name,
            suffix,
            report,
            write,
            compiled=compiled,
            needs=needs,
            with_scores=with_scores,
            with_checksums=with_checksums,
        )

    return make


def formats_for(report: type) -> dict[str, Format]:
    """Every format that can write such a report, by name. Imports them all."""
    from leadline.discover import discover
    from leadline.outputs import formats

    return {f.name: f for f in discover(formats, Format) if f.report is report}


def find_format(name: str, report: type) -> Format:
    """The format called ``name``. Imports only its file where that bears its name.

    Raises: ``UsageError`` for an unknown name, or a format that is not for such a report.
    """
    name = _ALIASES.get(name, name)
    if report is not PostureReport:
        name = _OF_IMAGES.get(name, name)
    for value in _values_of(name, is_of_image=report is not PostureReport):
        if isinstance(value, Format) and value.name == name and value.report is report:
            return value
    known = formats_for(report)
    if name in known:
        return known[name]

    from difflib import get_close_matches  # only for a name that is wrong

    near = get_close_matches(name, known, n=1)
    raise UsageError(
        f"unknown format {name}",
        hint=f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}",
    )


def _values_of(name: str, *, is_of_image: bool) -> Iterator[object]:
    """What the files hold that bear the name of a format, the likelier one first: all else that it imports is for others."""
    stem = name.replace("-", "_")
    names = (f"image_{stem}", stem) if is_of_image else (stem, f"image_{stem}")
    for module in names if stem.isidentifier() else ():
        try:
            yield from list(vars(import_module(f"{_FORMATS}.{module}")).values())
        except ModuleNotFoundError:
            continue
