"""Ranks of workloads for a terminal, and drawn as a picture."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from leadline.model.report import PostureReport
from leadline.model.risk import AttackStep, WorkloadRisk
from leadline.outputs.rows.place import titles_of
from leadline.outputs.text.plain import clipped, columns, plain, wrapped

ARROW = "→"
_CHARACTER = 7
"""Pixels of a character in the picture, on average."""
_HEIGHT, _GAP, _PADDING, _LEFT, _ROW = 30, 28, 12, 16, 44
_LONGEST = 48
"""Characters of a box."""
_COLOURS = {
    "start": "#6b7280",
    "way": "#2563eb",
    "workload": "#111827",
    "token": "#b91c1c",
    "node": "#b91c1c",
}
_OTHER_COLOUR = "#b45309"


def risk_lines(report: PostureReport, risks: Sequence[WorkloadRisk], width: int) -> Iterator[str]:
    """Each workload with its rank, why, and the way that an attacker takes."""
    title = titles_of(report)
    rank_width = len(str(len(risks)))
    indent = " " * (rank_width + 8)
    yield f"{'':{rank_width}}  SCORE  WORKLOAD   the score is out of 100"
    for number, risk in enumerate(risks, 1):
        yield f"{number:{rank_width}}  {risk.score:5.1f}  {title(report.resource(risk.resource))}"
        yield from (indent + line for line in wrapped(plain(risk.sentence, 1_000), width - len(indent)))
        yield from (f"{indent}{line}" for line in path_lines(risk.path, width - len(indent)))
        yield ""


def path_lines(path: Sequence[AttackStep], width: int) -> Iterator[str]:
    """``internet → Ingress shop → web (root)``; what the workload opens is below it, a line each."""
    at = next(number for number, step in enumerate(path) if step.kind == "workload")
    yield from wrapped(f" {ARROW} ".join(step_text(step) for step in path[: at + 1]), width)
    for step in path[at + 1 :]:
        first, *more = wrapped(step_text(step), width - 4) or [""]
        yield f"  {ARROW} {first}"
        yield from (f"    {line}" for line in more)


def step_text(step: AttackStep) -> str:
    details = f" ({', '.join(step.details)})" if step.details else ""
    return plain(step.text + details)


def risk_picture(report: PostureReport, risks: Sequence[WorkloadRisk], *, with_heads: bool = True) -> str:
    """The ways to each workload as one SVG document, boxes from left to right; ``with_heads`` names each workload above."""
    title = titles_of(report)
    parts: list[str] = []
    y, widest = 16, 0
    for number, risk in enumerate(risks, 1):
        if with_heads:
            head = f"{number}. {title(report.resource(risk.resource))}, {risk.score:.1f} of 100"
            parts.append(f'<text x="{_LEFT}" y="{y + 14}" class="head">{escape(head)}</text>')
            widest = max(widest, _LEFT + len(head) * 8)
            y += 28
        drawn, width, height = _drawn(risk.path, y)
        parts += drawn
        widest = max(widest, width)
        y += height + 20
    style = (
        "text{font:13px sans-serif}.head{font-weight:bold;fill:#111827}.box{fill:#fff}"
        "@media(prefers-color-scheme:dark){svg{background:#111827}.head{fill:#f3f4f6}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{widest + _LEFT}" height="{y}"'
        f' viewBox="0 0 {widest + _LEFT} {y}" role="img" aria-label="Ways of an attacker to workloads">'
        f"<style>{style}</style>{''.join(parts)}</svg>\n"
    )


def _drawn(path: Sequence[AttackStep], y: int) -> tuple[list[str], int, int]:
    """The boxes and lines of one way; its right edge and its height."""
    at = next(number for number, step in enumerate(path) if step.kind == "workload")
    parts: list[str] = []
    x, middle = _LEFT, y + _HEIGHT // 2
    for number, step in enumerate(path[: at + 1]):
        if number:
            parts.append(_line(x, middle, x + _GAP, middle))
            x += _GAP
        box, width = _box(step, x, y)
        parts.append(box)
        x += width
    right, height = x, _HEIGHT
    for row, step in enumerate(path[at + 1 :]):
        top = y + row * _ROW
        parts.append(_line(x, middle, x + _GAP, top + _HEIGHT // 2))
        box, width = _box(step, x + _GAP, top)
        parts.append(box)
        right, height = max(right, x + _GAP + width), max(height, row * _ROW + _HEIGHT)
    return parts, right, height


def _box(step: AttackStep, x: int, y: int) -> tuple[str, int]:
    text = clipped(step_text(step), _LONGEST)
    width = columns(text) * _CHARACTER + 2 * _PADDING
    colour = _COLOURS.get(step.kind, _OTHER_COLOUR)
    return (
        f'<g><title>{escape(step_text(step))}</title><rect x="{x}" y="{y}" width="{width}" height="{_HEIGHT}" rx="5"'
        f" fill={quoteattr(colour)}/>"
        f'<text x="{x + width // 2}" y="{y + 20}" text-anchor="middle" class="box">{escape(text)}</text></g>',
        width,
    )


def _line(x1: int, y1: int, x2: int, y2: int) -> str:
    return f'<path d="M{x1} {y1}L{x2} {y2}" stroke="#6b7280" stroke-width="2" fill="none"/>'
