"""Edits as comments of a review: the requests that GitHub and GitLab take, each comment with a suggestion to click.

Source: https://docs.github.com/en/rest/pulls/reviews#create-a-review-for-a-pull-request,
https://docs.gitlab.com/api/discussions/#create-a-new-thread-in-the-merge-request-diff
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.field_path import parse_path
from leadline.model.control import Control, Set
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.markdown_text import code, words
from leadline.outputs.text.patch import FixedFile, Suggestion, suggestion_text, suggestions_of
from leadline.outputs.text.plain import count
from leadline.scans.fixing.fix_scan import FixResult
from leadline.scans.fixing.wanted_edits import WantedEdit
from leadline.sources.git.revision import OldFiles, files_at_revision

Service = Literal["github", "gitlab"]
MOST = 50
"""Comments: of more a reader sees none."""
_NAMED = 10
"""Edits named in one comment."""


class Review(Struct, frozen=True):
    request: Any
    """GitHub: the body of the request that makes the review. GitLab: a list of bodies, each of a request that makes a thread."""
    suggestions: int
    left: int
    """Places that change and have none: outside of the change, too long, or their lines would show a secret."""


def review_of(
    result: FixResult, target: str, revision: str, environment: Mapping[str, str], service: Service
) -> Review:
    """What ``result`` edits in lines of the change since ``revision``.

    Raises: ``SourceError`` without git, a repository around ``target``, or such a revision.
    """
    old = files_at_revision(target, revision, environment)
    comments: list[tuple[dict[str, Any], str]] = []
    left = 0
    for file in result.files:
        inside = old.inside(file.real)
        shown = old.lines_of_change(inside) if inside else {}
        found, without = suggestions_of(file, shown)
        left += without
        edits = _nearest(found, _edits_in(file, result))
        for suggestion, about in zip(found, edits, strict=True):
            body = _body(about, suggestion, result, is_gitlab=service == "gitlab")
            comments.append((_place(inside or "", suggestion, shown, old, service), body))
    left += len(comments[MOST:])
    comments = comments[:MOST]
    if service == "gitlab":
        return Review([{"body": body, "position": place} for place, body in comments], len(comments), left)
    said = _summary(result, len(comments), left)
    request = {
        "event": "COMMENT",
        "body": said,
        "comments": [{**place, "body": body} for place, body in comments],
    }
    return Review(request, len(comments), left)


def _place(
    path: str, suggestion: Suggestion, shown: Mapping[int, int], old: OldFiles, service: Service
) -> dict[str, Any]:
    if service == "github":
        place: dict[str, Any] = {"path": path, "line": suggestion.last, "side": "RIGHT"}
        if suggestion.first < suggestion.last:
            place |= {"start_line": suggestion.first, "start_side": "RIGHT"}
        return place
    then = shown.get(suggestion.last, 0)
    return {
        "position_type": "text",
        "base_sha": old.commit,
        "start_sha": old.commit,
        "head_sha": old.head(),
        "old_path": path,
        "new_path": path,
        "new_line": suggestion.last,
        **({"old_line": then} if then else {}),
    }


def _edits_in(file: FixedFile, result: FixResult) -> list[tuple[WantedEdit, int]]:
    """Those that are made in it, with the line of each."""
    lines = ((edit, result.lines.get(edit.key, ("", 0))) for edit in result.made)
    return [(edit, line) for edit, (path, line) in lines if path == file.path]


def _nearest(suggestions: list[Suggestion], edits: list[tuple[WantedEdit, int]]) -> list[list[WantedEdit]]:
    """For each suggestion the edits that it is nearest to; what is set is in its lines."""
    found: list[list[WantedEdit]] = [[] for _ in suggestions]
    for edit, line in edits if suggestions else ():
        away = [max(one.first - line, line - one.last, 0) for one in suggestions]
        names = [step for step in parse_path(edit.path) if isinstance(step, str)]
        holding = [
            number
            for number, one in enumerate(suggestions)
            if isinstance(edit.change, Set) and names and f"{names[-1]}:" in one.text
        ]
        found[min(holding or range(len(away)), key=away.__getitem__)].append(edit)
    return found


def _body(edits: list[WantedEdit], suggestion: Suggestion, result: FixResult, *, is_gitlab: bool) -> str:
    controls = {control.id: control for control in result.controls}
    lines = list(dict.fromkeys(line for edit in edits for line in _about(edit, controls)))
    more = [f"and {count(len(lines) - _NAMED, 'more line')}"] if len(lines) > _NAMED else []
    block = suggestion_text(suggestion, is_gitlab=is_gitlab)
    return "\n\n".join(("  \n".join((*lines[:_NAMED], *more)), block)) if lines else block


def _about(edit: WantedEdit, controls: Mapping[str, Control]) -> Iterator[str]:
    if edit.goes_with is not None:
        return
    control = edit.finding.control_of(controls)
    problem = words(control.problem or control.title)
    yield f"**{control.severity}: {problem}** ({code(control.id)}): {code(fix(replace(edit.finding, violation=edit.change)))}"
    if edit.risk:
        yield f"⚠️ {words(edit.risk)}"


def _summary(result: FixResult, suggestions: int, left: int) -> str:
    parts = [f"{count(suggestions, 'suggestion')} of Leadline: each was tried on a copy and judged again."]
    if left:
        parts.append(
            f"{count(left, 'edit')} outside of the lines of this change: {code('leadline fix')} makes them."
        )
    if result.risky:
        parts.append(f"{count(len(result.risky), 'more edit')} may stop what runs, and must be asked for.")
    if result.decisions:
        parts.append(f"{count(len(result.decisions), 'finding')} for a person to decide.")
    return " ".join(parts)
