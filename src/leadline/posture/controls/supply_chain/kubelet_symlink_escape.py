"""A volume is mounted by ``subPath`` in a cluster whose kubelet follows links out of it.

Anyone who may create pods can put a symbolic link into the volume at the right moment and so mount any folder
of the node (CVE-2021-25741).

Fix: upgrade the nodes to 1.19.15, 1.20.11, 1.21.5, 1.22.2 or later; until then mount whole volumes.

Example::

    apiVersion: v1
    kind: Node
    metadata: {name: n1}
    status:
      nodeInfo: {kubeletVersion: v1.21.4, containerRuntimeVersion: "containerd://1.7.20", osImage: "Debian 12"}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        volumeMounts:
        - {name: d, mountPath: /d, subPath: a}

Cannot see: which node the pod runs on: one affected node is enough for a finding.

See: https://nvd.nist.gov/vuln/detail/CVE-2021-25741
"""

from leadline.kube.version import is_within, parse_version
from leadline.posture.control import (
    Container,
    Inventory,
    NotJudged,
    Remove,
    Resource,
    Violations,
    control,
    mapping,
    text,
)

AFFECTED = (("0.0.0", "1.19.15"), ("1.20.0", "1.20.11"), ("1.21.0", "1.21.5"), ("1.22.0", "1.22.2"))


@control(
    "C-0058",
    "CVE-2021-25741 - Using symlink for arbitrary host file system access.",
    problem="Kubelet lets volumes escape by symlink",
    consequence="node escape",
    score=6.0,
    category="Workload",
    reads=("Node",),
)
def kubelet_symlink_escape(container: Container, inventory: Inventory) -> Violations:
    if not inventory.of("Node"):
        raise NotJudged("no Node was read, and its kubelet's version decides")
    for m, mount in container.mounts:
        node = mount.get("subPath") and inventory.once("CVE-2021-25741", lambda: affected_node(inventory))
        if node:
            inventory.rest_on(node)
            yield Remove(f"volumeMounts[{m}].subPath")


def affected_node(inventory: Inventory) -> Resource | None:
    for node in inventory.of("Node"):
        version = parse_version(
            text(mapping(mapping(node.body.get("status")).get("nodeInfo")).get("kubeletVersion"))
        )
        if version is not None and is_within(version, AFFECTED):
            return node
    return None
