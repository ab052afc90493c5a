"""Objects that make a controller install others: what these would be is not in the files."""

from collections.abc import Iterable, Iterator

from leadline.kube.field_path import format_path
from leadline.kube.workload import containers_elsewhere
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
}
"""By group and kind, with what can be done."""


def not_rendered(resources: Iterable[Resource]) -> Iterator[Unread]:
    """One for each object of a file that represents others, or runs images in a shape that no control knows."""
    for resource in resources:
        hint = _DEPLOYERS.get((resource.group, resource.kind))
        if hint:
            why = f"{resource.title}: what it installs is not rendered here"
            yield Unread(resource.origin.file, why, "not rendered", hint=hint, kind=resource.kind)
            continue
        keys = containers_elsewhere(resource.api_version, resource.kind, resource.body)
        if keys is not None:
            why = (
                f"{resource.title}: what it runs at {format_path(keys)} is not judged, its kind is not known"
            )
            yield Unread(resource.origin.file, why, "unsupported")
