"""Google does not check the workloads of the GKE cluster.

Another pair of eyes is lost; this scan is one as well.

Fix: enable the security posture dashboard.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    securityPostureConfig: {"mode": "DISABLED"}

Cannot see: scanners of others, this one included.

See: https://cloud.google.com/kubernetes-engine/docs/concepts/about-security-posture-dashboard
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0082",
    "Security posture is enabled",
    problem="Security posture is off (GKE)",
    consequence="other",
    score=1.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_without_security_posture(cluster: Resource) -> Violations:
    found = said(cluster, "securityPostureConfig.mode", empty="")
    if found.value not in ("BASIC", "ENTERPRISE"):
        yield found.review("enable the security posture dashboard")
