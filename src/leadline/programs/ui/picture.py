"""Pictures as SVG, drawn here: nothing of it is computed in the browser, and on paper it is the same.

Colours and fonts are those of the page's style sheet, by classes, so that they follow dark and light.
"""

from collections.abc import Sequence
from html import escape

from leadline.model.risk import AttackStep

_BOX, _GAP, _PAD, _ROW = 44, 44, 14, 58
_CHARACTER, _SMALL = 9.0, 6.8
"""Pixels of a character on average, of a title and of what is below it."""
_LONGEST = 40
_EDGE = 2
_WHAT = {
    "start": "attacker",
    "way": "way in",
    "workload": "workload",
    "token": "its token",
    "node": "its node",
    "secrets": "its Secrets",
    "vulnerability": "its image",
}
_TREND_WIDTH, _TREND_HEIGHT = 600, 96


def path_picture(steps: Sequence[AttackStep], words: str) -> str:
    """The way to a workload from left to right, and beside each other what it opens; ``words`` say the same."""
    at = next((number for number, step in enumerate(steps) if step.kind == "workload"), len(steps) - 1)
    way, opened = steps[: at + 1], steps[at + 1 :]
    height = max(1, len(opened)) * _ROW
    middle = height // 2
    parts: list[str] = []
    x = _EDGE
    for number, step in enumerate(way):
        if number:
            parts.append(_arrow(x, middle, x + _GAP, middle))
            x += _GAP
        width = _width(step)
        parts.append(_box(step, x, middle - _BOX // 2, width))
        x += width
    fan, right = _fan(opened, x, middle, height)
    return _drawn("".join(parts) + fan, right, height, words)


def neighbours_picture(
    comes_in: Sequence[tuple[str, str]], name: str, goes_out: Sequence[tuple[str, str]], words: str
) -> str:
    """Who connects to a workload at the left, to whom it connects at the right, each with its ports."""
    into, out = (
        [AttackStep("way", one, details=(ports,)) for one, ports in side] for side in (comes_in, goes_out)
    )
    height = max(1, len(into), len(out)) * _ROW
    middle = height // 2
    x = _EDGE + (max(map(_width, into)) + _GAP if into else 0)
    left = "".join(
        _box(step, x - _GAP - _width(step), centre - _BOX // 2, _width(step))
        + _arrow(x - _GAP, centre, x, middle)
        for step, centre in zip(into, _centres(len(into), height), strict=True)
    )
    own = AttackStep("workload", name)
    fan, right = _fan(out, x + _width(own), middle, height)
    return _drawn(left + _box(own, x, middle - _BOX // 2, _width(own)) + fan, right, height, words)


def _fan(steps: Sequence[AttackStep], x: int, middle: int, height: int) -> tuple[str, int]:
    """Below each other what one box leads to, which ends at ``x``; and where all that ends."""
    drawn = "".join(
        _arrow(x, middle, x + _GAP, centre) + _box(step, x + _GAP, centre - _BOX // 2, _width(step))
        for step, centre in zip(steps, _centres(len(steps), height), strict=True)
    )
    return drawn, x + (_GAP + max(map(_width, steps)) if steps else 0)


def _centres(number: int, height: int) -> list[int]:
    return [(height - number * _ROW) // 2 + place * _ROW + _ROW // 2 for place in range(number)]


def _drawn(parts: str, right: int, height: int, words: str) -> str:
    width = right + _EDGE
    return (
        f'<svg class="path" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-label="{escape(words)}">{parts}</svg>'
    )


def trend_picture(days: Sequence[tuple[str, int | None]], words: str) -> str:
    """A number over days: a line that is broken where no one looked, with its largest and smallest value."""
    known = [number for _, number in days if number is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    span = max(1, high - low)
    step = _TREND_WIDTH / max(1, len(days) - 1)

    def spot(place: int, number: int) -> tuple[float, float]:
        return place * step, 8 + (_TREND_HEIGHT - 16) * (1 - (number - low) / span)

    lines: list[list[tuple[float, float]]] = [[]]
    for place, (_, number) in enumerate(days):
        if number is None:
            lines.append([])
        else:
            lines[-1].append(spot(place, number))
    drawn = "".join(
        f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in line)}"/>'
        for line in lines
        if len(line) > 1
    )
    dots = "".join(
        f'<circle class="dot" cx="{line[-1][0]:.1f}" cy="{line[-1][1]:.1f}" r="3.5"/>'
        for line in lines
        if line
    )
    return (
        f'<svg class="trend" viewBox="-4 0 {_TREND_WIDTH + 8} {_TREND_HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(words)}">{drawn}{dots}</svg>'
    )


def bar(part: float) -> str:
    """Per cent as a bar. The number is beside it."""
    return (
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rest" width="100" height="6" rx="3"/><rect class="part" width="{part:.1f}" height="6" rx="3"/></svg>'
    )


def _title(step: AttackStep) -> str:
    return step.text if len(step.text) <= _LONGEST else f"{step.text[: _LONGEST - 1]}…"


def _below(step: AttackStep) -> str:
    text = ", ".join(step.details) or _WHAT.get(step.kind, "")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _width(step: AttackStep) -> int:
    return int(max(len(_title(step)) * _CHARACTER, len(_below(step)) * _SMALL)) + 2 * _PAD


def _box(step: AttackStep, x: int, y: int, width: int) -> str:
    kind = step.kind if step.kind in _WHAT else "way"
    return (
        f'<g class="{kind}"><title>{escape(step.text)}</title><rect x="{x}" y="{y}" width="{width}" height="{_BOX}" rx="7"/>'
        f'<text class="name" x="{x + _PAD}" y="{y + 19}">{escape(_title(step))}</text>'
        f'<text class="below" x="{x + _PAD}" y="{y + 35}">{escape(_below(step))}</text></g>'
    )


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    bend = (x2 - x1) // 2
    line = (
        f"M{x1} {y1}H{x2 - 7}" if y1 == y2 else f"M{x1} {y1}C{x1 + bend} {y1} {x1 + bend} {y2} {x2 - 7} {y2}"
    )
    head = f"M{x2 - 8} {y2 - 5}L{x2} {y2}L{x2 - 8} {y2 + 5}Z"
    return f'<path class="edge" d="{line}"/><path class="head" d="{head}"/>'
