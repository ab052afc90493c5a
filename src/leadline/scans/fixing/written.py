"""Edits as patches and as the lines that end a fix."""

from collections.abc import Iterator

from leadline.outputs.rows.fix_summary import (
    not_made_lines,
    question_lines,
    questions,
    risky_lines,
    unread_lines,
)
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.patch import exact_patch, shown_patch
from leadline.outputs.text.plain import count, plain, wrapped
from leadline.scans.fixing.fix_scan import FixResult


def patches_of(result: FixResult) -> tuple[list[str], list[str]]:
    """Patches for ``git apply``, and the files without one: theirs would show secrets."""
    patches = [(file.path, exact_patch(file)) for file in result.files]
    return [text for _, text in patches if text is not None], [path for path, text in patches if text is None]


def shown_lines(result: FixResult) -> Iterator[str]:
    """The patches as a person reads them, without secrets."""
    for file in result.files:
        yield from shown_patch(file)


def summary_lines(
    result: FixResult, width: int, *, shows_all: bool, risky_hint: str = "", drafts_hint: str = ""
) -> Iterator[str]:
    """What was not edited and why, what is asked, what becomes of the findings; the hints say how risky edits are made and drafts are written."""
    controls = {control.id: control for control in result.controls}
    asked = questions(result.decisions, controls, result.objects)
    if result.not_made:
        yield f"not edited  {len(result.not_made):,}"
        rows = [
            (result.objects[one.edit.on].title, fix(one.edit.finding), one.why) for one in result.not_made
        ]
        yield from not_made_lines(rows, width, shows_all=shows_all)
        yield ""
    if result.risky:
        yield from wrapped(
            f"risky  {count(len(result.risky), 'edit')}, not made: each may stop what runs{risky_hint}",
            width,
        )
        yield from risky_lines(
            [(result.objects[one.on].title, fix(one.finding), one.risk) for one in result.risky],
            width,
            shows_all=shows_all,
        )
        yield ""
    if result.came:
        yield f"fails only now  {len(result.came):,}, less grave than what is gone"
        for id, on in result.came:
            control = controls[id]
            text = f"{control.severity}  {id}  {control.problem or control.title}: {result.objects[on].title}"
            yield from (f"  {line}" for line in wrapped(plain(text), width - 2))
        yield ""
    if asked:
        yield f"for you to decide  {count(len(asked), 'question')}"
        yield from question_lines(asked, width, shows_all=shows_all)
        yield ""
    if result.unread:
        yield from unread_lines(result.unread, width, shows_all=shows_all)
        yield ""
    if result.drafts:
        named = ", ".join(f"{draft.entries:,} in {draft.name}" for draft in result.drafts)
        yield from wrapped(f"drafts  {named}{drafts_hint}", width)
        yield ""
    if result.left_alone:
        yield from wrapped(
            f"left as they are  {count(result.left_alone, 'finding')} that you did not ask for", width
        )
        yield ""
    edits = count(len(result.made), "edit")
    files = count(len(result.files), "file")
    becomes = "becomes" if result.failed_before == 1 else "become"
    left = f"{count(result.failed_before, 'finding')} {becomes} {result.failed_after:,}"
    left_risky = f"; {count(len(result.risky), 'risky edit')} left" if result.risky else ""
    if result.made:
        yield from wrapped(f"{edits} in {files}: {left}, judged again after the edits{left_risky}", width)
    elif result.failed_before:
        yield from wrapped(
            f"no edit can be made without you: {count(result.failed_before, 'finding')}{left_risky}", width
        )
    else:
        unread = f" in what was read; {len(result.unread):,} not read" if result.unread else ""
        aimed = " that you asked for" if result.left_alone else ""
        yield f"nothing to fix: no findings{aimed}{unread}"
