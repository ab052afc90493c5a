"""Access to the EKS cluster is kept in a ConfigMap alone.

A typing error in ``aws-auth`` locks everyone out, and changes to it are not logged as access changes.

Fix: move to access entries (authentication mode ``API``).

See: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

from leadline.posture.control import not_built

LEGACY_ACCESS_MANAGEMENT = not_built(
    "C-0285",
    "Cluster Access Manager API to streamline and enhance the management of access controls within EKS clusters",
    problem="Legacy access management (EKS)",
    consequence="cluster takeover",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    needs="the cloud provider's description of the cluster",
    cloud="EKS",
)
