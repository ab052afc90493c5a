"""A cluster is asked for what asks for a login in front of pods, and what may not be read counts as open."""

import json
from typing import Any

import pytest
from control_plane import ControlPlane

from leadline.programs.cli.main import main

pytestmark = pytest.mark.slow

GROUP = "traefik.io"
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"middlewares.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "middlewares", "kind": "Middleware"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}


def object_of(
    api_version: str, kind: str, space: str, spec: dict[str, Any], **annotations: str
) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": space, "annotations": annotations}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def sentence(capfd: pytest.CaptureFixture[str], kubeconfig: str) -> str:
    capfd.readouterr()
    assert main(["risk", "--kubeconfig", kubeconfig, "-n", "fronts", "-q", "-f", "json"]) == 0
    (found,) = (
        one
        for one in json.loads(capfd.readouterr().out)["workloads"]
        if one["title"] == "fronts/Deployment/web"
    )
    text: str = found["sentence"]
    return text


def test_a_login_of_a_cluster_is_read(api_server: ControlPlane, capfd: pytest.CaptureFixture[str]) -> None:
    space = api_server.namespace("fronts")
    api_server.apply(DEFINITION)
    labels = {"app": "web"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    middlewares = {"traefik.ingress.kubernetes.io/router.middlewares": f"{space}-web@kubernetescrd"}
    api_server.apply(
        object_of("apps/v1", "Deployment", space, {"selector": {"matchLabels": labels}, "template": pods}),
        object_of("v1", "Service", space, {"selector": labels, "ports": [{"port": 80}]}),
        object_of("networking.k8s.io/v1", "Ingress", space, {"defaultBackend": backend}, **middlewares),
    )
    address = {"forwardAuth": {"address": "http://authelia.auth/api/authz/forward-auth"}}
    login = object_of(f"{GROUP}/v1alpha1", "Middleware", space, address)
    api_server.until(lambda: api_server.kubectl("get", f"middlewares.{GROUP}", "-A", check=False) == "")
    assert " behind " not in sentence(capfd, api_server.admin())
    api_server.apply(login)
    behind = "reachable from the internet through Ingress web behind Authelia, as far as its configuration was read"
    assert sentence(capfd, api_server.admin()).startswith(behind)
