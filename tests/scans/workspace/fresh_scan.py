"""What a fresh scan says about a folder, and what a workspace says, in the same terms."""

from collections import Counter
from pathlib import Path

from leadline.outputs.rows.edit_rows import edit_rows
from leadline.outputs.rows.place import FindingPlaces
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.workspace.workspace import Workspace

Said = Counter[tuple[str, int, tuple[str, ...], str, str]]
"""File, line (neither for what follows from a binding alone), controls, object and fix."""


def said_by_scan(top: Path, options: PostureOptions) -> tuple[Said, set[str]]:
    """What is found, and the files of which something could not be read."""
    with open_posture_scan([str(top)], options) as scan:
        said: Said = Counter()
        places = FindingPlaces(scan.report, scan.places)
        for row in edit_rows(scan.report, places):
            file = places.holder(row.finding).origin.file if row.place else ""
            line = row.place.line if row.place else 0
            ids = tuple(sorted(one.id for one in row.controls))
            said[file, line, ids, row.finding.on, row.finding.action] += 1
        return said, {one.where for one in scan.report.unread if one.reason in ("malformed", "too large")}


def said_by(workspace: Workspace) -> tuple[Said, set[str]]:
    """The same of a workspace."""
    said: Said = Counter()
    unread = set()
    for path in workspace.folder.files:
        judged = workspace.judged(path)
        for one in judged.problems:
            first = one.findings[0]
            is_placed = workspace.get(first.on) is not None
            place = (one.file, one.line) if is_placed else ("", 0)
            said[*place, tuple(sorted(one.controls)), first.on, first.action] += 1
        unread |= {
            path
            for one in judged.unread
            if one.reason in ("malformed", "too large") and one.where == path[len(workspace.top) + 1 :]
        }
    return said, unread
