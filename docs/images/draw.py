"""Draws terminal output as SVG that reads well on light and dark pages.

COLUMNS=100 script -qc "leadline scan examples/shop" /dev/null | python docs/images/draw.py TITLE > docs/images/scan.svg
"""

import re
import sys
from html import escape

CELL_WIDTH, LINE_HEIGHT, MARGIN, BAR = 8.43, 19, 18, 34
COLOURS = {  # class: on light, on dark
    "fg": ("#24292f", "#d1d7e0"),
    "dim": ("#59636e", "#9198a1"),
    "1": ("#24292f", "#d1d7e0"),
    "31": ("#c4232c", "#ff7b72"),
    "1;31": ("#a40e26", "#ff6a69"),
    "32": ("#1a7f37", "#4ac26b"),
    "33": ("#8a5a00", "#e3b341"),
    "36": ("#1b7c83", "#76e3ea"),
}
SPAN = re.compile(r"\x1b\[([\d;]*)m")


def css_class(style: str) -> str:
    return "c" + style.replace(";", "-")


def drawn(line: str, y: int) -> str:
    """One line: a text element per stretch of one colour, each at its own column so that no font can shift it."""
    parts, column, style = [], 0, ""
    for i, piece in enumerate(SPAN.split(line)):
        if i % 2:
            style = "" if piece == "0" else piece
            continue
        for match in re.finditer(r"\S+(?: \S+)*", piece):
            x = MARGIN + (column + match.start()) * CELL_WIDTH
            length = len(match.group()) * CELL_WIDTH
            attribute = f' class="{css_class(style)}"' if style else ""
            parts.append(
                f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs"{attribute}>'
                f"{escape(match.group())}</text>"
            )
        column += len(piece)
    return "".join(parts)


def svg(text: str, title: str) -> str:
    lines = text.replace("\r", "").rstrip("\n").split("\n")
    width = max(len(SPAN.sub("", line)) for line in lines) * CELL_WIDTH + 2 * MARGIN
    height = BAR + len(lines) * LINE_HEIGHT + MARGIN
    light = "".join(f".{css_class(k)}{{fill:{v[0]}}}" for k, v in COLOURS.items() if k[0].isdigit())
    dark = "".join(f".{css_class(k)}{{fill:{v[1]}}}" for k, v in COLOURS.items() if k[0].isdigit())
    body = "\n".join(drawn(line, BAR + (i + 1) * LINE_HEIGHT - 5) for i, line in enumerate(lines))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img" aria-label="{escape(title)}">
<style>
text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:{COLOURS["fg"][0]};white-space:pre}}
.frame{{fill:#ffffff;stroke:#d1d9e0}}.dim{{fill:{COLOURS["dim"][0]}}}.c1,.c1-31{{font-weight:700}}{light}
@media (prefers-color-scheme:dark){{text{{fill:{COLOURS["fg"][1]}}}.frame{{fill:#0d1117;stroke:#3d444d}}.dim{{fill:{COLOURS["dim"][1]}}}{dark}}}
</style>
<rect class="frame" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="8"/>
<text class="dim" x="{MARGIN}" y="24">$ {escape(title)}</text>
{body}
</svg>
"""


if __name__ == "__main__":
    sys.stdout.write(svg(sys.stdin.read(), sys.argv[1]))
