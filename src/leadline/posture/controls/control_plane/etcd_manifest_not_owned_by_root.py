"""Etcd's static pod manifest does not belong to root.

A changed flag here opens the whole store, every Secret in it included, without a password.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

ETCD_MANIFEST_NOT_OWNED_BY_ROOT = not_built(
    "C-0099",
    "Ensure that the etcd pod specification file ownership is set to root:root",
    problem="etcd manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
