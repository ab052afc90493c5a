"""Users other than root may read or write etcd's static pod manifest.

It shows where the keys to etcd are and which peers are trusted.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

ETCD_MANIFEST_READABLE = not_built(
    "C-0098",
    "Ensure that the etcd pod specification file permissions are set to 600 or more restrictive",
    problem="etcd manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
