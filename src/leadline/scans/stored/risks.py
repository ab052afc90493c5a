"""Workloads by what is at stake: ranked, as lines, as a picture and as data."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs

from leadline.kube.workload import POD_KINDS
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.plain import count, plain, wrapped
from leadline.outputs.text.risk_text import risk_lines, risk_picture
from leadline.posture.risk.ranking import ranked, workload_risks
from leadline.scans.stored.image_facts import KnownImages, image_facts
from leadline.scans.stored.workload_images import WorkloadImages

_NAMED = 8


class Ranking(Struct, frozen=True):
    """The first of all workloads that were ranked."""

    report: PostureReport
    first: tuple[WorkloadRisk, ...]
    ranked: int
    """How many there are."""
    known: KnownImages

    def document(self) -> dict[str, Any]:
        title = self.report.resource
        return {
            "workloads": [{"title": title(r.resource).title, **msgspec.to_builtins(r)} for r in self.first],
            "ranked": self.ranked,
            "notRead": [plain(one.where, 4096) for one in self.report.unread],
            "imagesNotKnown": [
                {"title": title(id).title, "image": plain(image, 4096)} for id, image in self.known.unknown
            ],
        }

    def picture(self) -> str:
        """SVG."""
        return risk_picture(self.report, self.first)

    def lines(self, width: int) -> Iterator[str]:
        yield from (
            risk_lines(self.report, self.first, width) if self.first else ("no workload fails anything",)
        )
        yield from _unknown_lines(self.report, self.known, width)
        if self.report.unread:
            yield from unread_lines(self.report.unread, width, shows_all=False)

    def summary(self) -> str:
        unread = (
            f"; {count(len(self.known.unknown), 'image')} of them not known" if self.known.unknown else ""
        )
        unread += f"; {len(self.report.unread):,} not read" if self.report.unread else ""
        return f"{len(self.first):,} of {self.ranked:,} workloads{unread}"


def ranking(report: PostureReport, images_file: str, most: int) -> Ranking:
    """The ``most`` workloads with most at stake; ``images_file`` is a report about images, empty for none.

    Raises: ``SourceError``, ``UsageError`` for that file.
    """
    known = image_facts(images_file, _workloads(report)) if images_file else KnownImages({})
    risks = workload_risks(report, known.facts)
    return Ranking(report, risks[:most], len(risks), known)


def with_risks(
    report: PostureReport, with_bodies: PostureReport, images: WorkloadImages | None = None
) -> PostureReport:
    """``report`` with the ranks of its workloads, which follow from the bodies of its objects and what is stored of their images."""
    found = ((one.id, images.facts_of(one)) for one in _workloads(with_bodies)) if images else ()
    facts = {id: known for id, known in found if known is not None}
    return structs.replace(report, risks=workload_risks(with_bodies, facts))


def stored_ranking(report: PostureReport, most: int) -> Ranking:
    """As ``ranking``, of the ranks that the report holds already."""
    risks = ranked(report.risks or ())
    return Ranking(report, risks[:most], len(risks), KnownImages({}))


def _workloads(report: PostureReport) -> list[Resource]:
    failing = {finding.resource for finding in report.findings}
    return [one for one in report.resources if one.id in failing and one.kind in POD_KINDS]


def _unknown_lines(report: PostureReport, known: KnownImages, width: int) -> Iterator[str]:
    """Images that nothing is known of: their workloads are ranked as if they had no vulnerability."""
    if not known.unknown:
        return
    yield from wrapped(
        f"images not known: {len(known.unknown):,}, not in the report, or matched with no database;"
        " their vulnerabilities do not count",
        width,
    )
    for id, image in known.unknown[:_NAMED]:
        yield from (
            f"  {line}"
            for line in wrapped(f"{plain(image, 4096)}  {plain(report.resource(id).title)}", width - 2)
        )
    if len(known.unknown) > _NAMED:
        yield f"  and {len(known.unknown) - _NAMED:,} more; the format json names all"
    yield ""
