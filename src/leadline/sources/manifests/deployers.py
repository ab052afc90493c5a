"""Objects that make a controller install others: what these would be is not in the files."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from leadline.kube.field_path import format_path
from leadline.kube.workload import Keys, containers_elsewhere, pod_paths
from leadline.model.resource import Resource
from leadline.model.unread import Unread

_DEPLOYERS = {
    ("helm.toolkit.fluxcd.io", "HelmRelease"): "render its chart and scan the result",
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): "scan what its path names",
    ("argoproj.io", "Application"): "scan what its source names",
    ("argoproj.io", "ApplicationSet"): "scan what its template names",
    ("helm.cattle.io", "HelmChart"): "render its chart and scan the result",
    ("fleet.cattle.io", "Bundle"): "scan what it holds",
    ("fleet.cattle.io", "GitRepo"): "scan the repository that it names",
    ("source.toolkit.fluxcd.io", "HelmChart"): "render the chart and scan the result",
    ("kapp.k14s.io", "App"): "scan what it fetches",
    ("addons.cluster.x-k8s.io", "HelmChartProxy"): "render its chart and scan the result",
    (
        "addons.cluster.x-k8s.io",
        "ClusterResourceSet",
    ): "scan the objects in its ConfigMaps and Secrets as files",
    ("config.projectsveltos.io", "ClusterProfile"): "scan the objects in its ConfigMaps and Secrets as files",
    ("config.projectsveltos.io", "Profile"): "scan the objects in its ConfigMaps and Secrets as files",
    ("fluxcd.controlplane.io", "ResourceSet"): "scan what its templates make",
    ("fluxcd.controlplane.io", "FluxInstance"): "scan what it synchronises",
    ("apiextensions.crossplane.io", "Composition"): "scan what it composes",
    ("operators.coreos.com", "Subscription"): "scan the bundle that it installs",
}
"""By group and kind, with what can be done."""
_CHANGING = {
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("mutations.gatekeeper.sh", "Assign"),
    ("mutations.gatekeeper.sh", "AssignImage"),
    ("mutations.gatekeeper.sh", "ModifySet"),
}
"""Kinds whose objects change others as these are written, without any program of their owner."""
_KYVERNO = "kyverno.io"
_MOST_INLINE = 5_000
"""Objects that one object holds; more are named."""


def not_rendered(resources: Iterable[Resource]) -> Iterator[Unread]:
    """One for each object of a file that represents others, or runs images in a shape that no control knows."""
    for resource in resources:
        hint = _DEPLOYERS.get((resource.group, resource.kind))
        if hint:
            why = f"{resource.title}: what it installs is not rendered here"
            yield Unread(resource.origin.file, why, "not rendered", hint=hint, kind=resource.kind)
            continue
        if (resource.group, resource.kind) in _CHANGING or _makes_or_changes(resource):
            why = f"{resource.title}: it makes or changes objects in the cluster, and what comes of that is not judged here"
            yield Unread(
                resource.origin.file, why, "not rendered", hint="scan the cluster too", kind=resource.kind
            )
        keys = containers_elsewhere(resource.api_version, resource.kind, resource.body)
        if keys is not None:
            why = (
                f"{resource.title}: what it runs at {format_path(keys)} is not judged, its kind is not known"
            )
            yield Unread(resource.origin.file, why, "unsupported")


def _makes_or_changes(resource: Resource) -> bool:
    """Whether a rule of a policy of Kyverno does more than to refuse."""
    if resource.group != _KYVERNO:
        return False
    spec = resource.body.get("spec")
    rules = spec.get("rules") if isinstance(spec, dict) else None
    return any(
        isinstance(rule, dict) and ("generate" in rule or "mutate" in rule)
        for rule in (rules if isinstance(rules, list) else ())
    )


def inline_objects(body: Mapping[str, Any]) -> Iterator[tuple[Keys, dict[str, Any]]]:
    """The whole objects that a custom resource holds for a controller to create, with the keys to each.

    Crossplane's Object, a ManifestWork and an OpenShift Template are such kinds. What runs pods is judged as part of the
    outer object, and so left out; what only names another object has no ``metadata``.
    """
    if not _is_custom(str(body.get("apiVersion"))):
        return
    places: list[tuple[Keys, Any]] = [((), {k: v for k, v in body.items() if k not in _NOT_SEARCHED})]
    found = 0
    while places and found < _MOST_INLINE:
        keys, value = places.pop()
        if isinstance(value, dict):
            if keys and _is_object(value):
                found += 1
                if not pod_paths(value["apiVersion"], value["kind"], value):
                    yield keys, value
            else:
                places += [((*keys, k), v) for k, v in reversed(value.items()) if isinstance(v, dict | list)]
        else:
            entries = enumerate(value)
            places += [((*keys, i), v) for i, v in [*entries][::-1] if isinstance(v, dict | list)]


_NOT_SEARCHED = ("metadata", "status")


def _is_custom(api_version: str) -> bool:
    """Whether a group is of a project beside Kubernetes."""
    group = api_version.partition("/")[0] if "/" in api_version else ""
    return "." in group and not group.endswith(".k8s.io")


def _is_object(value: Mapping[str, Any]) -> bool:
    metadata = value.get("metadata")
    return (
        isinstance(value.get("apiVersion"), str)
        and isinstance(value.get("kind"), str)
        and isinstance(metadata, dict)
        and any(isinstance(metadata.get(field), str) for field in ("name", "generateName"))
    )
