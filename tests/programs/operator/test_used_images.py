from typing import Any

import pytest
from pods import digest_of, pod, shown

from leadline.api.kinds.scans import NamedSource
from leadline.programs.operator.images.used import UsedImages
from leadline.scans.stored.image_results import RunningContainer

ONE = digest_of(1)


def controller(kind: str, name: str, uid: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "name": name, "uid": uid, "controller": True}


def owned(api_version: str, kind: str, name: str, owner: dict[str, Any] | None) -> dict[str, Any]:
    metadata = {"uid": f"uid-{name}", "name": name, "namespace": "shop"}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {**metadata, **({"ownerReferences": [owner]} if owner else {})},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "app"}]}}},
    }


def used(*bodies: dict[str, Any]) -> UsedImages:
    images = UsedImages()
    for body in bodies:
        images.take(shown(body))
    return images


# A pod, and by what names its image can be had with which Secrets.
SOURCES: dict[str, tuple[dict[str, Any], list[NamedSource], bool]] = {
    "by tag and digest": (
        pod("a", "quay.io/team/app:1", ONE, secrets=("pull",)),
        [NamedSource(f"quay.io/team/app:1@{ONE}", ("shop/pull",))],
        False,
    ),
    "of Docker Hub": (pod("a", "nginx", ONE), [NamedSource(f"docker.io/library/nginx@{ONE}")], False),
    "never pulled": (pod("a", "localhost/app:1", ONE, pulled=False), [NamedSource("localhost/app:1")], True),
    "named by its id": (pod("a", ONE, ONE, pulled=False), [], True),
}


@pytest.mark.parametrize("case", SOURCES)
def test_an_image_is_looked_for_by_the_names_that_pods_and_nodes_give_it(case: str) -> None:
    body, sources, is_id = SOURCES[case]
    (image,) = used(body).now({}).images.values()
    assert (list(image.sources), image.is_id) == (sources, is_id)


def test_a_node_that_knows_the_image_by_another_name_is_asked_about_too() -> None:
    body = pod("a", "quay.io/b:2", ONE, secrets=("pull",))
    body["status"]["containerStatuses"][0]["imageID"] = f"docker-pullable://ghcr.io/a@{ONE}"
    (image,) = used(body).now({}).images.values()
    assert [one.name for one in image.sources] == [f"ghcr.io/a@{ONE}", f"quay.io/b:2@{ONE}"]


def test_secrets_of_one_namespace_go_with_the_names_of_its_own_pods_alone() -> None:
    ours = pod("a", "quay.io/app:1", ONE, secrets=("ours",))
    theirs = pod("b", "evil.example/app:1", ONE, namespace="evil", secrets=("theirs",))
    (image,) = used(ours, theirs).now({}).images.values()
    assert image.sources == (
        NamedSource(f"evil.example/app:1@{ONE}", ("evil/theirs",)),
        NamedSource(f"quay.io/app:1@{ONE}", ("shop/ours",)),
    )


def test_a_pod_counts_for_the_workload_at_the_top() -> None:
    found = used(
        owned("apps/v1", "ReplicaSet", "web-1", controller("Deployment", "web", "d")),
        pod("web-1-x", "quay.io/app:1", ONE, owner=controller("ReplicaSet", "web-1", "uid-web-1")),
        owned("batch/v1", "Job", "often-7", controller("CronJob", "often", "c")),
        pod("often-7-x", "quay.io/app:1", ONE, owner=controller("Job", "often-7", "uid-often-7")),
        pod("static", "quay.io/app:1", ONE, owner=controller("Node", "node1", "n")),
        pod("unknown", "quay.io/app:1", ONE, owner=controller("Sandbox", "box", "s")),
    ).now({"shop/Deployment/web": ("shop/Service/web",)})
    (image,) = found.images.values()
    assert image.workloads == (
        "shop/CronJob/often: main",
        "shop/Deployment/web: main",
        "shop/Pod/static: main",
        "shop/Sandbox/box: main",
    )
    assert image.exposed_by == ("shop/Service/web",)


def test_in_a_rollout_a_container_runs_what_its_newest_pod_runs() -> None:
    rs = controller("StatefulSet", "db", "s")
    old = pod("db-0", "quay.io/db:1", ONE, owner=rs, created="2026-06-01T00:00:00Z")
    new = pod("db-1", "quay.io/db:2", digest_of(2), owner=rs, created="2026-06-02T00:00:00Z")
    for order in ((old, new), (new, old)):
        found = used(*order).now({})
        assert found.containers == {RunningContainer("StatefulSet", "db", "shop", "main"): digest_of(2)}
        assert set(found.images) == {ONE, digest_of(2)}


TRUE = (
    owned("apps/v1", "Deployment", "web", None),
    owned("apps/v1", "ReplicaSet", "web-1", controller("Deployment", "web", "uid-web")),
    owned("apps/v1", "StatefulSet", "db", None),
    pod("web-1-x", "quay.io/app:1", ONE, owner=controller("ReplicaSet", "web-1", "uid-web-1")),
    pod("db-0", "quay.io/db:1", digest_of(2), owner=controller("StatefulSet", "db", "uid-db")),
)


@pytest.mark.parametrize(
    "claimed",
    [
        controller("Deployment", "web", "uid-web"),
        controller("Deployment", "web", "made-up"),
        controller("ReplicaSet", "web-1", "made-up"),
        controller("StatefulSet", "db", "made-up"),
        {**controller("StatefulSet", "db", "made-up"), "apiVersion": "evil.example/v1"},
    ],
)
def test_a_pod_that_claims_a_false_owner_takes_no_ones_place_and_is_shown_by_its_own_name(
    claimed: dict[str, Any],
) -> None:
    """It is the newest, of another image, in a container of the same name."""
    liar = pod("liar", "quay.io/other:1", digest_of(3), owner=claimed, created="2026-07-01T00:00:00Z")
    assert used(*TRUE, liar).now({}).containers == {
        RunningContainer("Deployment", "web", "shop", "main"): ONE,
        RunningContainer("StatefulSet", "db", "shop", "main"): digest_of(2),
        RunningContainer("Pod", "liar", "shop", "main"): digest_of(3),
    }


def test_what_has_ended_or_gone_or_not_begun_runs_nothing() -> None:
    ended = pod("a", "quay.io/app:1", ONE)
    ended["status"]["phase"] = "Succeeded"
    waiting = pod("b", "quay.io/app:1", ONE)
    waiting["status"]["containerStatuses"][0]["imageID"] = ""
    images = used(ended, waiting)
    assert images.now({}).images == {}
    runs = pod("c", "quay.io/app:1", ONE)
    images.take(shown(runs))
    assert set(images.now({}).images) == {ONE}
    images.take(dict.fromkeys(shown(runs)))
    assert images.now({}).images == {}


@pytest.mark.parametrize(
    "image_id", ["", "nonsense", "quay.io/app@sha256:abc", "../../etc", "sha256:" + "g" * 64]
)
def test_what_is_no_digest_names_no_image(image_id: str) -> None:
    body = pod("a", "quay.io/app:1", ONE)
    body["status"]["containerStatuses"][0]["imageID"] = image_id
    assert used(body).now({}).images == {}
