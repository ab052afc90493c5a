"""Which vulnerabilities of a container's image are in packages that it loaded: as counts of its summary, and as VEX for each match.

The unfiltered results are there first and stay as they are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import orjson
from msgspec import Struct, json
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds.configuration import Reference
from leadline.api.kinds.images import (
    IMAGE_SEVERITIES,
    VexDocument,
    VexStatement,
    VexVulnerability,
    VulnerabilityCount,
    VulnerabilityCounts,
    VulnerabilityManifestSummary,
)
from leadline.api.posture_results import label_value
from leadline.api.protocol import ABSENT, ConflictError, Content, Paging, Put, Store
from leadline.api.selection import Key, Selection, labels_of
from leadline.api.stored import Reader
from leadline.errors import LeadlineError
from leadline.model.image_report import ImageReport
from leadline.model.profile import Profile
from leadline.model.vulnerability import Match
from leadline.outputs.text.timestamps import content_uuid
from leadline.packages.loaded import Loaded
from leadline.packages.package_url import package_url
from leadline.scans.images.loaded import is_loading_complete
from leadline.scans.stored.behaviour import StoredRecord
from leadline.scans.stored.image_results import (
    MANIFESTS,
    SUMMARIES,
    VEX,
    RunningContainer,
    other_summary_name,
    stored_image,
    summary_name,
)
from leadline.scans.stored.lasting import put_lasting
from leadline.vulnerabilities.relevance import ranked_by_loading

_summary = Reader(VulnerabilityManifestSummary)
SOURCE = "leadline.dev/made-from"
"""Annotation: the profile and the scan that it was made from."""
_NOT_LOADED = "vulnerable_code_not_in_execute_path"
Body = dict[str, Any]


async def write_loaded(store: Store, record: StoredRecord, at: str) -> int:
    """How many objects were written: none where the image was not scanned yet. Raises: ``StoreError``."""
    container = _running(record)
    found = await _summary_of(store, container)
    if found is None:
        return 0
    key, spec, metadata, revision = found
    place = spec.spec.vulnerabilities_ref.all
    scanned = json.decode(metadata, type=_Noted).annotations.get(f"{PREFIX}timestamp", "")
    source = f"profile {record.revision}, scan {scanned}"
    reference = Reference(place.namespace, record.name, VEX)
    if spec.spec.vulnerabilities_ref.relevant == reference and source == await _source(store, reference):
        return 0
    entry = await store.get(Key(MANIFESTS, place.namespace, place.name))
    report = _report(entry.content.body) if entry else None
    if report is None or not report.database:
        return 0
    profile = record.record.profile
    matches = by_loading(report, profile)
    counts = _counts(spec.spec.severities, matches)
    wanted = replace(
        spec.spec,
        severities=counts,
        vulnerabilities_ref=replace(spec.spec.vulnerabilities_ref, relevant=reference),
    )
    written = await _write_vex(store, record, report, matches, place.namespace, at, source)
    if wanted == spec.spec:
        return written
    body = msgspec.json.encode(replace(spec, spec=wanted))
    try:
        return written + await put_lasting(store, [Put(key, Content(metadata, body=body), revision)])
    except ConflictError:
        return written  # scanned again just now: the next round finds it


class _Noted(Struct, frozen=True):
    annotations: dict[str, str] = {}


async def _source(store: Store, place: Reference) -> str:
    """What the statements that are there were made from; empty without any."""
    found = Selection(VEX, place.namespace, place.name, with_body=False)
    for entry in (await store.list(found, Paging(limit=1))).entries:
        return json.decode(entry.content.metadata, type=_Noted).annotations.get(SOURCE, "")
    return ""


def by_loading(report: ImageReport, profile: Profile) -> tuple[Match, ...]:
    """The matches of ``report`` with what is known of their packages, the most urgent first."""
    loaded = Loaded(profile.loaded, is_complete=is_loading_complete(profile))
    return ranked_by_loading(report.vulnerabilities, loaded)


def _running(record: StoredRecord) -> RunningContainer:
    kind, name = (record.labels.get(f"{PREFIX}workload-{part}", "") for part in ("kind", "name"))
    container = record.record.profile.container
    return RunningContainer(kind, name, container.namespace, container.name)


async def _summary_of(
    store: Store, container: RunningContainer
) -> tuple[Key, VulnerabilityManifestSummary, bytes, int] | None:
    name = f"{PREFIX}workload-container-name"
    for called in (other_summary_name(container), summary_name(container)):
        key = Key(SUMMARIES, container.namespace, called)
        entry = await store.get(key)
        if entry is not None and labels_of(entry.content.metadata).get(name) == label_value(container.name):
            return key, _summary(entry), entry.content.metadata, entry.revision
    return None


def _report(body: bytes) -> ImageReport | None:
    try:
        return stored_image(body)
    except LeadlineError:
        return None  # of a later version: what it says is not known


def _counts(before: VulnerabilityCounts, matches: Iterable[Match]) -> VulnerabilityCounts:
    """What may have been loaded counts as in use: less is not known."""
    relevant = Counter[str](match.severity for match in matches if match.loaded is not False)
    return VulnerabilityCounts(
        *(VulnerabilityCount(getattr(before, name).all, relevant.get(name, 0)) for name in IMAGE_SEVERITIES)
    )


async def _write_vex(
    store: Store,
    record: StoredRecord,
    report: ImageReport,
    matches: Iterable[Match],
    home: str,
    at: str,
    source: str,
) -> int:
    key = Key(VEX, home, record.name)
    statements = tuple(_statements(record, report, matches))
    name = content_uuid(json.encode(statements))
    entry = await store.get(key)
    document = VexDocument(
        context="https://openvex.dev/ns/v0.2.0",
        id=f"urn:uuid:{name}",
        author="Leadline",
        timestamp=at,
        version=1,
        statements=statements,
    )
    annotations = {
        f"{PREFIX}image-id": report.sbom.image.id,
        f"{PREFIX}image-tag": report.sbom.image.name,
        f"{PREFIX}status": record.status,
        f"{PREFIX}completion": record.record.profile.completion,
        f"{PREFIX}timestamp": at,
        SOURCE: source,
    }
    labels = {**record.labels, f"{PREFIX}context": "filtered"}
    metadata = {"name": key.name, "namespace": home, "labels": labels, "annotations": annotations}
    body = json.encode({"spec": document})
    try:
        put = Put(key, Content(orjson.dumps(metadata), body=body), entry.revision if entry else ABSENT)
        return await put_lasting(store, [put], home=home)
    except ConflictError:
        return 0


def _statements(
    record: StoredRecord, report: ImageReport, matches: Iterable[Match]
) -> Iterator[VexStatement]:
    """``not_affected`` only where learning is over and nothing that was loaded can be missing."""
    is_sure = record.is_complete and is_loading_complete(record.record.profile)
    for match in matches:
        part = package_url(match.package) or match.package.name
        statement = VexStatement(
            vulnerability=VexVulnerability(name=match.id, aliases=tuple(match.aliases) or None),
            products=({"@id": report.sbom.image.name, "subcomponents": [{"@id": part}]},),
        )
        if match.loaded:
            fix = f"upgrade to {match.fixed_in[0]}" if match.fixed_in else "no fixed version is known"
            yield replace(
                statement, status="affected", status_notes="loaded at run time", action_statement=fix
            )
        elif match.loaded is False and is_sure:
            yield replace(statement, status="not_affected", justification=_NOT_LOADED)
        else:
            why = (
                "not loaded as far as it was recorded"
                if match.loaded is False
                else "whether it was loaded is not known"
            )
            yield replace(statement, status="under_investigation", status_notes=why)
