"""Keeps what follows from recorded behaviour current in a store: profiles of workloads, and suggestions with their states.

One writer at a time: the operator that leads. Nothing is ever applied.
"""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec
import orjson
from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds.suggestions import HeldTo, HeldWorkload, Suggestion, approves
from leadline.api.posture_results import label_value
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Put, Store
from leadline.api.selection import Key
from leadline.api.stored import Reader
from leadline.errors import StoreError, UsageError
from leadline.model.container import Container
from leadline.model.profile import Profile
from leadline.model.rehearsal import RehearsalReport
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload
from leadline.runtime.completeness import is_complete
from leadline.runtime.rehearsal.network import Services
from leadline.scans.observing.naming import pod_names
from leadline.scans.rehearsing.addresses import services_of
from leadline.scans.rehearsing.hardening import (
    hardening_of,
    objects_of,
    rehearsal_of,
    with_settings,
    workload_called,
)
from leadline.scans.rehearsing.settings import is_of
from leadline.scans.rehearsing.target import RehearsalTarget
from leadline.scans.stored.behaviour import StoredRecord, stored_records
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.stored.loaded_packages import keep_loaded
from leadline.scans.stored.scan_runs import moment
from leadline.scans.stored.workload_behaviour import write_workload
from leadline.scans.suggesting.making import suggestion_name, suggestion_of
from leadline.scans.suggesting.states import (
    APPLIED,
    APPROVED,
    VERIFIED,
    Known,
    followed,
    held_to,
    is_applied,
    is_same,
    suggested_objects,
)

SUGGESTIONS = "suggestions"
MOST_WORKLOADS = 5_000
_read = Reader(Suggestion)


class Kept(Struct, frozen=True):
    """What one round wrote."""

    workloads: int = 0
    suggestions: int = 0
    problems: tuple[str, ...] = ()


async def keep_behaviour(store: Store, target: RehearsalTarget, at: str = "") -> Kept:
    """``target`` is the cluster as it is now. What fails for one workload costs no other. Raises: ``StoreError``."""
    at = at or moment()
    records = await stored_records(store)
    services = services_of([*target.resources, *target.addresses])
    problems: list[str] = []
    written = suggested = 0
    by_instance: dict[tuple[str, str], list[StoredRecord]] = {}
    by_workload: dict[str, list[StoredRecord]] = {}
    for one in records:
        container = one.record.profile.container
        by_instance.setdefault((container.namespace, one.instance), []).append(one)
        title = "/".join(
            (container.namespace, *(one.labels.get(f"{PREFIX}workload-{n}", "") for n in ("kind", "name")))
        )
        by_workload.setdefault(title, []).append(one)
    for its in by_instance.values():
        try:
            written += await write_workload(store, its, services, at)
        except StoreError as error:
            problems.append(str(error.args[0]))
    loaded = await keep_loaded(store, records, at)
    written += loaded.written
    problems += loaded.problems
    for title, its in list(by_workload.items())[:MOST_WORKLOADS]:
        try:
            suggested += await _keep(store, title, its, target, services, at)
        except StoreError as error:
            problems.append(f"{title}: {error.args[0]}")
    return Kept(written, suggested, tuple(problems))


async def _keep(
    store: Store,
    title: str,
    records: Sequence[StoredRecord],
    target: RehearsalTarget,
    services: Services,
    at: str,
) -> int:
    try:
        workload, inventory = workload_called(title, target.resources)
    except UsageError:
        return 0  # it is gone, or was not read
    own = [one.record.profile for one in records if is_of(one.record.profile.container, workload)]
    at_of = HeldWorkload(workload.resource.api_version, workload.kind, workload.namespace, workload.name)
    key = Key(SUGGESTIONS, workload.namespace, suggestion_name(at_of))
    entry = await store.get(key)
    before = _read(entry) if entry else None
    made = await asyncio.to_thread(made_of, workload, inventory, before, own, target, services, at)
    if made is None:
        if entry is not None:
            await store.delete(key, entry.revision)
        return int(entry is not None)
    if before is not None and is_same(made, before):
        return 0
    try:
        return await put_lasting(store, [_put(key, entry, made, records)])
    except ConflictError:
        return 0  # a person was faster: the next round finds it


def made_of(
    workload: Workload,
    inventory: Inventory,
    before: Suggestion | None,
    own: Sequence[Profile],
    target: RehearsalTarget,
    services: Services,
    at: str,
) -> Suggestion | None:
    """What is to be stored; ``None`` where there is nothing to suggest, and nothing was approved or applied.

    What a person approved stays as it is, unless it would block what was recorded since.
    """
    if before is not None and _is_decided(before):
        kept = followed(before, _known(workload, before.spec, own, target, at))
        blocked = kept.status.rehearsal is not UNSET and kept.status.rehearsal.blocked
        if not blocked:
            return kept
    hardening = hardening_of(workload, inventory, own, services)
    if hardening.is_empty:
        return None
    spec = suggestion_of(hardening, workload.resource.api_version)
    report = rehearsal_of(target, workload, with_settings(workload, hardening), objects_of(hardening), own)
    if before is not None:
        spec = replace(spec, approve=before.spec.approve)
    fresh = Suggestion(spec) if before is None else Suggestion(spec, before.status)
    return followed(fresh, Known(report, False, (), at))


def _is_decided(suggestion: Suggestion) -> bool:
    approval = suggestion.status.approval
    is_approved = approval is not UNSET and approves(approval.digest, suggestion.spec.digest)
    return is_approved or suggestion.status.state in (APPROVED, APPLIED, VERIFIED)


def _known(
    workload: Workload, spec: HeldTo, own: Sequence[Profile], target: RehearsalTarget, at: str
) -> Known:
    applied = is_applied(spec, workload, target.resources)
    report = _rehearsed(workload, spec, own, target, applied=applied)
    revisions = _revisions(workload, target) if applied else frozenset()
    is_rolled_out = len(revisions) == 1
    after = [one for one in own if is_rolled_out and is_complete(one) and one.container.revision in revisions]
    return Known(report, applied, after, at)


def _rehearsed(
    workload: Workload, spec: HeldTo, own: Sequence[Profile], target: RehearsalTarget, *, applied: bool
) -> RehearsalReport:
    wanted = workload.resource if applied else with_settings(workload, held_to(spec))
    return rehearsal_of(target, workload, wanted, suggested_objects(spec), own)


def _revisions(workload: Workload, target: RehearsalTarget) -> frozenset[str]:
    """Of the pods that run now: several while a rollout is under way."""
    pods = [
        one.body
        for one in target.addresses
        if one.kind == "Pod" and is_of(Container("", pod=one.name, namespace=one.namespace), workload)
    ]
    return frozenset(one.revision for one in pod_names(pods).values())


def _put(key: Key, entry: Entry | None, made: Suggestion, records: Iterable[StoredRecord]) -> Put:
    at = made.spec.workload
    labels = {"kind": at.kind, "name": at.name, "namespace": at.namespace}
    metadata = {
        "name": key.name,
        "namespace": key.namespace,
        "labels": {f"{PREFIX}workload-{name}": label_value(value) for name, value in labels.items()},
    }
    body = msgspec.json.encode({"spec": made.spec, "status": made.status})
    return Put(key, Content(orjson.dumps(metadata), body=body), entry.revision if entry else ABSENT)
