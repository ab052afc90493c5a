"""GKE keeps no logs of the cluster.

Without them an attack can neither be seen nor followed afterwards.

Fix: enable logging of system components and workloads.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    loggingConfig: {"componentConfig": {"enableComponents": []}}

Cannot see: logging by other agents; audit logs, which the project decides.

See: https://cloud.google.com/kubernetes-engine/docs/concepts/about-logs
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0083",
    "Logging of the cluster is enabled",
    problem="Cluster logs are not kept (GKE)",
    consequence="other",
    score=4.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_without_logging(cluster: Resource) -> Violations:
    found = said(cluster, "loggingConfig.componentConfig.enableComponents", empty=[])
    if not found.value:
        yield found.review("enable logging of the system components at least")
