"""Changes of files as unified diffs: for a person, without secrets, or for ``git apply``, exact."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, unified_diff

from msgspec import Struct

from leadline.outputs.text.plain import source_line

_HUNK = re.compile(r"^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")
_BORDER = re.compile(r"^---(?:[ \t\r\n#]|$)")
_CONTEXT = 3
NO_LINE_END = "\\ No newline at end of file\n"

Hide = Callable[[str], str]
"""A line without its secrets."""


class FixedFile(Struct, frozen=True):
    """A file before and after."""

    path: str
    """As the user would open it."""
    real: str
    """Absolute."""
    before: str
    after: str
    hidden: Mapping[int, Hide] = {}
    """What hides the secrets of each document, by its number from 0."""


def exact_patch(file: FixedFile) -> str | None:
    """The change for ``git apply`` and ``patch``; ``None`` where a line of it would show a secret."""
    for context in range(_CONTEXT, -1, -1):
        lines = list(_diff(file, context))
        if all(shown == line for line, shown in _with_shown(file, lines)):
            return "".join(line if line.endswith("\n") else f"{line}\n{NO_LINE_END}" for line in lines)
    return None


def shown_patch(file: FixedFile) -> Iterator[str]:
    """The lines of the change as a terminal can show them, without their ends."""
    for _, shown in _with_shown(file, list(_diff(file, _CONTEXT))):
        yield source_line(shown)


def applicable_lines(file: FixedFile) -> list[str]:
    """As ``shown_patch``, with as much around the changes as shows no secret, so that ``patch`` takes it where that is possible."""
    exact = exact_patch(file)
    return list(shown_patch(file)) if exact is None else [source_line(one) for one in lines_of(exact)]


def _diff(file: FixedFile, context: int) -> Iterator[str]:
    name = file.path.replace("\\", "/").removeprefix("./")
    head, *rest = (f"a/{name}", f"b/{name}") if not name.startswith("/") else (name, name)
    if any(not c.isprintable() or c in '"\\' for c in name):
        head, rest = _quoted(head), [_quoted(rest[0])]
    # git ends a name with blanks in it by a tab.
    tab = "\t" if " " in name else ""
    before, after = lines_of(file.before), lines_of(file.after)
    # Comparing takes time by the square of the lines: those that are the same at both ends are left out.
    first = _alike(before, after)
    last = _alike(before[first:][::-1], after[first:][::-1])
    start, end = max(0, first - context), max(0, last - context)
    middles = before[start : len(before) - end], after[start : len(after) - end]
    for line in unified_diff(*middles, head + tab, rest[0] + tab, n=context):
        yield _HUNK.sub(lambda hunk: _moved(hunk, start), line)


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _moved(hunk: re.Match[str], lines: int) -> str:
    old, old_size, new, new_size = hunk.groups("")
    return f"@@ -{int(old) + lines}{old_size} +{int(new) + lines}{new_size} @@"


def lines_of(text: str) -> list[str]:
    """Lines as a patch counts them: a carriage return is a character of its line."""
    *whole, rest = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([rest] if rest else [])]


def _quoted(name: str) -> str:
    written = "".join(
        f"\\{c}" if c in '"\\' else c if c.isprintable() else "".join(f"\\{b:03o}" for b in c.encode())
        for c in name
    )
    return f'"{written}"'


def _with_shown(file: FixedFile, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each line of the diff, and the same without secrets."""
    olds, news = document_numbers(file.before), document_numbers(file.after)
    old = new = 0
    for number, line in enumerate(lines):
        if number < 2:
            yield line, line
            continue
        hunk = _HUNK.match(line)
        if hunk:
            # A hunk without lines on one side names the line before it.
            old, new = int(hunk[1]) - 1, int(hunk[3]) - 1
            yield line, line
            continue
        numbers, at = (news, new) if line[0] == "+" else (olds, old)
        hide = file.hidden.get(numbers[at] if 0 <= at < len(numbers) else 0)
        old += line[0] != "+"
        new += line[0] != "-"
        text = line[1:].rstrip("\r\n")
        hidden = hide(text) if hide else text
        yield line, line if hidden == text else f"{line[0]}{hidden}\n"


def document_numbers(text: str) -> list[int]:
    """For each line the number of the document that it is in, counted by borders; comments at the start count as none."""
    numbers: list[int] = []
    document, has_content = 0, False
    for line in lines_of(text):
        if _BORDER.match(line) and has_content:
            document, has_content = document + 1, False
        has_content = has_content or bool(line.strip() and not line.startswith(("#", "%")))
        numbers.append(document)
    return numbers


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
