"""The findings in stored results, as a provider takes them: an object at a time."""

from msgspec import Struct

from leadline.api.posture_reading import StoredResult, stored_result
from leadline.api.protocol import Entry
from leadline.api.provider.wire import FoundFinding
from leadline.model.finding import Finding
from leadline.outputs.text.waiver_text import why_accepted
from leadline.scans.submitting.submission import found_finding, mark_of


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
