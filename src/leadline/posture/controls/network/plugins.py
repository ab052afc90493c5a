"""Whether the network plugin enforces policies."""

from leadline.posture.checks.network_plugins import enforces_no_policies, is_network_plugin
from leadline.posture.control import Inventory, Resource, Review, Violations, control


@control(
    "C-0205",
    "Ensure that the CNI in use supports Network Policies",
    problem="CNI plugin without network policies",
    consequence="reachable from outside",
    score=5.0,
    reference_score=4.0,
    category="Network",
    kinds=("DaemonSet.apps",),
    reads=("DaemonSet.apps",),
    applies=is_network_plugin,
    see="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
)
def plugin_without_policies(plugin: Resource, inventory: Inventory) -> Violations:
    """The network plugin does not enforce network policies.

    Policies can then be written and read, and change nothing, without any error.

    Fix: use a plugin that enforces them, such as Calico or Cilium.

    Example::

        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: kube-flannel-ds, namespace: kube-flannel}
        spec:
          template:
            spec:
              containers:
              - {name: kube-flannel, image: "ghcr.io/flannel-io/flannel:v0.27.4"}

    Cannot see: plugins that no DaemonSet brings, and those that are not known here.
    """
    if enforces_no_policies(plugin, inventory):
        yield Review("spec.template.spec.containers")


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
    see="https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html",
)
def eks_plugin_without_policies(plugin: Resource, inventory: Inventory) -> Violations:
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
    """
    if enforces_no_policies(plugin, inventory):
        yield Review("spec.template.spec.containers")
