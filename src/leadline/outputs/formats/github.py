"""Annotations for GitHub Actions: printed in a job, they stand beside the lines of a pull request.

Where there is a baseline they are about what is new alone: GitHub shows few, and the rest is for another day.

Form: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from typing import IO

from msgspec.structs import replace

from leadline.outputs.format import (
    FindingPlaces,
    Page,
    PostureReport,
    closing,
    count,
    edit_rows,
    file_of,
    fix,
    format,
    odd_waivers,
    passed_over,
    path_of,
    plain,
    subject_text,
    titles_of,
    waived_text,
)

MOST = 50
"""GitHub shows at most 10 errors, 10 warnings and 10 notices of a step, and 50 of a job."""
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "notice", "unknown": "notice"}


@format("github", suffix=".github.txt", with_scores=False)
def github(report: PostureReport, out: IO[str], page: Page) -> None:
    places, title = FindingPlaces(report, page.places), titles_of(report)
    rows = edit_rows(report.new, places, page.least)
    for row in rows[:MOST]:
        holder = places.holder(row.finding)
        file = file_of(holder)
        where = {"file": path_of(file, page.folder, page.root)} if file else {}
        if row.place is not None:
            where |= {"line": str(row.place.line), "col": str(row.place.column)}
        ids = ", ".join(control.id for control in row.controls[:5])
        where["title"] = f"{row.severity}: {row.problem} ({ids})"
        message = f"{subject_text(row, report, title)}: {fix(row.finding)}"
        out.write(_command(_LEVELS[row.severity], where, message))
    if len(rows) > MOST:
        more = f"{count(len(rows) - MOST, 'more change')}; --format lines shows all"
        out.write(_command("notice", {"title": "Leadline"}, more))
    known = frozenset(report.baseline.known_unread if report.baseline else ())
    unread = tuple(part for number, part in enumerate(report.unread) if number not in known)
    for sort in passed_over(replace(report, unread=unread), MOST):
        level = "notice" if sort.is_choice else "warning"
        for part in sort.parts:
            place = {"file": path_of(part.where, page.folder, page.root), "title": sort.word}
            if part.line:
                place["line"] = str(part.line)
            out.write(_command(level, place, part.why))
        if sort.rest:
            out.write(_command(level, {"title": "Leadline"}, f"{sort.rest}; --format lines shows all"))
    if known:
        again = f"{len(known):,} not read, as before this change; --format lines shows all"
        out.write(_command("notice", {"title": "not read"}, again))
    for remark in odd_waivers(report.waivers):
        out.write(_command("notice", {"title": "waiver"}, remark))
    accepted = f"; {waived_text(len(report.waived), report.waivers)}" if report.waived else ""
    out.write(f"{closing(report, page.verdict)}{accepted}\n")


def _command(level: str, properties: dict[str, str], message: str) -> str:
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {given}::{_escaped(plain(message, 1_000))}\n"


def _property(value: str) -> str:
    return _escaped(plain(value, 1_000)).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
