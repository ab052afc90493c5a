"""Folders of one repository that hold copies of an object do not multiply each other's rights and Services."""

from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.apply_unit import nearest
from leadline.posture.inventory import Inventory

RBAC = "rbac.authorization.k8s.io"


def _folder(name: str) -> list[Resource]:
    account = {"kind": "ServiceAccount", "name": "web", "namespace": "shop"}
    bodies = [
        ("v1", "Pod", {"spec": {"serviceAccountName": "web", "containers": [{"name": "c", "image": "i:1"}]}}),
        ("v1", "Service", {"spec": {"selector": {"app": "web"}}}),
        (f"{RBAC}/v1", "Role", {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
        (
            f"{RBAC}/v1",
            "RoleBinding",
            {"roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "web"}, "subjects": [account]},
        ),
    ]
    metadata = {"name": "web", "namespace": "shop", "labels": {"app": "web"}}
    return [
        resource_of(
            {"apiVersion": version, "kind": kind, "metadata": metadata, **rest},
            Origin(path=f"{name}/{kind}.yaml"),
        )
        for version, kind, rest in bodies
    ]


def test_each_workload_meets_the_grants_and_services_of_its_own_folder() -> None:
    inventory = Inventory([*_folder("one"), *_folder("two")])
    met = [
        (
            workload.resource.origin.path,
            [grant.binding.origin.path for grant in inventory.grants_of(workload)],
            [service.origin.path for service in inventory.services_of(workload)],
        )
        for workload in inventory.workloads
    ]
    assert met == [
        (f"{folder}/Pod.yaml", [f"{folder}/RoleBinding.yaml"], [f"{folder}/Service.yaml"])
        for folder in ("one", "two")
    ]


def test_a_workload_elsewhere_meets_one_of_the_copies() -> None:
    pod = resource_of(_folder("one")[0].body, Origin(path="pod.yaml"))
    inventory = Inventory([pod, *_folder("one"), *_folder("two")])
    (workload, *_) = inventory.workloads
    assert len(inventory.grants_of(workload)) == len(inventory.services_of(workload)) == 1


def test_each_file_of_a_folder_that_installs_the_same_meets_its_own() -> None:
    def install(file: str) -> list[Resource]:
        return [resource_of(r.body, Origin(path=f"manifests/{file}")) for r in _folder("one")]

    inventory = Inventory([*install("core.yaml"), *install("full.yaml")])
    met = [
        (
            workload.resource.origin.path,
            [grant.binding.origin.path for grant in inventory.grants_of(workload)],
        )
        for workload in inventory.workloads
    ]
    assert met == [(f"manifests/{f}", [f"manifests/{f}"]) for f in ("core.yaml", "full.yaml")]


def test_of_copies_that_are_equally_near_it_is_the_first() -> None:
    items = [
        ("web", Origin(path=path)) for path in ("two/a.yaml", "one/b.yaml", "one/c.yaml", "three/d.yaml")
    ]

    def chosen(path: str) -> list[str]:
        found = nearest(items, lambda item: item[0], lambda item: item[1], Origin(path=path))
        return [origin.path for _, origin in found]

    assert chosen("one/a.yaml") == ["one/b.yaml"], "both are in its folder"
    assert chosen("one/c.yaml") == ["one/c.yaml"], "its own file is nearer than its folder"
    assert chosen("four/e.yaml") == ["two/a.yaml"], "none is near"
