"""Edits of a text that make problems go away, each proven by judging the edited text and taking it back."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

from leadline.errors import ManifestError
from leadline.model.finding import Finding
from leadline.outputs.rows.remediation import fix
from leadline.scans.fixing.spots import Spot, changed_text, changes_of
from leadline.scans.fixing.wanted_edits import WantedEdit, danger_of
from leadline.scans.workspace.problems import Problem
from leadline.scans.workspace.rendered import spots_for
from leadline.scans.workspace.workspace import Workspace
from leadline.sources.waivers.marks import MARK

_MOST_EDITS = 500
"""Of one file at once."""


class TextEdit(Struct, frozen=True):
    """Whole lines in the place of others. Lines are counted from 0."""

    first: int
    end: int
    """The line after the last."""
    text: str


class Fix(Struct, frozen=True):
    """One way to make problems of a file go away."""

    title: str
    edits: tuple[TextEdit, ...]
    is_proven: bool = False
    """Judged with it, what it is for is gone and nothing else came."""
    is_tried: bool = True
    """Whether it was judged; what charts and kustomizations come to is judged once they are saved."""
    risk: str = ""
    """Why it may stop what runs; empty where it cannot."""


def fix_of(workspace: Workspace, problem: Problem) -> Fix | None:
    """What makes ``problem`` go away; ``None`` where a person has to decide, or its text is broken now."""
    found = _edited(workspace, problem.file, problem.findings, with_risky=True)
    if found is None:
        return None
    edits, after, before = found
    risk = next((one.risk for one in edits if one.risk), "")
    is_proven = _is_proven(workspace, problem.file, after, edits)
    advice = workspace.message(fix(problem.findings[0]))
    is_tried = workspace.reads(problem.file)
    return Fix(f"Leadline: {advice}", tuple(line_edits(before, after)), is_proven, is_tried, risk)


def fix_all(workspace: Workspace, file: str) -> Fix | None:
    """Every edit of the file that cannot stop what runs, as far as they are proven together; ``None`` for none."""
    findings = tuple(f for one in workspace.judged(file).problems for f in one.findings)
    found = _edited(workspace, file, findings, with_risky=False)
    if found is None:
        return None
    edits, after, before = found
    if not _is_proven(workspace, file, after, edits):
        return None
    count = len(edits)
    title = f"Leadline: make the {count} safe {'fix' if count == 1 else 'fixes'} of this file"
    return Fix(title, tuple(line_edits(before, after)), is_proven=True)


def accepted(workspace: Workspace, problem: Problem, line: str, until: str) -> Fix | None:
    """The comment beside the line of ``problem`` by which a waiver accepts it; ``None`` where none can be written there.

    ``line`` is what is there now, without its end. The reason is for the user to write.
    """
    if not workspace.is_current(problem.file) or problem.file.endswith(".json"):
        return None
    ids = ", ".join(problem.controls)
    comment = f"# {MARK.decode()} {ids} until {until} REASON"
    indent = line[: len(line) - len(line.lstrip())]
    # A line of its own stays right whatever is beside it: a block of text, a quote, a flow of braces.
    number = problem.line - 1
    return Fix(
        f"Leadline: accept {ids} here with a reason", (TextEdit(number, number, f"{indent}{comment}\n"),)
    )


def line_edits(before: str, after: str) -> Iterator[TextEdit]:
    """The lines that differ, so that marks and folds of an editor stay elsewhere."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield TextEdit(i1, i2, "".join(new[j1:j2]))


def _edited(
    workspace: Workspace, file: str, findings: Sequence[Finding], *, with_risky: bool
) -> tuple[list[WantedEdit], str, str] | None:
    """The edits that can be written into the file, its text with them, and its text now."""
    before = workspace.text(file)
    if before is None or not workspace.is_current(file):
        return None
    made: list[WantedEdit] = []
    spots: list[Spot] = []
    for edit, spot in spots_for(findings, workspace.get, workspace.places_of(file), workspace.rank):
        holder = workspace.get(edit.on)
        is_refused = holder is None or danger_of(edit, holder) or (edit.risk and not with_risky)
        if spot.file == file and not is_refused and len(made) < _MOST_EDITS:
            made.append(edit)
            spots.append(spot)
    try:
        after = changed_text(before, changes_of(spots))
    except ManifestError:
        return None
    return (made, after, before) if after != before else None


def _is_proven(workspace: Workspace, file: str, after: str, edits: Iterable[WantedEdit]) -> bool:
    """Whether what the edits are for is gone with ``after``, and no finding came in exchange."""
    difference = workspace.tried(file, after)
    if difference is None:
        return False
    came = Counter(finding.pair for finding in difference.appeared)
    went = Counter(finding.pair for finding in difference.went)
    asked = {pair for edit in edits for pair in edit.pairs}
    return all(went[pair] > came[pair] for pair in asked) and all(came[pair] <= went[pair] for pair in came)
