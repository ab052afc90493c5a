"""One HTML file that needs nothing else: no font, no request, so that it can be mailed, printed and archived.

Whatever is put into it goes through ``text``, which escapes it, or is markup made of such pieces. The one script that a
page may have is the constant below, which filters rows; the page's policy allows no other by its hash.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from leadline.outputs.text.plain import plain

_LONGEST = 4096
_COLOURED = ("Severity", "Worst")

STYLE = """
:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--band:#f6f8fa;
--critical:#8b0a1a;--high:#b42318;--medium:#8a5a00;--low:#0b6b77;--unknown:#57606a;--good:#116329;--link:#0a58ca}
@media (prefers-color-scheme:dark){:root{--page:#0f1318;--ink:#e6edf3;--soft:#9aa7b4;--line:#30363d;--band:#171c23;
--critical:#ff8f8f;--high:#ff7b72;--medium:#e3b341;--low:#56d4dd;--unknown:#9aa7b4;--good:#56d364;--link:#79b8ff}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:72rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.25rem;margin:2.5rem 0 .5rem}h3{font-size:1rem;margin:1.25rem 0 .25rem}
h1,h2,h3,td,li,dd{overflow-wrap:anywhere}
p{margin:.25rem 0}a{color:var(--link)}.soft{color:var(--soft)}code,.id{font-family:ui-monospace,"Liberation Mono",monospace;font-size:.92em}
ul,ol{margin:.25rem 0;padding-left:1.4rem}
.counts{display:flex;flex-wrap:wrap;gap:.5rem;margin:1rem 0;padding:0;list-style:none}
.counts li{border:1px solid var(--line);border-radius:.4rem;padding:.4rem .9rem;background:var(--band)}
.counts b{display:block;font-size:1.35rem;line-height:1.2}
table{border-collapse:collapse;width:100%;margin:.5rem 0}caption{text-align:left}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line)}
th{background:var(--band);font-weight:600}
td.severity{white-space:nowrap;font-weight:600}
.critical{color:var(--critical)}.high{color:var(--high)}.medium{color:var(--medium)}.low,.negligible{color:var(--low)}
.unknown{color:var(--unknown)}.good{color:var(--good)}
tr.critical,tr.high,tr.medium,tr.low,tr.negligible,tr.unknown{color:inherit}
.tag{border:1px solid currentColor;border-radius:.3rem;padding:0 .3rem;font-size:.8rem;white-space:nowrap}
.verdict{font-weight:600;border-left:.3rem solid currentColor;padding-left:.7rem;margin:1rem 0}
details{margin:.25rem 0}summary{cursor:pointer;color:var(--link)}
fieldset{border:1px solid var(--line);border-radius:.4rem;display:inline-flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.5rem 0}
nav li{margin:.1rem 0}
.whole{white-space:nowrap}
[hidden]{display:none!important}
.needs-script{display:none}.scripted .needs-script{display:inline-flex;gap:.4rem;align-items:center}
select,input[type=search]{font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:.3rem;
padding:.2rem .4rem;max-width:100%}
select{max-width:16rem}input[type=search]{width:16rem}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.filtered{display:none;color:var(--high);font-weight:600}
.filters{align-items:center}
@media (max-width:46rem){table,tbody,tr,td{display:block;width:100%}thead{display:none}td{border:0;padding:.1rem 0}
td::before{content:attr(data-label) ": ";color:var(--soft);font-weight:400}tr{display:block;border-bottom:1px solid var(--line);padding:.5rem 0}}
@media print{:root{color-scheme:light;--page:#fff;--ink:#000;--soft:#444;--line:#bbb;--band:#f4f4f4;--critical:#8b0a1a;
--high:#b42318;--medium:#8a5a00;--low:#0b6b77;--unknown:#444;--good:#116329;--link:#000}
body{max-width:none;padding:0;font-size:10pt}fieldset,nav{display:none}tr,li{break-inside:avoid}h2,h3{break-after:avoid}
details::details-content{content-visibility:visible;display:block}summary{color:inherit}}
"""

SCRIPT = """
(() => {
  const rows = [...document.querySelectorAll("section.group tbody tr")].map(row => ({
    row, group: row.closest("section").id, severity: row.className, text: row.textContent.toLowerCase()}));
  const groups = [...document.querySelectorAll("section.group")];
  const group = document.getElementById("show-group"), words = document.getElementById("show-text");
  const said = document.getElementById("shown"), boxes = [...document.querySelectorAll("input[id^=show-][type=checkbox]")];
  const apply = () => {
    const wanted = words.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const off = new Set(boxes.filter(box => !box.checked).map(box => box.id.slice(5)));
    const left = new Set();
    let count = 0;
    for (const one of rows) {
      const fits = (!group.value || one.group === group.value) && wanted.every(word => one.text.includes(word));
      one.row.hidden = !fits;
      if (fits && !off.has(one.severity)) { count += 1; left.add(one.group); }
    }
    for (const one of groups) one.hidden = !left.has(one.id);
    said.textContent = count === rows.length ? "" : `Filtered: ${count} of ${rows.length} rows are shown.`;
  };
  document.documentElement.classList.add("scripted");
  for (const one of [group, words, ...boxes]) one.addEventListener("input", apply);
  document.addEventListener("keydown", event => {
    if (event.key === "/" && document.activeElement !== words) { event.preventDefault(); words.focus(); }
    if (event.key === "Escape" && document.activeElement === words) { words.value = ""; apply(); }
  });
  apply();
})();
"""
"""Hides the rows of sections of the class ``group`` that the filter does not want, and sections without any left."""
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()


def text(words: str, longest: int = _LONGEST) -> str:
    """``words`` as HTML, fit for an attribute too."""
    return escape(plain(words, longest), quote=True)


def document(title: str, parts: Iterable[str], style: str = "", *, with_filter: bool = False) -> str:
    """The whole file; ``parts`` are markup, ``title`` is not. ``with_filter``: whether ``row_filter`` is among them."""
    allowed = f"; script-src 'sha256-{_SCRIPT_HASH}'" if with_filter else ""
    script = f"<script>{SCRIPT}</script>\n" if with_filter else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'"
        f'{allowed}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + f"\n{script}</body>\n</html>\n"
    )


def link(address: str, words: str) -> str:
    """``words``, leading to ``address`` where it is one on the web."""
    if not address.startswith("https://"):
        return text(words)
    return f'<a href="{text(address)}" rel="noreferrer">{text(words)}</a>'


def items(parts: Sequence[str]) -> str:
    """A list of markup; empty for none."""
    return f"<ul>{''.join(f'<li>{part}</li>' for part in parts)}</ul>" if parts else ""


def table(head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """``rows``: the severity of each, which decides its colour and what hides it, and its cells as markup.

    The cell under ``Severity`` or ``Worst`` takes the colour. On a narrow screen each cell has a line of its own.
    """
    titles = "".join(f"<th>{text(title)}</th>" for title in head)
    body = "".join(f'<tr class="{text(name)}">{_cells(head, name, cells)}</tr>\n' for name, cells in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>\n{body}</tbody></table>" if body else ""


def _cells(head: Sequence[str], name: str, cells: Sequence[str]) -> str:
    styles = (f' class="severity {text(name)}"' if title in _COLOURED else "" for title in head)
    return "".join(
        f'<td data-label="{text(title)}"{style}>{cell}</td>'
        for title, style, cell in zip(head, styles, cells, strict=True)
    )


def counts(numbers: Iterable[tuple[str, int, str]]) -> str:
    """``(words, number, class)`` side by side."""
    cells = "".join(
        f'<li class="{text(style)}"><b>{number:,}</b>{text(words)}</li>' for words, number, style in numbers
    )
    return f'<ul class="counts">{cells}</ul>'


def severity_filter(severities: Sequence[str]) -> tuple[str, str]:
    """Boxes that hide rows of a severity, and the style that they need; no script is involved."""
    boxes = "".join(
        f'<label class="{name}"><input type="checkbox" id="show-{name}" checked> {name}</label>'
        for name in severities
    )
    rules = "".join(f"body:has(#show-{name}:not(:checked)) tr.{name}{{display:none}}" for name in severities)
    return f"<fieldset><legend>Show</legend>{boxes}</fieldset>", rules


def row_filter(severities: Sequence[str], groups: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """``severity_filter`` with a choice of group and a search beside it, which need the page's script.

    ``groups``: id and title of each section. Where rows are hidden the page says so, on paper too.
    """
    boxes = "".join(
        f'<label class="{name}"><input type="checkbox" id="show-{name}" checked> {name}</label>'
        for name in severities
    )
    rules = "".join(
        f"body:has(#show-{name}:not(:checked)) tr.{name}{{display:none}}"
        f"html:not(.scripted) body:has(#show-{name}:not(:checked)) .filtered{{display:block}}"
        for name in severities
    )
    options = "".join(f'<option value="{text(id)}">{text(title)}</option>' for id, title in groups)
    choice = f'<select id="show-group"><option value="">all</option>{options}</select>'
    return (
        f'<fieldset class="filters"><legend>Show</legend>{boxes}'
        f'<label class="needs-script">Namespace {choice}</label>'
        '<label class="needs-script">Search <input type="search" id="show-text" placeholder="control, object, file"'
        ' title="/ leads here, Escape empties it"></label></fieldset>'
        '<p class="filtered">Filtered: some rows are not shown.</p>'
        '<p id="shown" class="high" role="status"></p>',
        rules,
    )
