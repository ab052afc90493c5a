"""What containers were recorded to do, as the objects that a store keeps of it: one for each container of a workload revision."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from leadline.api.kind import PREFIX
from leadline.api.kinds.profiles import (
    CONTAINER_PROFILES,
    ContainerBehaviour,
    Neighbor,
    NeighborPort,
    OpenedFile,
    RunProgram,
)
from leadline.api.posture_results import label_value, slug
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Put, Readable, Store, pages_of
from leadline.api.selection import Key, Selection, labels_of
from leadline.api.stored import metadata_of
from leadline.model.container import Container
from leadline.model.profile import COMPLETE, PARTIAL, Profile
from leadline.runtime.completeness import is_exact
from leadline.runtime.rehearsal.network import INCOMING
from leadline.runtime.revision import Record, with_profile
from leadline.scans.stored.lasting import put_lasting
from leadline.untyped import mapping

PROFILES = "containerprofiles"
LEARNING, LEARNED, TOO_LARGE = "ready", "completed", "too-large"
"""Values of the status annotation, as existing clients know them."""
INSTANCE = "leadline.dev/instance"
"""Label: the name of the workload revision that a profile of a container is a part of."""
_MOST_BYTES = CONTAINER_PROFILES.max_bytes - (64 << 10)
_RUN = re.compile(r"(?P<name>.+)-\d{8,10}")
_ATTEMPTS = 5
Body = dict[str, Any]


def instance_name(container: Container) -> str:
    """Of the workload revision, as existing clients work it out where the controller says one."""
    kind, name, revision = container.workload_kind, container.workload, container.revision
    if kind == "Deployment":
        kind, name = "ReplicaSet", f"{name}-{revision}"
    elif kind == "Job" and (run := _RUN.fullmatch(name)):
        # All runs of an unchanged CronJob are one.
        name = f"{run['name']}-{revision}"
    elif kind in ("DaemonSet", "StatefulSet"):
        name = f"{name}-{revision}"
    return slug(f"{kind}-{name}".lower())


def profile_name(container: Container) -> str:
    whole = f"{container.namespace}/{instance_name(container)}/{container.name}"
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return slug(f"{instance_name(container)}-{container.name}-{digest[:4]}-{digest[-4:]}")


def is_named(container: Container) -> bool:
    """Whether enough is known of it to be stored: it runs in a pod of a cluster."""
    return bool(container.namespace and container.workload and container.name)


async def store_profile(store: Store, profile: Profile, learning_s: float, now_s: float) -> Record:
    """Adds it to what is stored of its workload revision. Raises: ``StoreError``."""
    key = Key(PROFILES, profile.container.namespace, profile_name(profile.container))
    for attempt in range(_ATTEMPTS):
        entry = await store.get(key)
        before = record_of(entry) if entry else None
        record = with_profile(before, profile)
        stored = _status(entry) if entry else ""
        # What was too large is so with more to it as well.
        if stored == TOO_LARGE or (before == record and stored == _wanted_status(record, learning_s, now_s)):
            return record
        content = _content(key.name, record, learning_s, now_s)
        try:
            await put_lasting(store, [Put(key, content, entry.revision if entry else ABSENT)])
        except ConflictError:
            # Another node has added the profile of another replica.
            if attempt + 1 == _ATTEMPTS:
                raise
            continue
        return record
    raise AssertionError("unreachable")


def record_of(entry: Entry) -> Record | None:
    """``None`` where another program wrote it, or it is too large to be kept."""
    return record_in(mapping(orjson.loads(entry.content.body or b"{}").get("spec")), entry.key.namespace)


def record_in(spec: Body, namespace: str) -> Record | None:
    """As ``record_of``, of the ``spec`` of a ContainerProfile in ``namespace``: a record counts for no other.

    Who may write there chooses every word of it.
    """
    try:
        record = msgspec.convert(spec.get("recorded"), Record)
    except msgspec.ValidationError:
        return None
    return record if record.profile.container.namespace == namespace else None


class StoredRecord(Struct, frozen=True):
    """A ContainerProfile of ours."""

    name: str
    revision: int
    """Of the object."""
    instance: str
    labels: Mapping[str, str]
    status: str
    record: Record

    @property
    def is_complete(self) -> bool:
        """Whether all that its containers did is in it, and learning is over: what is not in it is new."""
        return self.status == LEARNED and is_exact(self.record.profile)

    def is_baseline_of(self, container: Container, learning_s: float) -> bool:
        """Whether what ``container``, of the same revision, does beside it is new: another was learned as long as it would be.

        Runs of a job end before that: all of them together were.
        """
        known = self.record.profile.container
        is_same = not known.image_id or not container.image_id or known.image_id == container.image_id
        is_long = container.workload_kind == "Job" or self.record.longest_s >= learning_s
        return self.is_complete and is_same and is_long


async def stored_records(store: Readable, namespace: str = "") -> list[StoredRecord]:
    """Of all namespaces where none is named. Raises: ``StoreError``."""
    found: list[StoredRecord] = []
    async for entries in pages_of(store, Selection(PROFILES, namespace), limit=50):
        found += filter(None, map(stored_record, entries))
    return found


def stored_record(entry: Entry) -> StoredRecord | None:
    """``None`` where another program wrote it, or it is too large to be kept."""
    record = record_of(entry)
    if record is None:
        return None
    labels = labels_of(entry.content.metadata)
    return StoredRecord(
        entry.key.name, entry.revision, labels.get(INSTANCE, ""), labels, _status(entry), record
    )


def _content(name: str, record: Record, learning_s: float, now_s: float) -> Content:
    container = record.profile.container
    status = _wanted_status(record, learning_s, now_s)
    body = msgspec.json.encode({"spec": _behaviour(record)})
    size = _size(record.profile)
    if len(body) > _MOST_BYTES:
        status, body = TOO_LARGE, b'{"spec":{}}'
    is_complete = record.profile.completion == COMPLETE and status != TOO_LARGE
    kind, workload = workload_of(container)
    labels = {
        **{f"{PREFIX}workload-{key}": value for key, value in (
            ("kind", kind), ("name", workload), ("namespace", container.namespace), ("container-name", container.name),
            ("container-type", "containers"),
        )},
        f"{PREFIX}instance-template-hash": container.revision,
        INSTANCE: instance_name(container),
    }  # fmt: skip
    annotations = {
        f"{PREFIX}status": status,
        f"{PREFIX}completion": COMPLETE if is_complete else PARTIAL,
        f"{PREFIX}resource-size": str(size),
        f"{PREFIX}timestamp": _moment(now_s),
        f"{PREFIX}learning-period": f"{learning_s:.0f}s",
    }
    if record.profile.reasons:
        annotations[f"{PREFIX}status-reason"] = "; ".join(record.profile.reasons)
    metadata = {
        "name": name,
        "namespace": container.namespace,
        "labels": {key: label_value(value) for key, value in labels.items()},
        "annotations": annotations,
    }
    return Content(orjson.dumps(metadata), body=body)


def _wanted_status(record: Record, learning_s: float, now_s: float) -> str:
    return LEARNED if now_s - record.profile.since_s >= learning_s else LEARNING


def _status(entry: Entry) -> str:
    return metadata_of(entry).annotations.get(f"{PREFIX}status", "")


def workload_of(container: Container) -> tuple[str, str]:
    """Kind and name of what a person wrote: of a run the CronJob."""
    run = _RUN.fullmatch(container.workload) if container.workload_kind == "Job" else None
    return ("CronJob", run["name"]) if run else (container.workload_kind, container.workload)


def _behaviour(record: Record) -> ContainerBehaviour:
    profile = record.profile
    return ContainerBehaviour(
        capabilities=tuple(f"CAP_{one.removeprefix('CAP_')}" for one in profile.capabilities) or None,
        execs=programs_of(profile),
        opens=tuple(OpenedFile(one.path, one.flags) for one in profile.opened) or None,
        syscalls=profile.syscalls or None,
        image_id=profile.container.image_id,
        image_tag=profile.container.image,
        match_labels=dict(profile.container.labels),
        ingress=tuple(_neighbors(profile, is_incoming=True)) or None,
        egress=tuple(_neighbors(profile, is_incoming=False)) or None,
        recorded=msgspec.to_builtins(record),
    )


def programs_of(profile: Profile) -> tuple[RunProgram, ...] | None:
    return tuple(RunProgram(one.path, one.arguments) for one in profile.executed) or None


def _neighbors(profile: Profile, *, is_incoming: bool) -> Iterator[Neighbor]:
    """By address: whose it is only the cluster knows."""
    found: dict[str, tuple[set[tuple[int, str]], set[str]]] = {}
    for peer in profile.peers:
        if peer.direction != "listens" and (peer.direction in INCOMING) == is_incoming:
            ports, names = found.setdefault(peer.address, (set(), set()))
            ports.add((peer.port, peer.protocol))
            names.update(peer.names)
    for address, (ports, names) in sorted(found.items()):
        its = tuple(NeighborPort(f"{protocol}-{port}", protocol, port) for port, protocol in sorted(ports))
        yield Neighbor(
            hashlib.sha256(address.encode()).hexdigest(), "external", min(names, default=""),
            tuple(sorted(names)) or None, its, None, None, address,
        )  # fmt: skip


def _size(profile: Profile) -> int:
    parts = (profile.executed, profile.opened, profile.syscalls, profile.capabilities, profile.peers)
    return sum(map(len, parts))


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
