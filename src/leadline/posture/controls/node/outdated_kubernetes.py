"""A node runs a Kubernetes version that gets no more fixes.

Each minor version is looked after for some fourteen months. Holes found later stay open, and everybody can
read how they work.

Fix: upgrade node by node, one minor version at a time.

Example::

    apiVersion: v1
    kind: Node
    metadata: {name: n1}
    status:
      nodeInfo: {kubeletVersion: v1.33.9, containerRuntimeVersion: "containerd://1.7.20", osImage: "Debian 12"}

Cannot see: fixes that a vendor carries back beyond the usual time; versions that came out after this
release.

See: https://kubernetes.io/releases/
"""

from leadline.kube.version import parse_version
from leadline.posture.control import Resource, Review, Violations, control, mapping, text

OLDEST_SUPPORTED = (1, 34, 0)
"""The oldest minor version that got fixes when this file was last looked at."""


@control(
    "C-0273",
    "Outdated Kubernetes version",
    problem="Outdated Kubernetes",
    consequence="other",
    score=6.0,
    reference_score=2.0,
    category="Control plane",
    kinds=("Node",),
)
def outdated_kubernetes(node: Resource) -> Violations:
    version = parse_version(
        text(mapping(mapping(node.body.get("status")).get("nodeInfo")).get("kubeletVersion"))
    )
    if version is None or version < OLDEST_SUPPORTED:
        yield Review("status.nodeInfo.kubeletVersion")
