"""No plugin on the EKS nodes enforces network policies.

The plain VPC plugin joins pods to the network and lets everything through.

Fix: switch network policies on in the VPC plugin, or add Calico or Cilium.

See: https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html
"""

from leadline.posture.control import not_built

EKS_PLUGIN_WITHOUT_POLICIES = not_built(
    "C-0230",
    "Ensure Network Policy is Enabled and set as appropriate",
    problem="Network policies are off (EKS)",
    consequence="reachable from outside",
    score=5.0,
    reference_score=6.0,
    category="Network",
    needs="files and settings of the nodes",
    cloud="EKS",
)
