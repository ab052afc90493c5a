"""The AKS cluster was made without a network policy engine.

Policies can be written and change nothing.

Fix: choose Azure, Calico or Cilium policies for the cluster.

Example::

    apiVersion: management.azure.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    networkProfile: {"networkPlugin": "azure", "networkPolicy": null}

Cannot see: a plugin that you installed yourself (network plugin `none`).

See: https://learn.microsoft.com/en-us/azure/aks/use-network-policies
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import AKS


@control(
    "C-0240",
    "Ensure Network Policy is Enabled and set as appropriate",
    problem="Network policies are off (AKS)",
    consequence="reachable from outside",
    score=5.0,
    reference_score=6.0,
    category="Network",
    kinds=(AKS,),
)
def aks_without_network_policy(cluster: Resource) -> Violations:
    policy = said(cluster, "networkProfile.networkPolicy")
    if policy.value not in ("azure", "calico", "cilium"):
        yield policy.review("choose cilium, calico or azure")
