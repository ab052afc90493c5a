"""A SBOM, or a scan of an image, for a person at a terminal: plain columns, what was not read, the verdict."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

from leadline.model.image_report import ImageFinding, ImageReport
from leadline.model.package import Sbom
from leadline.outputs.documents.components import Component, components
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.images_rows import gated, painted
from leadline.outputs.rows.vulnerability_rows import (
    severities,
    shown_name,
    upgrade_lines,
    vulnerability_count,
    vulnerability_lines,
)
from leadline.outputs.text.passed_over import part_lines
from leadline.outputs.text.plain import (
    and_more,
    as_many,
    beside,
    columns,
    count,
    labelled,
    padded,
    plain,
    wrapped,
)
from leadline.outputs.text.waiver_text import waiver_lines

_UNREAD = 5
_NAMES = 40
"""Columns that names get in the list of packages before the place goes to a line of its own."""
_DISTRIBUTION = frozenset(("alpm", "apk", "deb", "rpm"))
_LONGEST_PATH = 4096
_IN_LINE = re.compile(r"(?P<what>.+) in line (?P<line>\d+)(?P<rest>.*)")
_WHOLE = frozenset(("configuration", "operating system"))
"""Places that say nothing which the title does not say."""


@format("table", suffix=".txt", report=Sbom)
def table(sbom: Sbom, out: IO[str], page: Page) -> None:
    found = components(sbom)
    lines = [
        *_heading(sbom, page),
        *_packages(sbom, found, page),
        *_not_read(sbom, page),
        *_written(page),
        "",
    ]
    lines += _closing(sbom, found, page)
    out.writelines(f"{line.rstrip()}\n" for line in lines)


@format("table", suffix=".txt", report=ImageReport)
def image_table(report: ImageReport, out: IO[str], page: Page) -> None:
    sbom = report.sbom
    found = components(sbom)
    lines = [*_heading(sbom, page), *_vulnerabilities(report, page), *_findings(report, page)]
    lines += [*_packages(sbom, found, page), *_database(report, page)]
    accepted = len(report.waived_findings) + sum(one.by == "waiver" for one in report.suppressed)
    lines += waiver_lines(accepted, report.waivers, page.width, verbose=page.verbose, indent=12)
    lines += _not_read(sbom, page)
    for i, gap in enumerate(report.not_judged):
        lines += labelled("" if i else "not done", gap, page.width)
    if (report.findings or report.vulnerabilities) and not page.verbose:
        lines += labelled("more", "-v shows every place and what to do about it", page.width)
    lines.append("")
    lines += _verdict(report, page)
    out.writelines(f"{line.rstrip()}\n" for line in lines)


def _heading(sbom: Sbom, page: Page) -> Iterator[str]:
    image, distro = sbom.image, sbom.distro
    name = plain(image.name)
    digest = image.digest.partition(":")[2]
    if digest and "@" not in name:
        name += f"@sha256:{digest[:12]}…"
    nothing = "folder" if image.kind == "directory" else "no distribution"
    facts = [plain(f"{distro.id} {distro.version}".strip()) or nothing]
    if distro.end_of_life:
        is_over = distro.end_of_life < page.at[:10]
        facts.append(f"{'end of life since' if is_over else 'maintained until'} {distro.end_of_life}")
    if image.platform:
        facts.append(plain(image.platform))
    if image.layers:
        facts.append(count(len(image.layers), "layer"))
    if image.size_bytes:
        facts.append(f"{max(1, round(image.size_bytes / 1e6)):,} MB")
    text = ", ".join(facts)
    if columns(name) + 3 + columns(text) <= page.width:
        yield f"{name}   {text}"
    else:
        yield name
        yield from wrapped(text, page.width)
    yield ""


def _packages(sbom: Sbom, found: Sequence[Component], page: Page) -> Iterator[str]:
    counts = Counter(one.package.type for one in found)
    order = sorted(counts, key=lambda name: (name not in _DISTRIBUTION, name == "generic", name))
    width = max([len("not read"), *(columns(_type(type)) for type in order)])
    for type in order:
        members = [one for one in found if one.package.type == type]
        head = f"{padded(_type(type), width)} {counts[type]:>7,}"
        note = _note(type, members, page.width - columns(head) - 3)
        yield f"{head}   {note}" if note else head
    if not found:
        note = "none that could be read" if sbom.unread else "none of the known kinds"
        yield f"{padded('packages', width)} {0:>7}   {note}"
    if page.verbose and found:
        yield ""
        yield from _list(found, page)
        yield ""


def _type(type: str) -> str:
    return "other" if type == "generic" else plain(type, 20)


def _note(type: str, members: Sequence[Component], room: int) -> str:
    """The first few by name, those alone that no distribution package brought; as many as there is room for."""
    if type in _DISTRIBUTION:
        return ""
    own = [one for one in members if not one.package.owned_by]
    if not own:
        return "installed by the distribution" if room >= len("installed by the distribution") else ""
    rest = f", {len(members) - len(own):,} by the distribution" if len(own) < len(members) else ""
    # Copies of one are named once.
    names = dict.fromkeys(f"{_name(one)} {plain(one.package.version, 30)}".rstrip() for one in own)
    if text := as_many(list(names), room - columns(rest), 3):
        return text + rest
    return rest.removeprefix(", ") if columns(rest) <= room else ""


def _list(found: Sequence[Component], page: Page) -> Iterator[str]:
    rows = [
        (_name(one), plain(one.package.version, 60) or "-", _type(one.package.type), _places(one))
        for one in found
    ]
    longest = [max(columns(row[i]) for row in rows) for i in range(3)]
    room = page.width - longest[2] - 4
    version = min(longest[1], room // 3)
    widths = [min(_NAMES, longest[0], room - version), version, longest[2]]
    for one, row in zip(found, rows, strict=True):
        line = "  ".join(padded(text, width) for text, width in zip(row, widths, strict=False))
        if columns(line) + 2 + columns(row[3]) <= page.width:
            yield f"{line}  {row[3]}"
        else:
            yield line
            # The database of the distribution is the same for all of its packages, and not worth a line for each.
            if one.package.type not in _DISTRIBUTION:
                yield f"  {row[3]}"


def _name(component: Component) -> str:
    return plain(shown_name(component.package), 120)


def _places(component: Component) -> str:
    places = component.package.found_in
    if not places:
        return "-"
    first = plain(places[0], _LONGEST_PATH)
    # In addition to its database, a distribution's package has lists and licences that say nothing of where it is.
    if component.package.type in _DISTRIBUTION or len(places) == 1:
        return first
    return f"{first} and {len(places) - 1:,} more"


def _not_read(sbom: Sbom, page: Page) -> Iterator[str]:
    yield f"{'not read':<8} {len(sbom.unread):>7,}"
    shown = sbom.unread if page.verbose else sbom.unread[:_UNREAD]
    for one in shown:
        yield from part_lines(one, page.width)
    if len(shown) < len(sbom.unread):
        yield f"  and {len(sbom.unread) - len(shown):,} more, -v shows them"


def _written(page: Page) -> Iterator[str]:
    if page.asked.formats in ((), ("table",)):
        yield from labelled("written", "none (use --format spdx-json --output sbom.json)", page.width)


def _closing(sbom: Sbom, found: Sequence[Component], page: Page) -> Iterator[str]:
    unread = f"{len(sbom.unread):,} not read" if sbom.unread else "all input read"
    text = f"{count(len(found), 'package')}, {unread}"
    yield from gated(text, page)


def _vulnerabilities(report: ImageReport, page: Page) -> Iterator[str]:
    for rating, line in vulnerability_lines(report, page.width, verbose=page.verbose):
        yield painted(line, rating, page)
    yield from upgrade_lines(report, page.width)


def _database(report: ImageReport, page: Page) -> Iterator[str]:
    """How old what was asked is, and what its publishers took away."""
    if report.database is not None:
        feeds = count(len(report.database.feeds), "feed")
        sample = "a sample, " if report.database.is_sample else ""
        source = f"; {plain(report.database.source)}" if report.database.source else ""
        yield from labelled(
            "database", f"{sample}{feeds}, of {report.database.date[:10] or 'no date'}{source}", page.width
        )
    if report.suppressed:
        by = Counter(one.by for one in report.suppressed)
        parts = ", ".join(f"{by[name]:,} {_BY[name]}" for name in sorted(by))
        yield from labelled("suppressed", f"{len(report.suppressed):,} ({parts})", page.width)


_BY = {
    "publisher": "by the publisher",
    "VEX": "by VEX",
    "waiver": "by waivers",
    "rule": "by rules of ours",
    "linker": "in Go code not linked",
    "distribution": "left to the distribution",
}


def _findings(report: ImageReport, page: Page) -> Iterator[str]:
    kinds: dict[tuple[str, str], list[ImageFinding]] = {}
    for finding in report.findings:
        kinds.setdefault((finding.severity, finding.title), []).append(finding)
    width = max((columns(title) for _, title in kinds), default=0)
    for (severity, title), members in kinds.items():
        head = f"{painted(severity, severity, page)}{' ' * (8 - len(severity))}  "
        if page.verbose:
            yield f"{head}{title}" + (f" ({members[0].control})" if members[0].control else "")
            yield from _places_found(members, report.sbom.image.layers, page.width)
            fixes = "; ".join(dict.fromkeys(member.fix for member in members))
            yield from (f"  {line}" for line in wrapped(f"to do: {fixes}", page.width - 2))
            yield ""
            continue
        line = f"{padded(title, width)}  {len(members):>4,}"
        examples = _examples(members, page.width - 13 - columns(line))
        yield f"{head}{line}   {examples}"
        if not examples:
            yield from (f"{' ' * 10}{part}" for part in _first_example(members, page.width - 10))
    if report.findings and not page.verbose:
        yield ""


def _places_found(members: Sequence[ImageFinding], layers: Sequence[str], width: int) -> Iterator[str]:
    """Each place once, with all that was found there and the layer that brought it."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in members:
        found.setdefault((one.where, one.layer), []).append(plain(one.detail))
    for (where, layer), details in found.items():
        where = plain(where, _LONGEST_PATH)
        details = list(_lines_joined(details))
        if layer in layers and len(layers) > 1:
            details.append(f"layer {layers.index(layer) + 1} of {len(layers)}")
        yield from beside(where, ", ".join(details), width)


def _lines_joined(details: Sequence[str]) -> Iterator[str]:
    """``a password in line 1`` and ``a password in line 4`` as ``a password in lines 1 and 4``."""
    lines: dict[tuple[str, str], list[str]] = {}
    for detail in details:
        match = _IN_LINE.fullmatch(detail)
        lines.setdefault((match["what"], match["rest"]) if match else (detail, ""), []).append(
            match["line"] if match else ""
        )
    for (what, rest), numbers in lines.items():
        several = f"s {', '.join(numbers[:-1])} and {numbers[-1]}" if len(numbers) > 1 else f" {numbers[0]}"
        yield f"{what} in line{several}{rest}" if numbers[0] else what


def _first_example(members: Sequence[ImageFinding], width: int) -> Iterator[str]:
    """On lines of its own, where the first line has no room for any."""
    first = members[0]
    more = and_more(len(members) - 1)
    if first.where in _WHOLE:
        yield from wrapped(f"{plain(first.detail)}{more}", width)
    else:
        where = plain(first.where, _LONGEST_PATH)
        yield from (f"{where}{more}",) if columns(where + more) <= width else (where, more.strip())


def _examples(members: Sequence[ImageFinding], room: int) -> str:
    """As many places as there is room for; one that is alone with what was found there."""
    if len(members) == 1:
        where, detail = plain(members[0].where), plain(members[0].detail)
        texts = (detail,) if where in _WHOLE else (f"{where}: {detail}", where)
        return next((text for text in texts if columns(text) <= room), "")
    names = list(dict.fromkeys(plain(one.where) for one in members))
    return as_many(names, room, 3)


def _verdict(report: ImageReport, page: Page) -> Iterator[str]:
    unread = f"; {len(report.sbom.unread):,} not read" if report.sbom.unread else ""
    vulnerable = vulnerability_count(report)
    if report.vulnerabilities:
        vulnerable += f": {severities(report.vulnerabilities)}"
    gaps = "; not everything was matched" if report.database is not None and report.has_gaps else ""
    if not report.findings:
        text = "no other findings" if report.vulnerabilities else "no findings"
    else:
        counts = Counter(one.severity for one in report.findings)
        parts = [f"{counts[s]:,} {s}" for s in ("critical", "high", "medium", "low") if counts[s]]
        text = f"{count(len(report.findings), 'finding')}: {', '.join(parts)}"
    texts = (vulnerable, text) if report.vulnerabilities else (text, vulnerable)
    yield from gated(f"{'; '.join(texts)}{gaps}{unread}", page)
