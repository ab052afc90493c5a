"""No node of this EKS cluster is a Fargate one.

Pods that run untrusted code share a kernel with all others of their node; on Fargate each has a small
machine to itself.

Fix: make a Fargate profile for the namespaces that run untrusted code.

Example::

    apiVersion: v1
    kind: Node
    metadata: {name: n1}
    status:
      nodeInfo: {kubeletVersion: v1.35.1, containerRuntimeVersion: "containerd://1.7.20", osImage: "Debian 12"}

Cannot see: whether the cluster runs untrusted code at all.

See: https://docs.aws.amazon.com/eks/latest/userguide/fargate.html
"""

from leadline.posture.control import Inventory, Resource, Review, Violations, control


@control(
    "C-0233",
    "Consider Fargate for running untrusted workloads",
    problem="Untrusted workloads outside Fargate",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    kinds=("Node",),
    cloud="EKS",
)
def no_fargate(node: Resource, inventory: Inventory) -> Violations:
    if not inventory.once("fargate", lambda: any(n.name.startswith("fargate") for n in inventory.of("Node"))):
        yield Review("", advice="run what is not trusted on Fargate, or on nodes with a sandbox")
