"""Access at two moments: what is new, what is gone, and what a wider right covers."""

import yaml

from leadline.model.access import HeldRights, Subject
from leadline.model.unread import Unread
from leadline.scans.access.differences import compare, read_state, state_of, state_text
from leadline.scans.access.target import open_access
from leadline.scans.options import PostureOptions

GROUP = "rbac.authorization.k8s.io"
EVE = Subject("User", "", "eve")


def rule(verbs, resources, groups="core", **more):
    return {
        "verbs": verbs.split(),
        "resources": resources.split(),
        "apiGroups": ["" if one == "core" else one for one in groups.split()],
        **more,
    }


def state(tmp_path, *rules, namespace="", more=()):
    role = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": list(rules),
    }
    metadata = {"name": "b", **({"namespace": namespace} if namespace else {})}
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "User", "apiGroup": GROUP, "name": "eve"}],
    }
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([role, binding, *more]))
    with open_access([str(tmp_path / "all.yaml")], PostureOptions(), with_accounts=True) as target:
        return state_of(target)


def test_rights_of_one_place_are_put_together_whatever_their_rules(tmp_path):
    one = state(tmp_path, rule("get list", "secrets"), rule("get", "configmaps secrets"))
    other = state(tmp_path, rule("list get", "secrets"), rule("get", "configmaps"))
    assert one == other
    assert one.rights == (HeldRights(EVE, verbs={"configmaps": ("get",), "secrets": ("get", "list")}),)


def test_what_is_gained_and_lost_is_named_pair_by_pair(tmp_path):
    found = compare(
        state(tmp_path, rule("get list", "secrets")),
        state(tmp_path, rule("get watch", "secrets"), rule("get", "pods/log")),
    )
    assert found.gained == (HeldRights(EVE, verbs={"pods/log": ("get",), "secrets": ("watch",)}),)
    assert found.lost == (HeldRights(EVE, verbs={"secrets": ("list",)}),)


def test_a_wider_right_covers_a_narrower_one(tmp_path):
    wide = [
        state(tmp_path, rule("*", "*", "*")),
        state(tmp_path, rule("get", "*", "apps")),
        state(tmp_path, rule("get", "deployments/scale", "*")),
        state(tmp_path, rule("get", "*/scale", "apps")),
    ]
    narrow = state(
        tmp_path, rule("get", "deployments/scale", "apps", resourceNames=["web"]), namespace="shop"
    )
    for one in wide:
        assert compare(one, narrow).gained == ()
        assert compare(narrow, one).gained != ()
    assert compare(state(tmp_path, rule("get", "*")), narrow).gained != ()  # the core group alone


def test_pages_are_no_resources(tmp_path):
    pages = state(tmp_path, {"verbs": ["get"], "nonResourceURLs": ["*"]})
    core = state(tmp_path, rule("get", "*"))
    assert compare(core, pages).gained == (HeldRights(EVE, verbs={"/*": ("get",)}),)


def test_someone_who_can_become_admin_is_new_once(tmp_path):
    admin = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "ops"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "ops", "name": "op"}],
    }
    before = state(tmp_path, rule("get", "pods"), more=[admin])
    after = state(tmp_path, rule("create", "pods"), more=[admin])
    further = state(tmp_path, rule("create", "pods serviceaccounts/token"), more=[admin])
    assert compare(before, after).new_subjects == (EVE,)
    assert compare(after, further).new_subjects == ()
    assert [one.way for one in compare(after, further).new_ways] == ["token"]
    assert [one.way for one in compare(after, before).gone_ways] == ["pod"]


def test_a_state_is_read_back_as_it_was_written(tmp_path):
    one = state(tmp_path, rule("create", "pods"), rule("*", "*", "*"))
    (tmp_path / "state.json").write_bytes(state_text(one))
    assert read_state(str(tmp_path / "state.json")) == one


def test_what_was_not_read_on_a_side_is_said_of_it(tmp_path):
    one = state(tmp_path, rule("get", "pods"))
    part = type(one)(
        target="", at="", rights=(), admins=(), unread=(Unread("roles", "forbidden", "forbidden"),)
    )
    assert compare(part, one).unread_before == part.unread
    assert not compare(one, part).is_complete
    assert compare(one, one).is_complete
