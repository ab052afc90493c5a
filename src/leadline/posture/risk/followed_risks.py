"""Ranks of workloads that follow the changes of a cluster.

What is read while a rank is worked out is written down, as for verdicts; a change then names the workloads whose rank it
can touch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from leadline.model.control import Control
from leadline.model.resource import Resource
from leadline.model.risk import ImageFacts, WorkloadRisk
from leadline.posture.apply_unit import World, world_of
from leadline.posture.index import Read
from leadline.posture.readers import Readers
from leadline.posture.risk.ranking import risk_of
from leadline.posture.worlds import Worlds


class FollowedRisks:
    """Where the ranks of the workloads of ``worlds`` were read from. Not to be used from several threads at once."""

    def __init__(self, worlds: Worlds, same: Callable[[Read], Read]) -> None:
        """``same`` gives the read that is held already where there is an equal one, so that it is not held twice."""
        self._worlds = worlds
        self._same = same
        self._reads: dict[str, tuple[World, tuple[Read, ...]]] = {}
        """What the rank of a workload rests on, by its id."""
        self._readers: dict[World, Readers] = {}

    def of(
        self, resource: Resource, failed: Sequence[Control], image: ImageFacts | None = None
    ) -> WorkloadRisk | None:
        """The rank of ``resource``, which fails ``failed`` and runs ``image``; ``None`` where it runs no pods, or fails nothing."""
        self.forget(resource.id)
        if not failed:
            return None
        inventory, reads = self._worlds.around(resource), set[Read]()
        inventory.trace(reads)
        try:
            risk = risk_of(resource, inventory, failed, image)
        finally:
            inventory.trace(None)
        if risk is not None:
            self._remember(resource, reads)
        return risk

    def touched(self, stale: Mapping[World, AbstractSet[Read]]) -> Iterator[str]:
        """The ids of the workloads whose rank rests on any of the ``stale`` reads."""
        for world, reads in stale.items():
            for _, ids in self._readers.get(world, Readers()).of(reads):
                yield from ids

    def forget(self, id: str) -> None:
        world, reads = self._reads.pop(id, (None, ()))
        if world is not None:
            for _ in self._readers[world].forget(id, reads):
                pass

    def _remember(self, resource: Resource, reads: set[Read]) -> None:
        world = world_of(resource.origin)
        kept = tuple(map(self._same, reads))
        self._reads[resource.id] = (world, kept)
        self._readers.setdefault(world, Readers()).add(resource.id, kept)
