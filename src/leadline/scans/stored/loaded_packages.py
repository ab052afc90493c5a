"""Which vulnerabilities of a container's image are in packages that it loaded: as a filtered manifest, as counts of its summary,
as VEX for each match, and at each match of the image's own results.

The unfiltered results are there first, and stay whole.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
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
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Paging, Put, Store, pages_of
from leadline.api.selection import Key, Requirement, Selection, labels_of
from leadline.api.stored import Reader
from leadline.errors import LeadlineError, StoreError
from leadline.model.image_report import ImageReport
from leadline.model.profile import Profile
from leadline.model.vulnerability import Match
from leadline.outputs.text.json_text import content_uuid
from leadline.packages.loaded import Loaded
from leadline.packages.package_url import package_url
from leadline.scans.images.loaded import is_loading_complete
from leadline.scans.stored.behaviour import INSTANCE, StoredRecord
from leadline.scans.stored.image_results import (
    CONTEXT,
    COUNTED,
    FILTERED,
    MANIFESTS,
    SUMMARIES,
    VEX,
    RunningContainer,
    filtered_put,
    grave,
    image_body,
    other_summary_name,
    stored_counts,
    stored_image,
    summary_name,
)
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.stored.scan_runs import all_of
from leadline.vulnerabilities.priority import urgency
from leadline.vulnerabilities.relevance import ranked_by_loading

_summary = Reader(VulnerabilityManifestSummary)
_CONTAINER = f"{PREFIX}workload-container-name"
SOURCE = "leadline.dev/made-from"
"""Annotation: the profile and the scan that it was made from."""
_NOT_LOADED = "vulnerable_code_not_in_execute_path"
Body = dict[str, Any]


class _Summary(Struct, frozen=True):
    """What is stored of one container's vulnerabilities."""

    key: Key
    revision: int
    metadata: bytes
    content: VulnerabilityManifestSummary

    @property
    def image(self) -> Reference:
        """The manifest of its image."""
        return self.content.spec.vulnerabilities_ref.all

    @property
    def annotations(self) -> dict[str, str]:
        return json.decode(self.metadata, type=_Noted).annotations


class _Noted(Struct, frozen=True):
    annotations: dict[str, str] = {}


class Kept(Struct, frozen=True):
    written: int
    """Objects."""
    problems: tuple[str, ...] = ()


_Container = tuple[StoredRecord, _Summary]


async def keep_loaded(store: Store, records: Iterable[StoredRecord], at: str) -> Kept:
    """For each of ``records`` of whose image there are results: the filtered manifest, VEX, and the counts of its summary; and for
    each match of the image whether any container that runs it loaded its package. Others cost nothing.

    Raises: ``StoreError`` where nothing can be read; what fails for one image costs no other.
    """
    summaries = await _summaries(store)
    users = Counter(one.image for one in summaries.values())
    newest: dict[Key, _Container] = {}
    for record in records:
        summary = _summary_of(summaries, _running(record))
        if summary is not None and (
            summary.key not in newest
            or newest[summary.key][0].record.profile.until_s < record.record.profile.until_s
        ):
            # Of several revisions the one that ran last: the others are gone or going.
            newest[summary.key] = record, summary
    by_image: dict[Reference, list[_Container]] = {}
    for one in newest.values():
        by_image.setdefault(one[1].image, []).append(one)
    written, problems = 0, []
    for place, its in by_image.items():
        try:
            written += await _of_image(store, place, its, users[place], at)
        except StoreError as error:
            problems.append(str(error.args[0]))
    written += await _forget(store, {record.name for record, _ in newest.values()})
    return Kept(written, tuple(problems))


async def _of_image(
    store: Store, place: Reference, containers: Sequence[_Container], users: int, at: str
) -> int:
    """``users``: how many containers run the image."""
    scanned = {one.annotations.get(f"{PREFIX}timestamp", "") for _, one in containers}
    sources = {record.name: f"profile {record.revision}, scan {max(scanned)}" for record, _ in containers}
    known = [
        summary.content.spec.vulnerabilities_ref.relevant
        == Reference(place.namespace, record.name, MANIFESTS)
        and sources[record.name] == await _source(store, Key(VEX, place.namespace, record.name))
        for record, summary in containers
    ]
    if all(known):
        return 0
    entry = await store.get(Key(MANIFESTS, place.namespace, place.name))
    report = _report(entry.content.body) if entry else None
    if entry is None or report is None or not report.database:
        return 0
    written = 0
    found = []
    for record, summary in containers:
        matches = by_loading(report, record.record.profile)
        source = sources[record.name]
        seen = replace(report, vulnerabilities=matches)
        written += await _write_filtered(store, record, seen, entry, source)
        written += await _write_vex(store, record, seen, place.namespace, at, source)
        written += await _write_counts(store, record, summary, matches)
        found.append({_named(match): match.loaded for match in matches})
    matches = tuple(
        replace(match, loaded=_of_all([one[_named(match)] for one in found], users))
        for match in report.vulnerabilities
    )
    return written + await _write_image(store, entry, report, matches)


def _named(match: Match) -> tuple[str, int]:
    return match.id, id(match.package)


def _of_all(loaded: Sequence[bool | None], users: int) -> bool | None:
    """Whether any of the ``users`` of an image loaded it, where it is known of these."""
    if any(loaded):
        return True
    return False if len(loaded) >= users and all(one is False for one in loaded) else None


async def _write_filtered(
    store: Store, record: StoredRecord, report: ImageReport, image: Entry, source: str
) -> int:
    place = image.key.namespace, record.name
    notes = {
        SOURCE: source,
        f"{PREFIX}status": record.status,
        f"{PREFIX}completion": record.record.profile.completion,
    }
    put = filtered_put(report, record.labels, place, notes, _scanned_at(image))
    before = await store.get(put.key)
    if before is not None and before.content.body == put.content.body:
        return 0
    return await _put(store, put, before, home=place[0])


async def _write_counts(
    store: Store, record: StoredRecord, summary: _Summary, matches: Iterable[Match]
) -> int:
    spec = summary.content.spec
    known = stored_counts("", summary.annotations)
    accepted = frozenset(known.counted.accepted_ids if known else ())
    wanted = replace(
        spec,
        severities=_counts(spec.severities, (match for match in matches if match.id not in accepted)),
        vulnerabilities_ref=replace(
            spec.vulnerabilities_ref, relevant=Reference(summary.image.namespace, record.name, MANIFESTS)
        ),
    )
    metadata = _with_grave(summary.metadata, [match for match in matches if match.id not in accepted])
    if wanted == spec and metadata == summary.metadata:
        return 0
    body = msgspec.json.encode(replace(summary.content, spec=wanted))
    try:
        return await put_lasting(store, [Put(summary.key, Content(metadata, body=body), summary.revision)])
    except ConflictError:
        return 0  # scanned again just now: the next round finds it


def _with_grave(metadata: bytes, matches: Iterable[Match]) -> bytes:
    """``metadata`` whose counts say which of the grave ones are loaded, for the rank of the workload."""
    whole = orjson.loads(metadata)
    known = stored_counts("", whole.get("annotations") or {})
    wanted = grave(matches)
    if known is None or known.counted.grave == wanted:
        return metadata
    whole["annotations"][COUNTED] = json.encode(replace(known.counted, grave=wanted)).decode()
    return orjson.dumps(whole)


async def _write_image(store: Store, entry: Entry, report: ImageReport, matches: tuple[Match, ...]) -> int:
    """The image's own results: all of them, each with what is known of it."""
    if [one.loaded for one in matches] == [one.loaded for one in report.vulnerabilities]:
        return 0
    ranked = tuple(sorted(matches, key=urgency))
    body = image_body(replace(report, vulnerabilities=ranked), _scanned_at(entry))
    put = Put(entry.key, Content(entry.content.metadata, body=body))
    return await _put(store, put, entry, home=entry.key.namespace)


async def _put(store: Store, put: Put, before: Entry | None, *, home: str) -> int:
    try:
        return await put_lasting(
            store, [Put(put.key, put.content, before.revision if before else ABSENT)], home=home
        )
    except ConflictError:
        return 0  # written just now: the next round finds it


def _scanned_at(image: Entry) -> str:
    return json.decode(image.content.metadata, type=_Noted).annotations.get(f"{PREFIX}timestamp", "")


async def _forget(store: Store, names: Set[str]) -> int:
    """Deletes what was made of containers that are gone."""
    wanted = (Requirement(CONTEXT, "in", frozenset({FILTERED})), Requirement(INSTANCE, "exists"))
    count = 0
    for plural in (MANIFESTS, VEX):
        async for entries in pages_of(store, Selection(plural, labels=wanted, with_body=False)):
            for entry in entries:
                if entry.key.name not in names:
                    with suppress(ConflictError):
                        await store.delete(entry.key, entry.revision)
                        count += 1
    return count


async def _source(store: Store, key: Key) -> str:
    """What the statements that are there were made from; empty without any."""
    found = Selection(key.plural, key.namespace, key.name, with_body=False)
    for entry in (await store.list(found, Paging(limit=1))).entries:
        return json.decode(entry.content.metadata, type=_Noted).annotations.get(SOURCE, "")
    return ""


def by_loading(report: ImageReport, profile: Profile) -> tuple[Match, ...]:
    """The matches of ``report`` with what is known of their packages, the most urgent first."""
    loaded = Loaded(profile.loaded, is_complete=is_loading_complete(profile))
    return ranked_by_loading(report.vulnerabilities, loaded.is_loaded)


async def _summaries(store: Store) -> dict[Key, _Summary]:
    entries = await all_of(store, SUMMARIES)
    return {one.key: _Summary(one.key, one.revision, one.content.metadata, _summary(one)) for one in entries}


def _summary_of(summaries: Mapping[Key, _Summary], container: RunningContainer) -> _Summary | None:
    for called in (other_summary_name(container), summary_name(container)):
        found = summaries.get(Key(SUMMARIES, container.namespace, called))
        if found is not None and labels_of(found.metadata).get(_CONTAINER) == label_value(container.name):
            return found
    return None


def _running(record: StoredRecord) -> RunningContainer:
    kind, name = (record.labels.get(f"{PREFIX}workload-{part}", "") for part in ("kind", "name"))
    container = record.record.profile.container
    return RunningContainer(kind, name, container.namespace, container.name)


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
    home: str,
    at: str,
    source: str,
) -> int:
    key = Key(VEX, home, record.name)
    statements = tuple(_statements(record, report))
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
    labels = {**record.labels, CONTEXT: FILTERED}
    metadata = {"name": key.name, "namespace": home, "labels": labels, "annotations": annotations}
    body = json.encode({"spec": document})
    try:
        put = Put(key, Content(orjson.dumps(metadata), body=body), entry.revision if entry else ABSENT)
        return await put_lasting(store, [put], home=home)
    except ConflictError:
        return 0


def _statements(record: StoredRecord, report: ImageReport) -> Iterator[VexStatement]:
    """``not_affected`` only where learning is over and nothing that was loaded can be missing."""
    is_sure = record.is_complete and is_loading_complete(record.record.profile)
    for match in report.vulnerabilities:
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
