"""Every object of a target, parted into the worlds that know nothing of each other."""

from collections.abc import Iterable, Iterator

from leadline.model.resource import Resource, with_own_ids
from leadline.posture.apply_unit import World, world_of
from leadline.posture.index import Read
from leadline.posture.inventory import Facts, Inventory


class Worlds:
    """One inventory for each cluster, chart release and kustomization, and one for all loose manifests."""

    def __init__(self, resources: Iterable[Resource] = (), facts: Facts | None = None) -> None:
        self.facts = facts or Facts()
        self._objects = {resource.id: resource for resource in with_own_ids(resources)}
        parts: dict[World, list[Resource]] = {}
        last, part = None, list[Resource]()
        for resource in self._objects.values():
            if resource.origin is not last:
                last = resource.origin
                part = parts.setdefault(world_of(last), [])
            part.append(resource)
        self._inventories = {world: Inventory(part, self.facts) for world, part in parts.items()}

    def __iter__(self) -> Iterator[Inventory]:
        """The worlds in the order of their first object."""
        return iter(self._inventories.values())

    def __len__(self) -> int:
        return len(self._inventories)

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Every object in the order of reading, each with an id of its own."""
        return tuple(self._objects.values())

    def get(self, id: str) -> Resource | None:
        return self._objects.get(id)

    def around(self, resource: Resource) -> Inventory:
        """The world of ``resource``, be it part of it or not, as seen from its place."""
        return self._inventory(world_of(resource.origin)).seen_from(resource)

    def change(
        self, removed: Iterable[str], added: Iterable[Resource]
    ) -> tuple[tuple[Resource, ...], dict[World, set[Read]]]:
        """Takes out the objects of some ids and puts others in: these as they are now called, and what is stale.

        An object with the id of one that is taken out takes its place in the order.
        """
        gone = {id: resource for id in removed if (resource := self._objects.get(id)) is not None}
        added = tuple(added)
        new = with_own_ids(added, {id for one in added for id in self._called_like(one.id) if id not in gone})
        parts: dict[World, tuple[list[Resource], list[Resource]]] = {}
        for resource in gone.values():
            parts.setdefault(world_of(resource.origin), ([], []))[0].append(resource)
        for resource in new:
            parts.setdefault(world_of(resource.origin), ([], []))[1].append(resource)
        for id in gone.keys() - {resource.id for resource in new}:
            del self._objects[id]
        self._objects |= {resource.id: resource for resource in new}
        return new, {world: self._inventory(world).change(*part) for world, part in parts.items()}

    def settle(self, resources: Iterable[Resource]) -> None:
        """Lets go of what was kept for the verdicts about ``resources``, once these have been worked out."""
        parts: dict[World, list[Resource]] = {}
        for resource in resources:
            parts.setdefault(world_of(resource.origin), []).append(resource)
        for world, part in parts.items():
            self._inventory(world).settle(part)

    def _called_like(self, id: str) -> Iterator[str]:
        """The ids that objects have which came with ``id``."""
        called, number = id, 1
        while called in self._objects:
            yield called
            number += 1
            called = f"{id}#{number}"

    def _inventory(self, world: World) -> Inventory:
        found = self._inventories.get(world)
        if found is None:
            found = self._inventories[world] = Inventory((), self.facts)
        return found
