"""A manifest puts a workload into ``kube-system``, ``kube-public`` or ``kube-node-lease``.

Policies leave these namespaces out, and who may work in one of them can reach the cluster's own components. Of
``kube-public`` everyone may read.

Fix: give the application a namespace of its own. Agents that belong to the cluster may stay; waive them by name.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: kube-public}
    spec:
      containers:
      - name: web
        image: nginx:1.27

Cannot see: which workloads of a cluster its installer put there; clusters are not judged, files are.

See: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
"""

from leadline.posture.control import Inventory, NotJudged, Review, Violations, Workload, control

NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")


@control(
    "L-0034",
    "Applications live outside the namespaces of Kubernetes",
    problem="Application in a system namespace",
    consequence="other",
    score=3.0,
    category="Workload",
)
def pod_in_system_namespace(workload: Workload, inventory: Inventory) -> Violations:
    if inventory.is_whole:
        raise NotJudged("in a cluster these namespaces hold what the installer put there")
    is_of_node = workload.kind == "DaemonSet" or workload.pod.get("priorityClassName") in PRIORITIES
    if workload.namespace in NAMESPACES and not is_of_node:
        yield Review("metadata.namespace", on=workload.resource.id)


PRIORITIES = ("system-node-critical", "system-cluster-critical")
"""What components of a cluster run with, the static Pods of the control plane among them."""
