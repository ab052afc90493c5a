"""A report over several sources in sections, each for a terminal, Markdown, HTML and paper alike."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from csv import writer
from datetime import datetime
from io import StringIO
from xml.sax.saxutils import escape

import msgspec
from msgspec import Struct

from leadline.model.control import SEVERITIES, Control
from leadline.outputs.documents.baseline import SeenFinding
from leadline.outputs.documents.joint_report import JointReport, SourceReport, TrendPoint, is_moment
from leadline.outputs.pdf.typeset import pdf_of
from leadline.outputs.text import html_page as html
from leadline.outputs.text import markdown_text as markdown
from leadline.outputs.text.comparison_text import changed_rows, object_title
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import cell_text, count, plain, text_table, wrapped

PATHS = 5
_NAMED = 20
"""Rows of a list that may be long; the rest is counted."""
_CSV_HEAD = (
    "Source", "State", "Severity", "Control", "Problem", "Object", "File", "Path", "What to do", "First seen",
)  # fmt: skip
_WIDTH, _HEIGHT, _LEFT, _TOP = 640, 150, 44, 24
_NOT_KNOWN = "-"


class Picture(Struct, frozen=True):
    caption: str
    words: str
    svg: str


class Section(Struct, frozen=True, kw_only=True):
    """One part of the report: a table, a list, pictures, or a sentence."""

    title: str
    note: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """The last cell of a row is the one that may be long."""
    items: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


def report_sections(
    report: JointReport, trend: Sequence[TrendPoint], soon: str, controls: Mapping[str, Control]
) -> Iterator[Section]:
    """``trend`` is that of all sources together; ``soon``: the day up to which an end of an accepted risk is near."""
    sections = (
        _sources(report),
        *((_changes(report, controls),) if report.last else ()),
        _paths(report),
        _trend(trend, report.last),
        _accepted(report, soon),
        _not_seen(report),
    )
    return (one for one in sections if one.rows or one.items or one.pictures or one.note)


def headline(report: JointReport) -> str:
    """``2 critical and 4 high findings in 3 sources; 1 source could not be read``."""
    if not report.sources:
        return f"no source could be read: {count(len(report.failed), 'source')}"
    found = report.severities
    grave = " and ".join(f"{found[name]:,} {name}" for name in ("critical", "high") if found[name])
    noun = "finding" if found["critical"] + found["high"] == 1 else "findings"
    said = f"{grave} {noun}" if grave else "no critical or high finding"
    said += f" in {count(len(report.sources), 'source')}"
    if report.failed:
        said += f"; {count(len(report.failed), 'source')} could not be read"
    if report.last and any(one.since for one in report.sources):
        new, gone = _moved(report)
        said += f"; {new:,} new and {gone:,} gone since {report.last[:10]}"
    return said


def _moved(report: JointReport) -> tuple[int, int]:
    moves = [one.since for one in report.sources if one.since]
    return sum(one.new for one in moves), sum(one.gone for one in moves)


def _sources(report: JointReport) -> Section:
    head: tuple[str, ...] = (
        "Source", "Critical", "High", "Medium", "Low", "Edits", "Score", "Not read", "Since the last report",
    )  # fmt: skip
    rows = [_source_row(one, report) for one in report.sources]
    rows += [(plain(one.name), *[_NOT_KNOWN] * 6, "everything", _NOT_KNOWN) for one in report.failed]
    if len(report.sources) > 1:
        found = report.severities
        edits = [one.edits for one in report.sources if one.edits is not None]
        unread = sum(len(one.unread) for one in report.sources)
        lost = f" and {count(len(report.failed), 'source')}" if report.failed else ""
        numbers = [f"{found[name]:,}" for name in SEVERITIES[:4]]
        since = "+{:,} −{:,}".format(*_moved(report)) if report.last else _NOT_KNOWN
        rows.append(
            ("all", *numbers, f"{sum(edits):,}" if edits else _NOT_KNOWN, "", f"{unread:,}{lost}", since)
        )
    others = report.severities["unknown"]
    note = f"{count(others, 'finding')} of own controls have no severity." if others else ""
    if not report.last:
        head, rows = head[:-1], [row[:-1] for row in rows]
    return Section(title="Findings by source", head=head, rows=tuple(rows), note=note)


def _source_row(one: SourceReport, report: JointReport) -> tuple[str, ...]:
    if one.since is None:
        since = "first time"
    else:
        moved = f"+{one.since.new:,} −{one.since.gone:,}"
        since = moved if one.since.new or one.since.gone else "no change"
        lost = one.since.unseen + one.since.outside
        since += f", {lost:,} not seen again" if lost else ""
    return (
        plain(one.name),
        *(f"{one.severities.get(name, 0):,}" for name in SEVERITIES[:4]),
        _NOT_KNOWN if one.edits is None else f"{one.edits:,}",
        _NOT_KNOWN if one.score is None else f"{one.score:.0f} %",
        f"{len(one.unread):,}",
        since,
    )


def _changes(report: JointReport, controls: Mapping[str, Control]) -> Section:
    """What is new, the most severe first."""
    found = [(row, source.name) for source in report.sources for row in changed_rows(source.fresh, controls)]
    found.sort(key=lambda one: SEVERITIES.index(one[0].severity))
    rows = tuple(
        (
            row.severity,
            plain(name),
            row.object,
            f"{row.problem} ({', '.join(row.ids[:3])}), {plain(row.file)}",
        )
        for row, name in found[:_NAMED]
    )
    notes = (
        [f"and {len(found) - _NAMED:,} more places, which the format csv lists"]
        if len(found) > _NAMED
        else []
    )
    notes += [f"Nothing is new since {report.last[:10]}."] if not found else []
    if report.vanished:
        notes.append(f"Not asked for this time: {', '.join(map(plain, report.vanished))}.")
    head = ("Severity", "Source", "Object", "Problem")
    return Section(title=f"New since {report.last[:10]}", head=head, rows=rows, note=" ".join(notes))


def _paths(report: JointReport) -> Section:
    every = [(path, source.name) for source in report.sources for path in source.paths or ()]
    every.sort(key=lambda one: -one[0].score)
    pictures = tuple(
        Picture(
            f"{number}. {plain(path.title)} in {plain(name)}, {path.score:.0f} of 100",
            path.sentence,
            path.picture,
        )
        for number, (path, name) in enumerate(every[:PATHS], 1)
    )
    unranked = [plain(one.name) for one in report.sources if one.paths is None]
    notes = []
    if not pictures and len(unranked) < len(report.sources):
        notes.append("No workload fails anything.")
    if unranked:
        notes.append(
            f"Not ranked: {', '.join(unranked)}; a report, a baseline or a provider does not hold the objects, name the folder"
            " or the cluster itself."
        )
    return Section(title="Attack paths", pictures=pictures, note=" ".join(notes))


def _trend(points: Sequence[TrendPoint], before: str) -> Section:
    if len(points) < 2:
        note = "The trend needs two days on which all sources were read."
        note += "" if before else " The next report draws it with --last and the JSON of this one."
        return Section(title="Trend", note=note)
    first, last = points[0], points[-1]
    words = (
        f"{first.total:,} findings on {first.at[:10]}, {last.total:,} on {last.at[:10]}; critical and high:"
        f" {first.grave:,}, then {last.grave:,}"
    )
    return Section(title="Trend", pictures=(Picture("", words, trend_picture(points)),))


def _accepted(report: JointReport, soon: str) -> Section:
    rows = []
    for source in report.sources:
        for one in source.accepted:
            if one.is_expired:
                end = f"ended {one.until[:10]}"
            else:
                end = (
                    (one.until[:10] + (", soon" if one.until[:10] <= soon else "")) if one.until else "no end"
                )
            owner = one.owner or ("as said" if not one.what else "no owner")
            reason = one.reason or "no reason given"
            rows.append(
                (
                    end,
                    owner,
                    plain(source.name),
                    f"{one.findings:,}",
                    f"{reason}{f' ({one.what})' if one.what else ''}",
                )
            )
    rows.sort(key=lambda row: (not row[0].startswith("ended"), row[0] == "no end", row))
    return Section(
        title="Accepted risks",
        head=("Until", "Owner", "Source", "Findings", "Reason"),
        rows=tuple(rows[: 2 * _NAMED]),
        note=""
        if not report.sources
        else "Nothing is accepted."
        if not rows
        else _more(len(rows), 2 * _NAMED, "waiver"),
    )


def _not_seen(report: JointReport) -> Section:
    lines = [f"{plain(one.name)}: could not be read: {plain(one.why, 500)}" for one in report.failed]
    for source in report.sources:
        lines += [f"{plain(source.name)}: {why}" for why in _why_old(source.baseline.at, report.at)]
        lines += [f"{plain(source.name)}: {plain(line, 500)}" for line in source.unread]
    lines += [
        f"{plain(source.name)}: {count(source.undecided, 'object')} that some control could not decide on"
        for source in report.sources
        if source.undecided
    ]
    note = "All input was read." if not lines else _more(len(lines), 2 * _NAMED, "part")
    return Section(title="What was not seen", items=tuple(lines[: 2 * _NAMED]), note=note)


def _why_old(made: str, now: str) -> Iterator[str]:
    """What is read from a file may be of any time."""
    if not is_moment(made):
        yield "the file does not say when it was made"
    elif made > now:
        yield f"the file is dated in the future, {plain(made[:10])}: when it was made is not known"
    elif age := (datetime.fromisoformat(now) - datetime.fromisoformat(made)).days:
        yield f"as of {plain(made[:10])}, {count(age, 'day')} ago; nothing later was looked at"


def _more(number: int, shown: int, noun: str) -> str:
    return (
        f"and {count(number - shown, f'more {noun}')}, which the format json names" if number > shown else ""
    )


def trend_picture(points: Sequence[TrendPoint]) -> str:
    """SVG: all findings, and those that are critical or high, at the days on which they were counted."""
    days = [datetime.fromisoformat(point.at[:10]).toordinal() for point in points]
    span, most = max(1, days[-1] - days[0]), max(point.total for point in points) or 1
    parts = [
        f'<text x="{_LEFT - 6}" y="{_TOP + 9}" text-anchor="end">{most:,}</text>',
        f'<text x="{_LEFT - 6}" y="{_TOP + _HEIGHT}" text-anchor="end">0</text>',
        f'<text x="{_LEFT}" y="{_TOP + _HEIGHT + 17}">{escape(points[0].at[:10])}</text>',
        f'<text x="{_LEFT + _WIDTH}" y="{_TOP + _HEIGHT + 17}" text-anchor="end">{escape(points[-1].at[:10])}</text>',
        f'<path d="M{_LEFT} {_TOP}V{_TOP + _HEIGHT}H{_LEFT + _WIDTH}" stroke="#6b7280" fill="none"/>',
    ]
    for number, (name, colour) in enumerate((("all", "#2563eb"), ("critical and high", "#b91c1c"))):
        values = [point.grave if number else point.total for point in points]
        spots = [
            f"{_LEFT + (day - days[0]) * _WIDTH / span:.1f} {_TOP + _HEIGHT * (1 - value / most):.1f}"
            for day, value in zip(days, values, strict=True)
        ]
        parts.append(f'<path d="M{"L".join(spots)}" stroke="{colour}" stroke-width="2" fill="none"/>')
        parts.append(f'<text x="{_LEFT + 8 + number * 60}" y="16" fill="{colour}">{name}</text>')
    width, height = _LEFT + _WIDTH + 12, _TOP + _HEIGHT + 26
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="Findings over time"><style>text{{font:12px sans-serif}}</style>'
        f'<g fill="#6b7280">{"".join(parts)}</g></svg>\n'
    )


def report_lines(report: JointReport, sections: Sequence[Section], width: int | None) -> Iterator[str]:
    """For a terminal; ``width`` as of ``text_table``."""
    fits = width or 100
    yield from wrapped(f"{report.title}, {report.at}", fits)
    yield from wrapped(headline(report), fits)
    for section in sections:
        yield ""
        yield section.title.upper()
        if section.rows:
            yield from text_table(tuple(map(str.upper, section.head)), section.rows, width)
        for item in section.items:
            yield from _hanging(item, fits)
        for picture in section.pictures:
            yield from wrapped(picture.caption, fits) if picture.caption else ()
            yield from _hanging(picture.words, fits)
        if section.note:
            yield from wrapped(section.note, fits)


def _hanging(words: str, width: int) -> Iterator[str]:
    yield from (f"  {line}" for line in wrapped(words, width - 2))


def report_markdown(report: JointReport, sections: Sequence[Section]) -> str:
    """Without pictures, which comments do not show; their sentences stay."""
    parts = [f"# {markdown.words(report.title)}\n\n{markdown.words(headline(report))}. {report.at}\n"]
    for section in sections:
        parts.append(f"\n## {markdown.words(section.title)}\n\n")
        if section.rows:
            parts.append(f"| {' | '.join(section.head)} |\n|{'---|' * len(section.head)}\n")
            parts += [f"| {' | '.join(map(markdown.words, row))} |\n" for row in section.rows]
            parts.append("\n")
        parts += [f"- {markdown.words(item)}\n" for item in section.items]
        parts += [
            f"- {f'**{markdown.words(one.caption)}**: ' if one.caption else ''}{markdown.words(one.words)}\n"
            for one in section.pictures
        ]
        if section.note:
            parts.append(f"\n{markdown.words(section.note)}\n")
    return "".join(parts)


def report_html(report: JointReport, sections: Sequence[Section]) -> str:
    """One page that needs nothing else."""
    return html.document(report.title, _html_parts(report, sections), _STYLE)


_STYLE = "figure{margin:1rem 0;overflow-x:auto}figcaption{font-weight:600}figure svg{background:#fff;border-radius:.3rem}td{font-variant-numeric:tabular-nums}"


def _html_parts(report: JointReport, sections: Sequence[Section]) -> Iterator[str]:
    yield f'<h1>{html.text(report.title)}</h1><p class="soft">{html.text(report.at)} by Leadline {html.text(report.program)}</p>'
    tone = "high" if report.failed or report.severities["critical"] or report.severities["high"] else "good"
    yield f'<p class="verdict {tone}">{html.text(headline(report))}</p>'
    for section in sections:
        yield f"<h2>{html.text(section.title)}</h2>"
        if section.rows:
            tones = [row[0] if section.head[0] == "Severity" else "" for row in section.rows]
            yield html.table(
                section.head,
                [
                    (tone, [html.text(cell) for cell in row])
                    for tone, row in zip(tones, section.rows, strict=True)
                ],
            )
        yield html.items([html.text(item) for item in section.items])
        for one in section.pictures:
            caption = f"<figcaption>{html.text(one.caption)}</figcaption>" if one.caption else ""
            yield f"<figure>{caption}<p>{html.text(one.words)}</p>{one.svg}</figure>"
        if section.note:
            yield f'<p class="soft">{html.text(section.note)}</p>'


def report_pdf(report: JointReport, sections: Sequence[Section]) -> bytes:
    """Some pages of A4. Raises: ``UsageError`` where typst is not installed."""
    data = {
        "at": report.at,
        "title": plain(report.title),
        "headline": headline(report),
        "by": f"{report.at} by Leadline {report.program}",
        "sections": [msgspec.to_builtins(section) for section in sections],
    }
    return pdf_of(json_text(data), "joint_report.typ")


def report_csv(report: JointReport, controls: Mapping[str, Control]) -> str:
    """A row for each place of each finding, and for whatever was not read."""
    out = StringIO()
    rows = writer(out, lineterminator="\n")
    rows.writerow(_CSV_HEAD)
    for row in _csv_rows(report, controls):
        rows.writerow([cell_text(cell) for cell in row])
    return out.getvalue()


def _csv_rows(report: JointReport, controls: Mapping[str, Control]) -> Iterator[tuple[str, ...]]:
    for source in report.sources:
        left = Counter(source.fresh)
        for seen in source.baseline.findings:
            is_new = left[seen] > 0
            left[seen] -= is_new
            yield (source.name, "new" if is_new else "failed", *_finding_cells(seen, controls))
        for line in source.unread:
            yield (source.name, "not read", *[""] * 4, line, "", "", "")
    for one in report.failed:
        yield (one.name, "not read", *[""] * 4, "", "", one.why, "")


def _finding_cells(seen: SeenFinding, controls: Mapping[str, Control]) -> tuple[str, ...]:
    control = seen.control_of(controls)
    problem = (control.problem or control.title) if control else ""
    severity = control.severity if control else "unknown"
    title, edit = object_title(seen.object), "" if seen.edit == "review" else seen.edit
    return severity, seen.control, problem, title, seen.file, seen.path, edit, seen.first_seen
