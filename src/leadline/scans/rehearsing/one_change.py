"""What one object that is about to be written would block of what containers were recorded to do. Asked by admission."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from leadline.kube.network_policy import policy_rules
from leadline.kube.workload import POD_KINDS
from leadline.model.profile import Profile
from leadline.model.rehearsal import Outcome
from leadline.model.resource import Resource
from leadline.runtime.rehearsal.network import Services
from leadline.scans.options import PostureOptions
from leadline.scans.rehearsing.addresses import services_of
from leadline.scans.rehearsing.profiles import read_recording
from leadline.scans.rehearsing.rehearsal import Stage, container_title
from leadline.scans.rehearsing.target import RehearsalTarget, network_of_cluster
from leadline.scans.rehearsing.written import use_text

MOST_PROFILES = 200
"""That one object is held against; beyond, the first of them."""


class Recorded(Struct, frozen=True):
    """What agents stored, and what the cluster has by now."""

    profiles: Mapping[str, tuple[Profile, ...]]
    """By namespace."""
    policies: tuple[Resource, ...] = ()
    """With the namespaces."""
    services: Services = Services()
    unread: str = ""
    """What could not be read of it; empty where all was."""


class Broken(Struct, frozen=True):
    container: str
    outcome: Outcome

    def __str__(self) -> str:
        said = use_text(self.outcome.use)
        return f"{self.container} {self.outcome.what}{f' ({said})' if said else ''}: {self.outcome.why}"


def recorded_in_cluster(options: PostureOptions) -> Recorded:
    """Raises: ``SourceError``, ``StoreError``, ``ClusterError`` where nothing can be read."""
    recording = read_recording(("kube",), options)
    target = network_of_cluster(options)
    unread = "; ".join(f"{one.where}: {one.why}" for one in (*recording.unread, *target.unread))
    return recorded_of(recording.profiles, (*target.resources, *target.addresses), unread[:300])


def recorded_of(profiles: Iterable[Profile], objects: Sequence[Resource], unread: str = "") -> Recorded:
    by_namespace: dict[str, list[Profile]] = {}
    for one in profiles:
        by_namespace.setdefault(one.container.namespace, []).append(one)
    return Recorded(
        {name: tuple(its) for name, its in by_namespace.items()},
        tuple(one for one in objects if one.kind == "Namespace" or any(policy_rules(one))),
        services_of(objects),
        unread,
    )


def broken_by(new: Resource, old: Resource | None, recorded: Recorded) -> tuple[Broken, ...]:
    """What ``new`` would block that ``old``, which it takes the place of, does not."""
    if new.kind not in POD_KINDS and not any(policy_rules(new)):
        return ()
    spaces = [new.namespace] if new.namespace else list(recorded.profiles)
    own = [one for space in spaces for one in recorded.profiles.get(space, ())][:MOST_PROFILES]
    if not own:
        return ()
    others = [one for one in recorded.policies if one.id != new.id]
    before = _blocked([*others, *([old] if old else [])], own, recorded)
    after = _blocked([*others, new], own, recorded)
    known = {(one.container, one.outcome.what) for one in before}
    return tuple(one for one in after if (one.container, one.outcome.what) not in known)


def _blocked(resources: Sequence[Resource], own: Sequence[Profile], recorded: Recorded) -> list[Broken]:
    stage = Stage(RehearsalTarget(tuple(resources), (), ()), {}, services=recorded.services)
    return list(
        dict.fromkeys(
            Broken(container_title(row.container), outcome)
            for row in stage.report(own, (), ()).containers
            for outcome in row.outcomes
            if outcome.verdict == "blocked"
        )
    )
