"""What is stored, as a provider takes it, an object at a time: findings, ranks, and which images there are."""

import orjson
from msgspec import Struct

from leadline.api.kind import PREFIX
from leadline.api.posture_reading import StoredResult, stored_result
from leadline.api.protocol import Entry
from leadline.api.provider.wire import FoundFinding, ImageContent, RankedWorkload
from leadline.api.risk_results import stored_risk
from leadline.errors import UsageError
from leadline.model.finding import Finding
from leadline.outputs.text.waiver_text import why_accepted
from leadline.scans.stored.image_results import is_filtered, stored_counts, stored_image
from leadline.scans.stored.stored_images import foreign_image
from leadline.scans.submitting.submission import found_finding, image_content, mark_of, ranked_workload


class StoredFacts(Struct, frozen=True):
    """About one object."""

    findings: tuple[FoundFinding, ...]
    undecided: tuple[str, ...]
    """Fingerprints of what a control could not judge: what was open there stays open."""


def stored_facts(entry: Entry) -> StoredFacts:
    """One finding for each control that fails, or would without a waiver. Raises: ``StoreError`` where it is another object."""
    result = stored_result(entry)
    severities = {one.id: one.severity for one in result.controls}
    first: dict[str, tuple[Finding, str]] = {}
    for one in result.accepted:
        first.setdefault(one.finding.control, (one.finding, why_accepted(one.waiver)))
    # What still fails beside what is accepted is open.
    first |= {one.control: (one, "") for one in reversed(result.findings)}
    name = _name(result)
    findings = tuple(
        found_finding(
            (mark_of(control, name, ""), 1),
            control,
            severities.get(control, "unknown"),
            result.resource,
            path=finding.path,
            accepted=accepted,
        )
        for control, (finding, accepted) in sorted(first.items())
    )
    return StoredFacts(findings, tuple(mark_of(skip.control, name, "") for skip in result.gave_up))


def _name(result: StoredResult) -> str:
    resource = result.resource
    own = f"{resource.group}/{resource.kind}/{resource.namespace}/{resource.name}"
    return ">".join([own, *(f"{part.kind}/{part.namespace}/{part.name}" for part in result.related)])


def rank_fact(entry: Entry) -> RankedWorkload:
    """Raises: ``StoreError`` where it is another object."""
    return ranked_workload(*stored_risk(entry))


class ImageFact(Struct, frozen=True):
    """Of the result of one image, without its body."""

    digest: str
    version: str
    """Another one once it is scanned again."""
    database: str
    """When the database was built that it was matched with; empty where there was none."""


def image_fact(entry: Entry) -> ImageFact | None:
    """``None`` for what holds only the packages that one container loads, or has no digest to be known by."""
    if is_filtered(entry.content.metadata):
        return None
    annotations = orjson.loads(entry.content.metadata).get("annotations") or {}
    counts = stored_counts(entry.key.name, annotations)
    if counts is None:
        return None
    digest = counts.counted.digest or counts.id
    at = str(annotations.get(f"{PREFIX}timestamp", ""))
    return ImageFact(digest, f"{at} {counts.counted.database}", counts.counted.database) if digest else None


def stored_content(entry: Entry) -> ImageContent | None:
    """Packages and vulnerabilities; ``None`` where a provider could not know the image by a digest."""
    annotations = orjson.loads(entry.content.metadata).get("annotations") or {}
    at = str(annotations.get(f"{PREFIX}timestamp", ""))[:19]
    report = stored_image(entry.content.body) or foreign_image(entry)
    try:
        return image_content(report, f"{at}Z")
    except UsageError:
        return None
