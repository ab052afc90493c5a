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

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.posture.checks.network_plugins import is_network_plugin, plugin_without_policies
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
)
def network_plugin(plugin: Resource, inventory: Inventory) -> Violations:
    if plugin_without_policies(plugin, inventory):
        yield Review("spec.template.spec.containers")
