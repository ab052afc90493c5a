"""The AKS cluster was made without a network policy engine.

Policies can be written and change nothing.

Fix: choose Azure, Calico or Cilium policies for the cluster.

See: https://learn.microsoft.com/en-us/azure/aks/use-network-policies
"""

from leadline.posture.control import not_built

AKS_WITHOUT_NETWORK_POLICY = not_built(
    "C-0240",
    "Ensure Network Policy is Enabled and set as appropriate",
    problem="Network policies are off (AKS)",
    consequence="reachable from outside",
    score=5.0,
    reference_score=6.0,
    category="Network",
    needs="the cloud provider's description of the cluster",
    cloud="AKS",
)
