"""What was accepted before the change that is scanned: by files of waivers, marks and ignore files of a revision.

A change that accepts its own findings would pass every gate by itself, so that what it adds waits for approval.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.waiver import Waiver
from leadline.outputs.documents.baseline import SeenFinding, baseline_of
from leadline.outputs.rows.place import ShownPlaces
from leadline.sources.git.revision import OldFiles, files_at_revision
from leadline.sources.manifests.ignore_files import IGNORE_FILES, lines_of, present_ignore_files
from leadline.sources.regular_file import read_regular
from leadline.sources.waivers.reader import LARGEST_BYTES, waivers_in

Acceptance = tuple[str, str, str, str]
"""Control, object, path, and the object that the path starts from; as a baseline names them."""


class BeforeChange(Struct, frozen=True):
    """What counts without approval."""

    revision: str
    """As the user names it."""
    files: OldFiles
    waivers: tuple[Waiver, ...] = ()
    """Of files, annotations and objects; comments are among ``accepted``."""
    accepted: Mapping[Acceptance, int] = {}
    """How many findings of each sort marks in the target accepted."""
    changed: tuple[str, ...] = ()
    """Files that accept or leave out something, and that the change touches."""
    is_approved: bool = False
    """Whether what the change accepts counts as well."""

    def ignore_lines(self, folder: str) -> list[str]:
        """The lines of the ignore files of ``folder`` that count: those of before."""
        found: list[str] = []
        for name in IGNORE_FILES:
            inside = self.files.inside(str(Path(folder, name)))
            if inside is None:
                return present_ignore_files(folder)
            found += lines_of(self.files.content(inside) or b"")
        return found


class FilesBefore:
    """Files of the repository around a target as they were at a revision, for who reads settings from them."""

    def __init__(self, target: str, revision: str, environment: Mapping[str, str]) -> None:
        """Raises: ``SourceError`` without a repository or such a revision."""
        self._files = files_at_revision(target, revision, environment)

    def content(self, path: str) -> bytes | None:
        """Empty for a file that was not there, ``None`` for one of no part of the repository."""
        inside = self._files.inside(path)
        return None if inside is None else self._files.content(inside) or b""

    def present(self, path: str) -> bytes:
        return _present(path)

    def nearest(self, folder: str, name: str) -> str:
        """The file called ``name`` that was nearest at or above ``folder``, within the repository; empty without."""
        for here in (Path(folder), *Path(folder).parents):
            found = self.content(str(here / name))
            if found is None:
                break
            if found:
                return str(here / name)
        return ""


def waivers_before(files: OldFiles, paths: Sequence[str]) -> tuple[Waiver, ...]:
    """What the files of waivers at ``paths`` held. A file of no part of the repository is as it is: no change reaches it.

    Raises: ``SourceError``, ``UsageError`` for such a file that cannot be read.
    """
    return tuple(waiver for path in paths for waiver in _waivers_of(files, path))


def _waivers_of(files: OldFiles, path: str) -> Iterator[Waiver]:
    inside = files.inside(path)
    content = _present(path) if inside is None else files.content(inside)
    try:
        yield from waivers_in(content, path) if content else ()
    except (SourceError, UsageError):
        # A change may correct a file that no one could read.
        if inside is None:
            raise


def changed_files(files: OldFiles, waivers: Sequence[str], folders: Sequence[str]) -> tuple[str, ...]:
    """Those of ``waivers``, and of the ignore files in ``folders``, that are not as they were."""
    asked = [*waivers, *(str(Path(folder, name)) for folder in folders for name in IGNORE_FILES)]
    return tuple(path for path in asked if _is_changed(files, path))


def _is_changed(files: OldFiles, path: str) -> bool:
    inside = files.inside(path)
    return inside is not None and (files.content(inside) or b"") != _present(path)


def _present(path: str) -> bytes:
    try:
        return read_regular(path, LARGEST_BYTES + 1)
    except OSError:
        return b""


def accepted_in(report: PostureReport, places: ShownPlaces) -> Mapping[Acceptance, int]:
    """What marks in the target of ``report`` accept in it."""
    by_marks = tuple(one.finding for one in report.waived if report.waivers[one.waiver].waiver.is_from_target)
    return Counter(acceptances(report, by_marks, places))


def acceptances(
    report: PostureReport, findings: tuple[Finding, ...], places: ShownPlaces
) -> Iterator[Acceptance]:
    """How each of ``findings`` is known."""
    seen = baseline_of(replace(report, findings=findings, waived=()), places, "", "").findings
    return map(_acceptance, seen)


def _acceptance(seen: SeenFinding) -> Acceptance:
    return seen.control, seen.object, seen.path, seen.on
