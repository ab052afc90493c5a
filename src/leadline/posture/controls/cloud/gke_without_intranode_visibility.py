"""Traffic between pods of one GKE node does not pass the network of the project.

Flow logs and firewall rules do not see it.

Fix: enable intranode visibility, and flow logs of the subnet.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    networkConfig: {"enableIntraNodeVisibility": false}

Cannot see: flow logs, which the subnet decides.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/intranode-visibility
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0078",
    "Traffic within a node is visible",
    problem="Traffic within nodes is unseen (GKE)",
    consequence="other",
    score=2.0,
    category="Network",
    kinds=(GKE,),
)
def gke_without_intranode_visibility(cluster: Resource) -> Violations:
    found = said(cluster, "networkConfig.enableIntraNodeVisibility", empty=False)
    if found.value is not True:
        yield found.review("enable intranode visibility")
