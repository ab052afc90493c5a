"""What the agent's records say about the use of rights: whether an account's pods spoke with the API server at all.

The connection is encrypted, so that verbs and resources are in audit logs alone.
"""

from collections.abc import Iterable, Iterator, Sequence

from leadline.model.access import Subject
from leadline.model.profile import COMPLETE, Peer, Profile
from leadline.model.unread import Unread
from leadline.outputs.text.plain import count
from leadline.posture.apply_unit import DEFAULT_NAMESPACE
from leadline.posture.subject import mapping, sequence, text
from leadline.scans.access.target import AccessTarget, AccessWorld
from leadline.scans.rehearsing.profiles import read_profiles
from leadline.scans.rehearsing.settings import is_of

_API = "kubernetes"
_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")


def use_in_records(target: AccessTarget, files: Iterable[str]) -> tuple[tuple[str, ...], tuple[Unread, ...]]:
    """A sentence without its full stop for each service account that a binding names and whose pods were recorded.

    Raises: ``SourceError`` where a file cannot be read, or holds no profile.
    """
    recording = read_profiles(files)
    said = [one for world in target.worlds for one in _of_world(world, recording.profiles)]
    return tuple(dict.fromkeys(said)), recording.unread


def _of_world(world: AccessWorld, profiles: Sequence[Profile]) -> Iterator[str]:
    addresses = _addresses(world)
    by_account: dict[Subject, list[Profile]] = {}
    for workload in world.inventory.workloads:
        namespace = workload.namespace or DEFAULT_NAMESPACE
        account = Subject("ServiceAccount", namespace, workload.service_account)
        if account in world.by_subject:
            own = (one for one in profiles if is_of(one.container, workload))
            by_account.setdefault(account, []).extend(own)
    for account, recorded in sorted(by_account.items()):
        if recorded:
            yield f"{account.title}: {_said(recorded, addresses)}"


def _said(own: Sequence[Profile], addresses: frozenset[str]) -> str:
    peers = [peer for one in own for peer in one.peers if peer.direction == "connects"]
    if any(_is_api(peer, addresses) for peer in peers):
        return "its pods connected to the API server; what they asked for is in audit logs alone"
    if peers and not addresses:
        return (
            "whether its pods connected to the API server is not known: read the Service default/kubernetes"
            " as well, which has its address"
        )
    partial = sum(one.completion != COMPLETE for one in own)
    if partial:
        return f"no connection to the API server was recorded, but {count(partial, 'profile')} of its pods are partial"
    return (
        f"none of its rights was used while {count(len(own), 'complete profile')} of its pods were recorded:"
        " they never connected to the API server"
    )


def _is_api(peer: Peer, addresses: frozenset[str]) -> bool:
    return peer.address in addresses or any(
        name.rstrip(".") in _NAMES or name.startswith(f"{_NAMES[-1]}.") for name in peer.names
    )


def _addresses(world: AccessWorld) -> frozenset[str]:
    found: set[str] = set()
    for service in world.inventory.of("Service"):
        if (service.namespace or DEFAULT_NAMESPACE, service.name) == (DEFAULT_NAMESPACE, _API):
            spec = mapping(service.body.get("spec"))
            found |= {text(one) for one in (spec.get("clusterIP"), *sequence(spec.get("clusterIPs")))}
    return frozenset(found - {"", "None"})
