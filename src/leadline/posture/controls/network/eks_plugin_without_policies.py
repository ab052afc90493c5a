"""No plugin on the EKS nodes enforces network policies.

The plain VPC plugin joins pods to the network and lets everything through.

Fix: switch network policies on in the VPC plugin, or add Calico or Cilium.

Example::

    apiVersion: apps/v1
    kind: DaemonSet
    metadata: {name: aws-node, namespace: kube-system}
    spec:
      template:
        spec:
          containers:
          - {name: aws-node, image: "602401143452.dkr.ecr.eu-west-1.amazonaws.com/amazon-k8s-cni:v1.20.4"}

Cannot see: clusters in which EKS Auto Mode runs the plugin outside of pods.

See: https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html
"""

from leadline.posture.checks.network_plugins import is_network_plugin, plugin_without_policies
from leadline.posture.control import Inventory, Resource, Review, Violations, control


@control(
    "C-0230",
    "Ensure Network Policy is Enabled and set as appropriate",
    problem="Network policies are off (EKS)",
    consequence="reachable from outside",
    score=5.0,
    reference_score=6.0,
    category="Network",
    kinds=("DaemonSet.apps",),
    reads=("DaemonSet.apps",),
    applies=is_network_plugin,
    cloud="EKS",
)
def network_plugin_of_eks(plugin: Resource, inventory: Inventory) -> Violations:
    if plugin_without_policies(plugin, inventory):
        yield Review("spec.template.spec.containers")
