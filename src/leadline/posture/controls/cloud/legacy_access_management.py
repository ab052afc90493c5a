"""Access to the EKS cluster is kept in a ConfigMap alone.

A typing error in ``aws-auth`` locks everyone out, and changes to it are not logged as access changes.

Fix: move to access entries (authentication mode ``API``).

Example::

    apiVersion: eks.amazonaws.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    cluster: {"accessConfig": {"authenticationMode": "CONFIG_MAP"}}

Cannot see: whether entries of the ConfigMap are still in use.

See: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import EKS


@control(
    "C-0285",
    "Cluster Access Manager API to streamline and enhance the management of access controls within EKS clusters",
    problem="Legacy access management (EKS)",
    consequence="cluster takeover",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    kinds=(EKS,),
)
def legacy_access_management(cluster: Resource) -> Violations:
    mode = said(cluster, "cluster.accessConfig.authenticationMode")
    if mode.value == "CONFIG_MAP":
        yield mode.review("set the authentication mode to API")
