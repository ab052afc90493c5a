"""An EKS node runs an operating system that is not made for containers alone.

A general system brings shells, compilers and services that no pod needs; each is something to patch and
something for an intruder to use.

Fix: start nodes from Bottlerocket images, whose root cannot be written to.

Example::

    apiVersion: v1
    kind: Node
    metadata: {name: n1}
    status:
      nodeInfo: {kubeletVersion: v1.35.1, containerRuntimeVersion: "containerd://1.7.20", osImage: "Amazon Linux 2023"}

Cannot see: what the image has been stripped of.

See: https://docs.aws.amazon.com/eks/latest/userguide/eks-optimized-ami-bottlerocket.html
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping, text


@control(
    "C-0226",
    "Prefer using a container-optimized OS when possible",
    problem="General-purpose OS on the nodes",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    kinds=("Node",),
    cloud="EKS",
)
def general_purpose_os(node: Resource) -> Violations:
    if not text(mapping(mapping(node.body.get("status")).get("nodeInfo")).get("osImage")).startswith(
        "Bottlerocket"
    ):
        yield Review("status.nodeInfo.osImage")
