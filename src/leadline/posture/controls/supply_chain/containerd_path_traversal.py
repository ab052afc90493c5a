"""A node runs a containerd that can be made to read files of the node.

A crafted image volume gives its container a read-only copy of any file of the node, keys included.

Fix: upgrade containerd to 1.4.13, 1.5.10, 1.6.1 or later.

Example::

    apiVersion: v1
    kind: Node
    metadata: {name: n1}
    status:
      nodeInfo: {kubeletVersion: v1.35.1, containerRuntimeVersion: "containerd://1.5.9", osImage: "Debian 12"}

Cannot see: a fixed build that kept the version number.

See: https://nvd.nist.gov/vuln/detail/CVE-2022-23648
"""

from leadline.kube.version import is_within, parse_version
from leadline.posture.control import Resource, Review, Violations, control, mapping, text

AFFECTED = (("0.0.0", "1.4.13"), ("1.5.0", "1.5.10"), ("1.6.0", "1.6.1"))


@control(
    "C-0087",
    "CVE-2022-23648-containerd-fs-escape",
    problem="containerd exposes files of the node",
    consequence="secrets",
    score=7.0,
    category="Workload",
    kinds=("Node",),
)
def containerd_path_traversal(node: Resource) -> Violations:
    runtime, _, number = text(
        mapping(mapping(node.body.get("status")).get("nodeInfo")).get("containerRuntimeVersion")
    ).partition("://")
    version = parse_version(number)
    if runtime == "containerd" and version is not None and is_within(version, AFFECTED):
        yield Review("status.nodeInfo.containerRuntimeVersion")
