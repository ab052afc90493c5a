"""Objects in other files that a verdict rests on: those that cause a finding, and those that prevent one."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.outputs.rows.place import FindingPlaces, place_text
from leadline.outputs.text.plain import plain

MOST_NAMED = 5
"""Of one finding."""


class Prevention(Struct, frozen=True):
    """One object by which others, in other files, pass."""

    resource: Resource
    controls: tuple[str, ...]
    subjects: tuple[str, ...]
    """Ids of those that pass, in the order of reading."""


def causes(finding: Finding, report: PostureReport) -> list[Resource]:
    """What a finding rests on in files that it is not reported in."""
    known = {report.resource(id).origin.file for id in (finding.resource, finding.on)}
    others = (report.resource(id) for id in finding.related if id != finding.on)
    return [other for other in others if other.origin.file and other.origin.file not in known]


def causes_text(
    finding: Finding, report: PostureReport, places: FindingPlaces, title: Callable[[Resource], str]
) -> str:
    """``shop/ConfigMap/db (conf/db.yaml:1:1)``, several with commas; empty where all is said at one place."""
    others = causes(finding, report)
    shown = [f"{title(one)} ({place_text(one, places.start(one))})" for one in others[:MOST_NAMED]]
    more = f" and {len(others) - len(shown):,} more" if len(others) > len(shown) else ""
    return ", ".join(shown) + more


def preventions(report: PostureReport) -> list[Prevention]:
    """The objects that keep findings away from objects in other files, in the order in which they are met."""
    controls: dict[str, dict[str, None]] = {}
    subjects: dict[str, dict[str, None]] = {}
    for id, control, other in _pairs(report):
        controls.setdefault(other, {})[control] = None
        subjects.setdefault(other, {})[id] = None
    return [
        Prevention(report.resource(other), tuple(found), tuple(subjects[other]))
        for other, found in controls.items()
    ]


def _pairs(report: PostureReport) -> Iterator[tuple[str, str, str]]:
    """Ids of the object that passes, of the control, and of the object that it passes by."""
    for id, rows in report.passed_by.items():
        file = report.resource(id).origin.file
        for control, others in rows:
            for other in others:
                there = report.resource(other).origin.file
                if there and there != file:
                    yield id, control, other


def prevention_text(
    one: Prevention, report: PostureReport, places: FindingPlaces, title: Callable[[Resource], str]
) -> str:
    """``conf/deny.yaml:1:1: prevents C-0260,C-0030 in shop/Deployment/web and 3 more [shop/NetworkPolicy/deny]``."""
    more = f" and {len(one.subjects) - 1:,} more" if len(one.subjects) > 1 else ""
    ids = ",".join(map(plain, one.controls))
    where = place_text(one.resource, places.start(one.resource))
    return (
        f"{where}: prevents {ids} in {title(report.resource(one.subjects[0]))}{more} [{title(one.resource)}]"
    )
