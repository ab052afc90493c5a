"""What the containers of a workload revision were recorded to do, as ApplicationProfile and NetworkNeighborhood for existing clients.

What users wrote themselves, under the name of the revision with ``ug-`` in front, is added to it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import orjson
from msgspec import Struct

from leadline.api.kind import PREFIX
from leadline.api.kinds.profiles import (
    ActiveContainer,
    ApplicationProfile,
    Neighbor,
    NeighborPort,
    NetworkNeighborhood,
    OpenedFile,
    TalkingContainer,
    WorkloadBehaviour,
    WorkloadNeighbors,
)
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Put, Store
from leadline.api.selection import Key
from leadline.api.stored import Reader, metadata_of
from leadline.model.profile import COMPLETE, PARTIAL, Peer, Profile
from leadline.runtime.rehearsal.network import INCOMING, Services, is_loopback
from leadline.runtime.suggest.network import ends_of, stable_labels
from leadline.scans.stored.behaviour import INSTANCE, LEARNED, LEARNING, StoredRecord, programs_of
from leadline.scans.stored.lasting import put_lasting

APPLICATIONS, NEIGHBORHOODS = "applicationprofiles", "networkneighborhoods"
USERS = "ug-"
_NAME = "kubernetes.io/metadata.name"
_read_application = Reader(ApplicationProfile)
_read_neighborhood = Reader(NetworkNeighborhood)
Body = dict[str, Any]
T = TypeVar("T")


class Neighbors(Struct, frozen=True):
    """Whom a container talks to, as far as it is known whose the addresses are."""

    ingress: tuple[Neighbor, ...]
    egress: tuple[Neighbor, ...]
    unknown: tuple[str, ...]
    """Addresses that may be those of pods, of which the cluster knows nothing now."""


async def write_workload(store: Store, records: Sequence[StoredRecord], services: Services, at: str) -> int:
    """``records`` are of the containers of one revision. How many objects were written. Raises: ``StoreError``."""
    first = records[0]
    namespace = first.record.profile.container.namespace
    keys = [Key(plural, namespace, first.instance) for plural in (APPLICATIONS, NEIGHBORHOODS)]
    own = [await store.get(Key(key.plural, namespace, USERS + key.name)) for key in keys]
    talk = {one.name: neighbors_of(one.record.profile, services) for one in records}
    unknown = sorted({address for one in talk.values() for address in one.unknown})
    application = _application(records, _read_application(own[0]) if own[0] else ApplicationProfile())
    neighborhood = _neighborhood(
        records, talk, _read_neighborhood(own[1]) if own[1] else NetworkNeighborhood()
    )
    why = f"it is not known whose the addresses {', '.join(unknown[:5])} are" if unknown else ""
    written = 0
    for key, spec, reason in ((keys[0], application, ""), (keys[1], neighborhood, why)):
        metadata = _metadata(key, records, at, reason)
        written += await _put(store, key, metadata, msgspec.json.encode({"spec": spec}))
    return written


async def _put(store: Store, key: Key, metadata: Body, body: bytes) -> int:
    entry = await store.get(key)
    if entry is not None and (_is_of_others(entry) or _is_same(entry, metadata, body)):
        return 0
    try:
        put = Put(key, Content(orjson.dumps(metadata), body=body), entry.revision if entry else ABSENT)
        return await put_lasting(store, [put])
    except ConflictError:
        return 0  # the next round finds what is there by then


def _is_of_others(entry: Entry) -> bool:
    """Written by another agent, or by people."""
    return INSTANCE not in metadata_of(entry).labels


def _is_same(entry: Entry, metadata: Body, body: bytes) -> bool:
    there = metadata_of(entry)
    time = f"{PREFIX}timestamp"
    notes = {name: value for name, value in there.annotations.items() if name != time}
    wanted = {name: value for name, value in metadata["annotations"].items() if name != time}
    stored = orjson.loads(entry.content.body).get("spec")
    return notes == wanted and there.labels == metadata["labels"] and stored == orjson.loads(body)["spec"]


def _metadata(key: Key, records: Sequence[StoredRecord], at: str, why: str) -> Body:
    of_container = {f"{PREFIX}workload-container-name", f"{PREFIX}workload-container-type"}
    labels = {name: value for name, value in records[0].labels.items() if name not in of_container}
    is_complete = all(one.record.profile.completion == COMPLETE for one in records) and not why
    reasons = sorted({reason for one in records for reason in one.record.profile.reasons})
    annotations = {
        f"{PREFIX}status": LEARNED if all(one.status == LEARNED for one in records) else LEARNING,
        f"{PREFIX}completion": COMPLETE if is_complete else PARTIAL,
        f"{PREFIX}timestamp": at,
    }
    if reasons or why:
        annotations[f"{PREFIX}status-reason"] = "; ".join(filter(None, (*reasons, why)))
    return {"name": key.name, "namespace": key.namespace, "labels": labels, "annotations": annotations}


def _application(records: Sequence[StoredRecord], own: ApplicationProfile) -> WorkloadBehaviour:
    added = {one.name: one for one in own.spec.containers or ()}
    made = []
    for one in records:
        profile = one.record.profile
        more = added.get(profile.container.name, ActiveContainer())
        capabilities = (f"CAP_{name.removeprefix('CAP_')}" for name in profile.capabilities)
        opens = (OpenedFile(file.path, file.flags) for file in profile.opened)
        made.append(
            ActiveContainer(
                name=profile.container.name,
                capabilities=_with(capabilities, more.capabilities),
                execs=_with(programs_of(profile) or (), more.execs),
                opens=_with(opens, more.opens),
                syscalls=_with(profile.syscalls, more.syscalls),
                endpoints=more.endpoints,
                image_id=profile.container.image_id,
                image_tag=profile.container.image,
                rule_policies=more.rule_policies,
            )
        )
    return WorkloadBehaviour(containers=tuple(made), init_containers=own.spec.init_containers)


def _neighborhood(
    records: Sequence[StoredRecord], talk: dict[str, Neighbors], own: NetworkNeighborhood
) -> WorkloadNeighbors:
    added = {one.name: one for one in own.spec.containers or ()}
    made = []
    for one in records:
        name = one.record.profile.container.name
        more, found = added.get(name, TalkingContainer()), talk[one.name]
        made.append(
            TalkingContainer(name, _with(found.ingress, more.ingress), _with(found.egress, more.egress))
        )
    return WorkloadNeighbors(
        stable_labels(dict(records[0].record.profile.container.labels)), containers=tuple(made)
    )


def _with(found: Iterable[T], more: Iterable[T] | None) -> tuple[T, ...] | None:
    every = list(found)
    return tuple(every + [one for one in more or () if one not in every]) or None


def neighbors_of(profile: Profile, services: Services) -> Neighbors:
    unknown: list[str] = []
    ingress = tuple(_neighbors(profile.peers, services, unknown, is_incoming=True))
    egress = tuple(_neighbors(profile.peers, services, unknown, is_incoming=False))
    return Neighbors(ingress, egress, tuple(unknown))


def _neighbors(
    peers: Iterable[Peer], services: Services, unknown: list[str], *, is_incoming: bool
) -> Iterator[Neighbor]:
    """One for each pod with its labels, or address outside of the cluster, with all of its ports."""
    found: dict[str, tuple[Body, dict[tuple[int, str], None], dict[str, None]]] = {}
    for peer in peers:
        if (
            peer.direction == "listens"
            or (peer.direction in INCOMING) != is_incoming
            or is_loopback(peer.address)
        ):
            continue
        ends = list(ends_of(peer, services))
        if not ends:
            unknown.append(peer.address)
        for end, port in ends:
            selected: Body = {"ip_address": end.address, "type": "external"}
            labels = stable_labels(end.labels)
            if end.is_on_host_network or (end.namespace and not labels):
                unknown.append(peer.address)  # of a node: the next may be any other
                continue
            if end.namespace:
                selected = {
                    "pod_selector": {"matchLabels": labels},
                    "namespace_selector": {"matchLabels": {_NAME: end.namespace}},
                    "type": "internal",
                }
            _, ports, names = found.setdefault(repr(selected), (selected, {}, {}))
            ports[port, peer.protocol] = None
            names.update(dict.fromkeys(peer.names))
    for key, (selected, ports, names) in sorted(found.items()):
        yield Neighbor(
            identifier=hashlib.sha256(key.encode()).hexdigest(),
            dns=min(names, default=""),
            dns_names=tuple(sorted(names)) or None,
            ports=tuple(
                NeighborPort(f"{protocol}-{port}", protocol, port) for port, protocol in sorted(ports)
            ),
            **selected,
        )
