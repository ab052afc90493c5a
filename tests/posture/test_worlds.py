"""What is applied together joins, and nothing else."""

import pytest

from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.posture.worlds import Worlds

RBAC = "rbac.authorization.k8s.io/v1"
VERSIONS = {"NetworkPolicy": "networking.k8s.io/v1", "ClusterRole": RBAC, "ClusterRoleBinding": RBAC}
BY_ID = {control.id: control for control in load_controls()}


def made(kind: str, name: str, origin: Origin | str, namespace: str = "", **fields: object) -> Resource:
    metadata = {"name": name, "labels": {"app": name}} | ({"namespace": namespace} if namespace else {})
    body = {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, **fields}
    return resource_of(body, Origin(path=origin) if isinstance(origin, str) else origin)


def pod(origin: Origin | str, namespace: str = "", **spec: object) -> Resource:
    return made("Pod", "web", origin, namespace, spec={"containers": [{"name": "c", "image": "i:1"}], **spec})


def policy(origin: Origin | str, namespace: str = "") -> Resource:
    return made("NetworkPolicy", "p", origin, namespace, spec={"podSelector": {}, "policyTypes": ["Ingress"]})


def rendered(what: str, file: str = "base/all.yaml") -> Origin:
    return Origin("kustomize", file, rendered_from=what)


def has_policy(one: Resource, *others: Resource) -> bool:
    worlds = Worlds((*others, one))
    around = worlds.around(one)
    (workload,) = around.workloads_of(one)
    return bool(around.policies_of(workload))


@pytest.mark.parametrize(
    ("of_pod", "of_policy", "is_joined"),
    [
        ((rendered("prod"), "shop"), (rendered("prod", "net/p.yaml"), "shop"), True),
        ((rendered("prod"), "shop"), (rendered("dev"), "shop"), False),
        ((rendered("prod"), ""), (rendered("prod", "net/p.yaml"), ""), True),
        ((rendered("prod"), "shop"), ("net/p.yaml", "shop"), False),
        (("apps/web.yaml", "shop"), ("net/p.yaml", "shop"), True),
        (("apps/web.yaml", "shop"), ("net/p.yaml", "bank"), False),
        (("apps/web.yaml", ""), ("net/p.yaml", ""), False),
        (("apps/web.yaml", ""), ("apps/p.yaml", ""), True),
        (("apps/web.yaml", ""), ("apps/p.yaml", "default"), True),
        (("apps/web.yaml", "default"), ("apps/p.yaml", ""), True),
        (("apps/web.yaml", "default"), ("net/p.yaml", ""), False),
        (("apps/web.yaml", ""), ("net/p.yaml", "default"), False),
        (("apps/web.yaml", "default"), ("net/p.yaml", "default"), True),
        ((Origin("cluster", cluster="a"), ""), (Origin("cluster", cluster="a"), "default"), True),
        ((Origin("cluster", cluster="a"), "shop"), (Origin("cluster", cluster="b"), "shop"), False),
    ],
)
def test_a_policy_covers_the_pods_that_are_applied_with_it(of_pod, of_policy, is_joined):
    assert has_policy(pod(*of_pod), policy(*of_policy)) is is_joined


def test_the_header_can_say_how_many_worlds_there_are():
    origins = (rendered("prod"), rendered("dev"), "a/pod.yaml", "b/pod.yaml", rendered("prod"))
    worlds = Worlds(pod(origin) for origin in origins)
    assert [len(world.resources) for world in worlds] == [2, 1, 2]


def grants(folder: str, group: str) -> list[Resource]:
    role = {"apiGroup": RBAC.partition("/")[0], "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "Group", "apiGroup": role["apiGroup"], "name": group}
    return [made("ClusterRoleBinding", "all", f"{folder}/binding.yaml", roleRef=role, subjects=[subject])]


@pytest.mark.parametrize("group", ["system:serviceaccounts", "system:authenticated"])
def test_what_a_folder_gives_to_every_account_is_given_to_those_of_the_folder(group):
    beside, elsewhere = pod("apps/web.yaml"), pod("other/web.yaml")
    worlds = Worlds((beside, elsewhere, *grants("apps", group)))
    held = [
        len(worlds.around(one).grants_of(workload))
        for one in (beside, elsewhere)
        for workload in worlds.around(one).workloads_of(one)
    ]
    assert held == [1, 0]


def test_a_role_that_is_called_by_its_name_is_found_in_another_folder():
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    role = made("ClusterRole", "reader", "roles/reader.yaml", rules=[rule])
    other = made("ClusterRole", "reader", "copy/reader.yaml", rules=[])
    reference = {"kind": "ClusterRole", "name": "reader"}
    subject = {"kind": "ServiceAccount", "name": "web", "namespace": "shop"}
    binding = made("ClusterRoleBinding", "b", "bindings/b.yaml", roleRef=reference, subjects=[subject])
    (inventory,) = Worlds((role, binding))
    assert [grant.role for grant in inventory.grants] == [role]
    own = made("ClusterRoleBinding", "b", "copy/b.yaml", roleRef=reference, subjects=[subject])
    (inventory,) = Worlds((other, role, own))
    assert [grant.role for grant in inventory.grants] == [other], "that of the own folder goes first"


def test_an_overlay_excuses_no_other_overlay():
    resources = [pod(rendered("prod"), "shop"), pod(rendered("dev"), "shop"), policy(rendered("dev"), "shop")]
    found = judge(resources, [BY_ID["C-0260"]]).findings
    assert [finding.resource for finding in found] == [resources[0].id]
