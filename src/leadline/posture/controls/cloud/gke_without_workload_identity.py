"""Pods of the GKE cluster have no identities of their own in Google Cloud.

They then use keys in Secrets, or the account of the node that all pods share.

Fix: enable Workload Identity Federation and bind service accounts to it.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    workloadIdentityConfig: {"workloadPool": ""}

Cannot see: which workloads use it.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0102",
    "Workload identity is enabled",
    problem="Workload identity is off (GKE)",
    consequence="secrets",
    score=5.0,
    category="Access control",
    kinds=(GKE,),
)
def gke_without_workload_identity(cluster: Resource) -> Violations:
    found = said(cluster, "workloadIdentityConfig.workloadPool", empty="")
    if not found.value:
        yield found.review("enable workload identity")
