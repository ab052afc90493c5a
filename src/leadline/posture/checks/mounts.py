"""Objects that a workload mounts as volumes."""

from collections.abc import Iterable, Iterator
from typing import Any

from leadline.model.control import Remove, Review, Violations
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload, mapping, mappings, text

_MOUNTED: dict[str, tuple[str, str]] = {
    "Secret": ("secret", "secretName"),
    "PersistentVolumeClaim": ("persistentVolumeClaim", "claimName"),
    "ConfigMap": ("configMap", "name"),
}
"""Kind to the field of a volume that mounts it, and the field in there that holds its name."""


def volumes_with_mounts(workload: Workload, volumes: Iterable[tuple[int, dict[str, Any]]]) -> Violations:
    """Each of ``volumes`` and all its mounts; those of a name that several volumes have once."""
    names = set()
    for v, volume in volumes:
        yield Remove(f"volumes[{v}]")
        name = text(volume.get("name"))
        if name not in names:
            names.add(name)
            for _, place in workload.mounts_of(volume):
                yield Remove(place)


def mounts_of(workload: Workload, inventory: Inventory, kind: str) -> Violations:
    """Each mount of an object of ``kind`` that is part of the target, and that object."""
    field, key = _MOUNTED[kind]
    for _, volume in workload.volumes:
        if field not in volume and "projected" not in volume:
            continue
        objects = [
            found
            for name in _names_in(volume, field, key)
            if (found := inventory.get(kind, workload.namespace, name))
        ]
        if not objects:
            continue
        for _, place in workload.mounts_of(volume):
            yield Remove(place)
            for found in objects:
                yield Review("", on=found.id, advice="keep in it what these pods need alone")


def _names_in(volume: dict[str, Any], field: str, key: str) -> Iterator[str]:
    name = mapping(volume.get(field)).get(key)
    if isinstance(name, str):
        yield name
    for _, source in mappings(mapping(volume.get("projected")).get("sources")):
        name = mapping(source.get(field)).get("name")
        if isinstance(name, str):
            yield name
