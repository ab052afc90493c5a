"""Objects that are written as text in another object, for a controller to create: manifests of Argo Workflows, and ConfigMaps
that a ClusterResourceSet or a profile of Sveltos applies.

https://argo-workflows.readthedocs.io/en/latest/walk-through/kubernetes-resources/,
https://cluster-api.sigs.k8s.io/tasks/cluster-resource-set
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.field_path import format_path
from leadline.kube.workload import Keys
from leadline.model.resource import Resource, resource_of
from leadline.model.unread import Unread
from leadline.sources.yaml.parser import parse_documents

_WORKFLOWS = frozenset({"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"})
_REFERRING = {
    ("addons.cluster.x-k8s.io", "ClusterResourceSet"): "resources",
    ("config.projectsveltos.io", "ClusterProfile"): "policyRefs",
    ("config.projectsveltos.io", "Profile"): "policyRefs",
}
"""By group and kind, where the names are of what is applied."""
_MOST = 5_000
"""Texts in one object, and objects in one text."""


class Applied(Struct, frozen=True):
    """What ConfigMaps hold that another object applies."""

    resources: tuple[Resource, ...] = ()
    unread: tuple[Unread, ...] = ()
    settled: frozenset[str] = frozenset()
    """Ids of those objects everything of which was found, so that nothing about them is left to be named."""


def written_objects(body: Mapping[str, Any]) -> Iterator[tuple[Keys, list[dict[str, Any]], str]]:
    """The texts of manifests in a workflow of Argo: the keys to each, the objects in it, and why it cannot be read."""
    group = str(body.get("apiVersion")).partition("/")[0]
    if group != "argoproj.io" or body.get("kind") not in _WORKFLOWS:
        return
    places: list[tuple[Keys, Any]] = [(("spec",), body.get("spec"))]
    found = 0
    while places and found < _MOST:
        keys, value = places.pop()
        if isinstance(value, dict):
            text = value.get("manifest")
            if (
                keys[-1] == "resource"
                and isinstance(text, str)
                and value.get("action") not in ("get", "delete")
            ):
                found += 1
                yield ((*keys, "manifest"), *_read(text))
            places += [((*keys, k), v) for k, v in reversed(value.items()) if isinstance(v, dict | list)]
        elif isinstance(value, list):
            places += [((*keys, i), v) for i, v in [*enumerate(value)][::-1] if isinstance(v, dict | list)]


def is_about_applying(one: Resource) -> bool:
    """Whether ``applied_texts`` looks at the object."""
    return (one.group, one.kind) in _REFERRING or (one.kind == "ConfigMap" and not one.group)


def applied_texts(resources: Sequence[Resource]) -> Applied:
    """The objects in those ConfigMaps among ``resources`` that another of them names to be applied."""
    referring = [one for one in resources if (one.group, one.kind) in _REFERRING]
    if not referring:
        return Applied()
    maps = {(one.namespace, one.name): one for one in resources if one.kind == "ConfigMap" and not one.group}
    found: dict[str, tuple[list[Resource], list[Unread]]] = {}
    settled = set()
    for one in referring:
        is_whole = True
        for name in _names(one):
            held = maps.get(name) if name is not None else None
            if held is None:
                is_whole = False
            elif held.id not in found:
                found[held.id] = _of_map(held)
        if is_whole:
            settled.add(one.id)
    return Applied(
        tuple(resource for held, _ in found.values() for resource in held),
        tuple(part for _, parts in found.values() for part in parts),
        frozenset(settled),
    )


def _names(one: Resource) -> Iterator[tuple[str, str] | None]:
    """Namespace and name of each ConfigMap; ``None`` for a Secret, and where no name is written."""
    spec = one.body.get("spec")
    rows = spec.get(_REFERRING[one.group, one.kind]) if isinstance(spec, dict) else None
    if not isinstance(rows, list):
        yield None
        return
    for row in rows[:_MOST]:
        if (
            not isinstance(row, dict)
            or row.get("kind") != "ConfigMap"
            or not isinstance(row.get("name"), str)
        ):
            yield None
        else:
            namespace = row.get("namespace")
            yield (namespace if isinstance(namespace, str) else one.namespace, row["name"])


def _of_map(held: Resource) -> tuple[list[Resource], list[Unread]]:
    data = held.body.get("data")
    made: list[Resource] = []
    unread: list[Unread] = []
    for key, text in data.items() if isinstance(data, dict) else ():
        if not isinstance(text, str):
            continue
        bodies, why = _read(text)
        inside = f"{held.origin.inside}{format_path(('data', key))}."
        made += [resource_of(body, replace(held.origin, inside=inside)) for body in bodies]
        if why:
            unread.append(
                Unread(
                    held.origin.file, f"{held.title}: {key} is applied and cannot be read: {why}", "malformed"
                )
            )
    return made, unread


def _read(text: str) -> tuple[list[dict[str, Any]], str]:
    bodies: list[dict[str, Any]] = []
    for document in parse_documents(text.encode("utf-8", "replace")):
        if document.problem is not None:
            return bodies, document.problem.why
        if document.body is not None:
            if not _is_object(document.body):
                return bodies, "it holds something else than objects"
            bodies += list(_items(document.body))
        if len(bodies) > _MOST:
            return bodies[:_MOST], f"it holds more than {_MOST:,} objects"
    return bodies, ""


def _items(body: dict[str, Any]) -> Iterable[dict[str, Any]]:
    items = body.get("items")
    if str(body["kind"]).endswith("List") and isinstance(items, list):
        return [item for item in items if _is_object(item)]
    return [body]


def _is_object(body: Any) -> bool:
    return isinstance(body, dict) and all(
        isinstance(body.get(key), str) and body[key] for key in ("apiVersion", "kind")
    )
