"""Paths to cluster admin: numbered for a terminal, or one of them as a picture."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from leadline.model.access import Access, AccessAnswer, AccessStep
from leadline.outputs.access.answer_text import headline, limits_lines, step_line
from leadline.outputs.text.plain import columns, count, plain, wrapped

_LONGEST = 1_000
_SHOWN = 50
"""Paths in text; the other formats have all."""
_CHARACTER, _LINE, _PADDING, _GAP, _MARGIN = 7, 18, 12, 26, 16
"""Pixels: of a character on average, of a line, around the text of a box, between boxes, around them all."""
_WIDEST = 90
"""Characters of a line in a box."""
_COLOURS = {"subject": "#111827", "way": "#b45309", "admin": "#b91c1c", "server": "#b91c1c"}
_OTHER_COLOUR = "#2563eb"


def path_lines(answer: AccessAnswer, width: int) -> Iterator[str]:
    """Each path with its number and a sentence a step; then what was not read."""
    yield from wrapped(plain(headline(answer), _LONGEST), width)
    indent = " " * (len(str(len(answer.found))) + 2)
    seen: dict[tuple[AccessStep, ...], int] = {}
    for number, access in enumerate(answer.found[:_SHOWN], 1):
        yield ""
        rendering = f"  [{access.world}]" if access.world else ""
        yield f"{number:>{len(indent) - 2}}  {plain(access.subject.title + rendering)}: {path_length(access)}"
        for step in _until_seen(access, seen):
            mark = "→ " if step.kind in ("way", "admin") else "  "
            first, *more = wrapped(step_line(step), width - len(indent) - 4) or [""]
            yield f"{indent}{mark}{first}"
            yield from (f"{indent}    {line}" for line in more)
        for start in _after_ways(access):
            seen.setdefault(access.steps[start:], number)
    if len(answer.found) > _SHOWN:
        yield f"and {count(len(answer.found) - _SHOWN, 'more path')}; -f json has all"
    yield ""
    yield from limits_lines(answer, width)


def _until_seen(access: Access, seen: dict[tuple[AccessStep, ...], int]) -> Iterator[AccessStep]:
    """The steps up to where the rest is that of an earlier path."""
    for start in _after_ways(access)[1:]:
        number = seen.get(access.steps[start:])
        if number is not None:
            yield from access.steps[:start]
            yield AccessStep("rule", f"from there as in {number}")
            return
    yield from access.steps


def _after_ways(access: Access) -> list[int]:
    """Where the path begins, and where it continues after each way."""
    return [0, *(i for i, step in enumerate(access.steps, 1) if step.kind == "way")]


def path_length(access: Access) -> str:
    ways = sum(step.kind == "way" for step in access.steps)
    return f"{count(ways, 'way')} to take" if ways else "is cluster admin"


def path_picture(access: Access) -> str:
    """One path as an SVG document, boxes from top to bottom."""
    steps = (AccessStep("subject", access.subject.title), *access.steps)
    boxes = [(step, wrapped(plain(step.text, _LONGEST), _WIDEST) or [""]) for step in steps]
    inner = max(columns(line) for _, lines in boxes for line in lines) * _CHARACTER + 2 * _PADDING
    parts: list[str] = []
    y = _MARGIN
    for number, (step, lines) in enumerate(boxes):
        if number:
            x = _MARGIN + inner // 2
            parts.append(f'<path d="M{x} {y}v{_GAP}" stroke="#6b7280" stroke-width="2" fill="none"/>')
            y += _GAP
        height = len(lines) * _LINE + _PADDING
        parts.append(_box(step, lines, (y, inner, height)))
        y += height
    width, height = inner + 2 * _MARGIN, y + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label={quoteattr(f"How {plain(access.subject.title)} becomes cluster admin")}>'
        "<style>text{font:13px sans-serif;fill:#fff}@media(prefers-color-scheme:dark){svg{background:#111827}}</style>"
        f"{''.join(parts)}</svg>\n"
    )


def _box(step: AccessStep, lines: Sequence[str], place: tuple[int, int, int]) -> str:
    y, width, height = place
    colour = _COLOURS.get(step.kind, _OTHER_COLOUR)
    middle = _MARGIN + width // 2
    texts = "".join(
        f'<text x="{middle}" y="{y + _LINE * (i + 1)}" text-anchor="middle">{escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    return (
        f"<g><title>{escape(step_line(step))}</title>"
        f'<rect x="{_MARGIN}" y="{y}" width="{width}" height="{height}" rx="5" fill="{colour}"/>{texts}</g>'
    )
