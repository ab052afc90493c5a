"""EKS does not keep the audit log of the control plane.

Without it nothing says who did what in the cluster.

Fix: enable the log types audit, api and authenticator at least.

Example::

    apiVersion: eks.amazonaws.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    cluster: {"logging": {"clusterLogging": [{"types": ["api"], "enabled": true}, {"types": ["audit", "authenticator", "controllerManager", "scheduler"], "enabled": false}]}}

Cannot see: how long the logs are kept.

See: https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html
"""

from leadline.posture.checks.cloud_clusters import each, said
from leadline.posture.control import Resource, Review, Violations, control
from leadline.posture.fact_kinds import EKS

WANTED = ("api", "audit", "authenticator", "controllerManager", "scheduler")


@control(
    "L-0087",
    "Logs of the EKS control plane are kept",
    problem="Control plane logs are off (EKS)",
    consequence="other",
    score=5.0,
    category="Control plane",
    kinds=(EKS,),
)
def eks_audit_logs(cluster: Resource) -> Violations:
    place = said(cluster, "cluster.logging.clusterLogging").place
    kept: set[str] = set()
    for setup, _ in each(cluster, "cluster.logging.clusterLogging"):
        types = setup.get("types") if setup.get("enabled") is True else None
        kept.update(one for one in types if isinstance(one, str)) if isinstance(types, list) else None
    missing = [one for one in WANTED if one not in kept]
    if missing:
        yield Review(place, advice=f"enable the log types {', '.join(missing)}")
