"""Objects that real controllers make, on a node where the pods run."""

from collections.abc import Iterator
from typing import Any

import pytest
from whole_cluster import IMAGE, NODE, WholeCluster

from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.sources.cluster.connection import Cluster, connect
from leadline.sources.cluster.rbac import ANY_WORKLOAD
from leadline.sources.cluster.reader import read_cluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
def cluster(whole_cluster: WholeCluster) -> Iterator[Cluster]:
    found = connect(kubeconfig=whole_cluster.admin(), environ={})
    yield found
    found.close()


def pod_spec(*command: str, **fields: Any) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "command": list(command or ("/bin/sleep", "86400"))}
    return {"terminationGracePeriodSeconds": 0, "containers": [container], **fields}


def an_object(api_version: str, kind: str, namespace: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def templated(**fields: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(**fields)}
    return {"selector": {"matchLabels": labels}, "template": template}


def test_what_controllers_make_is_judged_once_at_its_owner(
    whole_cluster: WholeCluster, cluster: Cluster
) -> None:
    space = whole_cluster.namespace("made")
    once = {"template": {"spec": pod_spec("/bin/true", restartPolicy="Never")}}
    whole_cluster.apply(
        an_object("apps/v1", "Deployment", space, "web", {**templated(), "replicas": 2}),
        an_object("apps/v1", "StatefulSet", space, "store", {**templated(), "serviceName": "store"}),
        an_object("apps/v1", "DaemonSet", space, "agent", templated(hostNetwork=True)),
        an_object("batch/v1", "Job", space, "once", once),
        an_object(
            "batch/v1", "CronJob", space, "often", {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": once}}
        ),
        an_object("v1", "Pod", space, "bare", pod_spec()),
    )
    whole_cluster.kubectl("create", "job", "-n", space, "--from=cronjob/often", "often-now")
    whole_cluster.kubectl("rollout", "status", "-n", space, "deployment/web", "--timeout=300s")
    whole_cluster.kubectl("set", "env", "-n", space, "deployment/web", "REVISION=2")
    for name in ("deployment/web", "statefulset/store", "daemonset/agent"):
        whole_cluster.kubectl("rollout", "status", "-n", space, name, "--timeout=300s")
    whole_cluster.kubectl("wait", "-n", space, "--for=condition=complete", "job", "--all", "--timeout=300s")
    snapshot = read_cluster(cluster, {ANY_WORKLOAD}, include_namespaces=[space])
    assert sorted(r.title for r in snapshot.resources) == [
        "made/CronJob/often",
        "made/DaemonSet/agent",
        "made/Deployment/web",
        "made/Job/once",
        "made/Pod/bare",
        "made/StatefulSet/store",
    ]
    assert snapshot.unread == ()
    assert snapshot.listed["ReplicaSet.apps"] == 2
    assert snapshot.listed["Pod"] >= 7
    assert snapshot.owned == snapshot.objects - len(snapshot.resources)


def test_a_pod_that_claims_a_false_owner_is_judged(whole_cluster: WholeCluster, cluster: Cluster) -> None:
    space = whole_cluster.namespace("false")
    whole_cluster.apply(an_object("apps/v1", "Deployment", space, "web", templated()))
    uid = whole_cluster.kubectl("get", "-n", space, "deployment", "web", "-o", "jsonpath={.metadata.uid}")
    pod = an_object("v1", "Pod", space, "hidden", pod_spec(hostPID=True))
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": uid, "controller": True}
    pod["metadata"]["ownerReferences"] = [owner]
    whole_cluster.apply(pod)
    titles = [r.title for r in read_cluster(cluster, {ANY_WORKLOAD}, include_namespaces=[space]).resources]
    assert titles == ["false/Deployment/web", "false/Pod/hidden"]


def test_orphans_of_a_deleted_owner_are_judged(whole_cluster: WholeCluster, cluster: Cluster) -> None:
    space = whole_cluster.namespace("orphans")
    whole_cluster.apply(an_object("apps/v1", "Deployment", space, "web", templated()))
    whole_cluster.kubectl("rollout", "status", "-n", space, "deployment/web", "--timeout=300s")
    whole_cluster.kubectl("delete", "-n", space, "deployment", "web", "--cascade=orphan")
    (orphan,) = read_cluster(cluster, {ANY_WORKLOAD}, include_namespaces=[space]).resources
    assert (orphan.kind, orphan.namespace) == ("ReplicaSet", space)


def test_the_node_tells_its_versions(whole_cluster: WholeCluster, cluster: Cluster) -> None:
    (node,) = read_cluster(cluster, {"Node"}).resources
    assert node.name == NODE
    assert set(node.body["status"]) == {"nodeInfo", "addresses"}
    assert node.body["status"]["nodeInfo"]["kubeletVersion"] == cluster.server_version


def test_the_pods_really_run(whole_cluster: WholeCluster) -> None:
    whole_cluster.namespace("running")
    whole_cluster.apply(an_object("v1", "Pod", "running", "shell", pod_spec()))
    whole_cluster.kubectl("wait", "-n", "running", "--for=condition=Ready", "pod/shell", "--timeout=300s")
    assert whole_cluster.kubectl("exec", "-n", "running", "shell", "--", "/bin/id", "-u").strip() == "0"


def test_a_whole_cluster_is_judged_with_every_control(whole_cluster: WholeCluster, cluster: Cluster) -> None:
    kinds = {"Namespace", "Node", "Service", "ServiceAccount", "ConfigMap", "Secret", ANY_WORKLOAD}
    rbac = {
        f"{kind}.rbac.authorization.k8s.io"
        for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    }
    snapshot = read_cluster(cluster, kinds | rbac)
    judgement = judge(snapshot.resources, load_controls())
    assert snapshot.unread == ()
    assert judgement.unread == ()
    assert judgement.findings
