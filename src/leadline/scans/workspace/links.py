"""What a text refers to: files that a kustomization or a chart names, and the pages of controls in comments."""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from leadline.outputs.rows.remediation import control_text
from leadline.scans.workspace.workspace import Workspace
from leadline.sources.boundary import boundary_of
from leadline.sources.manifests.files import KUSTOMIZATION_FILES

_ENTRY = re.compile(r"^\s*(?:- )?(?:path:\s*|- )?(?P<path>[\w.][\w./-]*)\s*(?:#.*)?$")
_ACCEPTED = re.compile(r"#\s*leadline:\s*accept\s+(?P<ids>[\w., -]+)")
_ID = re.compile(r"[A-Z]-\d{4}")
_MOST_LINES = 5_000
_LONGEST_LINE = 500


class Link(Struct, frozen=True):
    """Some characters of a line, and where they lead."""

    line: int
    """Counted from 0, as the two columns are."""
    start: int
    end: int
    file: str = ""
    """Absolute; empty where it leads to a page."""
    page: str = ""


def links_of(workspace: Workspace, file: str, text: str) -> Iterator[Link]:
    """Those of a file's text, from its beginning. No link leads out of the folder."""
    is_kustomization = Path(file).name in KUSTOMIZATION_FILES
    for number, line in enumerate(text.split("\n", _MOST_LINES)[:_MOST_LINES]):
        if len(line) > _LONGEST_LINE:
            continue
        if "leadline:" in line and (accepted := _ACCEPTED.search(line)):
            for found in _ID.finditer(line, *accepted.span("ids")):
                control = workspace.controls.get(found[0])
                page = next(iter(control_text(control).links), "") if control else ""
                if page:
                    yield Link(number, *found.span(), page=page)
        elif is_kustomization and (entry := _ENTRY.match(line.rstrip("\r"))):
            there = _file_at(workspace.top, Path(file).parent / entry["path"])
            if there:
                yield Link(number, *entry.span("path"), file=there)


def _file_at(top: str, path: Path) -> str:
    """The file at ``path``, or the kustomization in the folder there; empty where there is none in the workspace."""
    for one in (path, *(path / name for name in KUSTOMIZATION_FILES)):
        if one.is_file() and boundary_of(top).holds(one):
            return str(one)
    return ""
