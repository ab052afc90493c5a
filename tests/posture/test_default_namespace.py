"""An object without a namespace is at fault only where nothing else will choose one."""

import pytest

from leadline.model.control import NotJudged
from leadline.model.resource import Origin, resource_of
from leadline.posture.checks.namespaces import default_namespace


def _service(origin, **metadata):
    return resource_of(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", **metadata}}, origin
    )


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        ("helm", {}),
        ("helm", {"namespace": "default"}),
        ("kustomize", {}),
        ("file", {"labels": {"helm.sh/chart": "web-1.0.0"}}),
        ("file", {"labels": {"app.kubernetes.io/managed-by": "Helm"}}),
    ],
)
def test_what_is_installed_somewhere_later_is_not_judged(kind, metadata):
    with pytest.raises(NotJudged, match="chosen when it is installed"):
        list(default_namespace(_service(Origin(kind), **metadata)))


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [("file", {}), ("file", {"namespace": "default"}), ("kustomize", {"namespace": "default"})],
)
def test_what_goes_to_default_fails(kind, metadata):
    assert len(list(default_namespace(_service(Origin(kind), **metadata)))) == 1


@pytest.mark.parametrize("kind", ["file", "helm", "kustomize"])
def test_what_names_another_namespace_passes(kind):
    assert not list(default_namespace(_service(Origin(kind), namespace="shop")))
