"""Pods of the GKE cluster have addresses by routes.

Checks against forged sender addresses are then off for its nodes.

Fix: make a VPC-native cluster: an old one cannot be changed.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    ipAllocationPolicy: {"useIpAliases": false}

Cannot see: firewall rules.

See: https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0079",
    "Cluster is VPC-native",
    problem="Routes in place of alias addresses (GKE)",
    consequence="other",
    score=3.0,
    category="Network",
    kinds=(GKE,),
)
def gke_without_vpc_native(cluster: Resource) -> Violations:
    found = said(cluster, "ipAllocationPolicy.useIpAliases", empty=False)
    if found.value is not True:
        yield found.review("make the cluster anew as a VPC-native one")
