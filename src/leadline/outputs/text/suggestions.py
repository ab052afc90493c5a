"""Edits as suggestions that the author of a change takes over with a click: replacements of lines, as pull and merge requests show them.

Only lines that the change shows can carry one. A line that would show a secret is never written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

from leadline.outputs.text.patch import FixedFile, document_numbers, lines_of

MOST_LINES = 100
"""Of one suggestion: GitLab takes no more above the line that it is about."""


_TICKS = re.compile(r"`+")


class Suggestion(Struct, frozen=True):
    """Lines of a file, and what is to take their place."""

    first: int
    """Line of the file as it is, from 1."""
    last: int
    text: str
    """Whole lines, each with its end; empty where the lines are to go."""


def suggestions_of(file: FixedFile, shown: Mapping[int, int]) -> tuple[list[Suggestion], int]:
    """The edits of ``file`` as suggestions, and how many changed places have none; ``shown`` are the lines of the change."""
    before, after = lines_of(file.before), lines_of(file.after)
    secret = _secret_lines(file, after)
    found: list[Suggestion] = []
    left = 0
    for old, new in _blocks(before, after, secret):
        first, last = old.start + 1, old.stop
        fits = last - first < MOST_LINES and all(number in shown for number in range(first, last + 1))
        if fits and secret.isdisjoint(new):
            found.append(Suggestion(first, last, "".join(after[new.start : new.stop])))
        else:
            left += 1
    return found, left


def suggestion_text(suggestion: Suggestion, *, is_gitlab: bool) -> str:
    """The block of Markdown that both services show with a button.

    Source: https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/commenting-on-a-pull-request,
    https://docs.gitlab.com/user/project/merge_requests/reviews/suggestions/
    """
    fence = "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(suggestion.text)), default=0))
    reach = f":-{suggestion.last - suggestion.first}+0" if is_gitlab else ""
    text = (
        suggestion.text if not suggestion.text or suggestion.text.endswith("\n") else f"{suggestion.text}\n"
    )
    return f"{fence}suggestion{reach}\n{text}{fence}\n"


def _blocks(before: Sequence[str], after: Sequence[str], secret: set[int]) -> Iterator[tuple[range, range]]:
    """Lines before and after of each place that changes, in pairs; those that touch are one.

    A suggestion replaces lines: what is only added takes the line above along, or the one below where that is better left unsaid.
    """
    old, new = range(0), range(0)
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if tag == "insert":
            is_above = i1 > 0 and (j1 - 1 not in secret or i1 == len(before))
            i1, j1 = (i1 - 1, j1 - 1) if is_above else (i1, j1)
            i2, j2 = (i2, j2) if is_above else (min(i2 + 1, len(before)), min(j2 + 1, len(after)))
        if old and i1 <= old.stop:
            old, new = range(old.start, max(i2, old.stop)), range(new.start, max(j2, new.stop))
            continue
        if old:
            yield old, new
        old, new = range(i1, i2), range(j1, j2)
    if old:
        yield old, new


def _secret_lines(file: FixedFile, after: Sequence[str]) -> set[int]:
    numbers = document_numbers(file.after)
    found = set()
    for at, line in enumerate(after):
        hide = file.hidden.get(numbers[at]) or file.hidden.get(0)
        text = line.rstrip("\r\n")
        if hide and hide(text) != text:
            found.add(at)
    return found
