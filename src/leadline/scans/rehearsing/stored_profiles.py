"""Profiles that a cluster stores for its clients: ApplicationProfile, NetworkNeighborhood and ContainerProfile, as ``kubectl`` prints them.

A ContainerProfile of our agent holds all that was recorded. The others have neither times nor programs, and of a neighbour in the
cluster its labels in place of its address.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from leadline.kube.reachability import End
from leadline.model.container import Container
from leadline.model.profile import PARTIAL, ExecutedProgram, OpenedFile, Peer, Profile
from leadline.scans.stored.behaviour import record_in
from leadline.untyped import mapping, mappings, text

KINDS = ("ApplicationProfile", "NetworkNeighborhood", "ContainerProfile")
_GROUPS = ("containers", "initContainers", "ephemeralContainers")
_MARK = "kubescape.io/"
_NAME = "kubernetes.io/metadata.name"
_MOST = 50_000
LACKING = "a stored profile has no folders made, files renamed, users or programs"
_OTHER = "what was stored is not complete"
Json = Mapping[str, Any]


def stored_profiles(document: Any) -> tuple[tuple[Profile, ...], dict[str, End]]:
    """Profiles of ``document``, an object or a list of objects, and the pods by labels that take the place of an address."""
    ends: dict[str, End] = {}
    found = [one for body in _objects(document) for one in _of_object(body, ends)]
    return tuple(found[:_MOST]), ends


def _objects(document: Any) -> Iterator[Json]:
    body = mapping(document)
    items = body.get("items")
    for one in items if isinstance(items, list) else (body,):
        if mapping(one).get("kind") in KINDS:
            yield one


def _of_object(body: Json, ends: dict[str, End]) -> Iterator[Profile]:
    metadata, spec = mapping(body.get("metadata")), mapping(body.get("spec"))
    labels, notes = mapping(metadata.get("labels")), mapping(metadata.get("annotations"))
    is_complete = notes.get(f"{_MARK}completion") == "complete" and notes.get(f"{_MARK}status") == "completed"
    namespace = text(metadata.get("namespace")) or text(labels.get(f"{_MARK}workload-namespace"))
    pod_labels = tuple((str(key), str(value)) for key, value in mapping(spec.get("matchLabels")).items())

    def profile(name: str, part: Json) -> Profile:
        container = Container(
            f"{body['kind']} {text(metadata.get('name'))}", name, namespace=namespace, labels=pod_labels,
            workload_kind=text(labels.get(f"{_MARK}workload-kind")), workload=text(labels.get(f"{_MARK}workload-name")),
        )  # fmt: skip
        return Profile(
            container,
            PARTIAL,
            (LACKING,) if is_complete else (LACKING, _OTHER),
            executed=tuple(
                ExecutedProgram(text(one.get("path")), _texts(one.get("args")))
                for one in mappings(part.get("execs"))
            ),
            opened=tuple(
                OpenedFile(text(one.get("path")), _texts(one.get("flags")))
                for one in mappings(part.get("opens"))
            ),
            capabilities=tuple(sorted(_texts(part.get("capabilities")))),
            syscalls=tuple(sorted(_texts(part.get("syscalls")))),
            peers=tuple(_peers(part, namespace, ends)),
        )

    record = record_in(dict(spec), namespace) if body["kind"] == "ContainerProfile" else None
    if record is not None:
        yield record.profile
    elif body["kind"] == "ContainerProfile":
        yield profile(text(labels.get(f"{_MARK}workload-container-name")), spec)
    for group in _GROUPS:
        for part in mappings(spec.get(group)):
            yield profile(text(part.get("name")), part)


def _peers(part: Json, namespace: str, ends: dict[str, End]) -> Iterator[Peer]:
    for key, direction in (("ingress", "accepts"), ("egress", "connects")):
        for neighbor in mappings(part.get(key)):
            names = tuple(sorted(_texts(neighbor.get("dnsNames"))))
            for address in _addresses(neighbor, namespace, ends):
                for port in mappings(neighbor.get("ports")):
                    number = port.get("port")
                    if isinstance(number, int):
                        yield Peer(direction, address, number, text(port.get("protocol")) or "TCP", names)


def _addresses(neighbor: Json, namespace: str, ends: dict[str, End]) -> Iterable[str]:
    pods, spaces = neighbor.get("podSelector"), neighbor.get("namespaceSelector")
    if pods is None and spaces is None:
        return _texts(neighbor.get("ipAddresses")) or _texts([neighbor.get("ipAddress")])
    labels = {str(key): str(value) for key, value in mapping(mapping(pods).get("matchLabels")).items()}
    of_space = {str(key): str(value) for key, value in mapping(mapping(spaces).get("matchLabels")).items()}
    of_space = of_space if spaces is not None else {_NAME: namespace}
    name = of_space.get(_NAME, "")
    if not name:
        return ()
    title = f"{name}/{','.join(f'{key}={value}' for key, value in sorted(labels.items())) or 'any pod'}"
    ends[title] = End(name, labels, False, of_space, is_namespace_known=False)
    return (title,)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str) and one) if isinstance(value, list) else ()
