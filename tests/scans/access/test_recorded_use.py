"""What the agent's records can add to audit logs: whether an account's pods spoke with the API server at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from leadline.scans.access.recorded_use import use_in_records
from leadline.scans.access.target import open_access
from leadline.scans.options import PostureOptions

OBJECTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {serviceAccountName: api, containers: [{name: web, image: web}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: api, namespace: shop}]
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default}
spec: {clusterIP: 10.96.0.1, ports: [{port: 443}]}
"""
ACCOUNT = "shop/ServiceAccount/api: "


def profile(*peers: dict[str, Any], completion: str = "complete") -> dict[str, Any]:
    container = {
        "id": "c",
        "name": "web",
        "namespace": "shop",
        "workloadKind": "Deployment",
        "workload": "web",
    }
    return {"container": container, "completion": completion, "reasons": [], "peers": peers}


def to(address: str, *names: str) -> dict[str, Any]:
    return {"direction": "connects", "address": address, "port": 443, "protocol": "TCP", "names": names}


@pytest.mark.parametrize(
    ("profiles", "said"),
    [
        ([profile(to("10.0.0.9")), profile()], "none of its rights was used while 2 complete profiles"),
        ([profile(to("10.96.0.1"))], "its pods connected to the API server"),
        (
            [profile(to("10.9.9.9", "kubernetes.default.svc.cluster.local"))],
            "its pods connected to the API server",
        ),
        ([profile(completion="partial")], "no connection to the API server was recorded, but 1 profile"),
    ],
)
def test_connections_of_pods_say_whether_rights_can_have_been_used(tmp_path: Path, profiles, said: str):
    found = used(tmp_path, OBJECTS + SERVICE, profiles)
    assert [one.startswith(ACCOUNT + said) for one in found] == [True]


def test_an_api_server_whose_address_was_not_read_is_not_known(tmp_path: Path):
    assert (
        "is not known: read the Service default/kubernetes"
        in used(tmp_path, OBJECTS, [profile(to("10.0.0.9"))])[0]
    )
    # Who connects to nothing connects to no API server.
    assert "none of its rights" in used(tmp_path, OBJECTS, [profile()])[0]


def test_an_account_without_records_is_not_spoken_of(tmp_path: Path):
    other = profile()
    other["container"] = {"id": "d", "name": "x", "namespace": "bank", "workloadKind": "Pod", "workload": "x"}
    assert used(tmp_path, OBJECTS, [other]) == ()


def used(folder: Path, objects: str, profiles: list[dict[str, Any]]) -> tuple[str, ...]:
    (folder / "objects.yaml").write_text(objects)
    (folder / "profiles.json").write_text("".join(f"{json.dumps(one)}\n" for one in profiles))
    with open_access([str(folder / "objects.yaml")], PostureOptions()) as target:
        return use_in_records(target, [str(folder / "profiles.json")])[0]
