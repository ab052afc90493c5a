"""The network plugin does not enforce network policies.

Policies can then be written and read, and change nothing, without any error.

Fix: use a plugin that enforces them, such as Calico or Cilium.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.posture.control import not_built

PLUGIN_WITHOUT_POLICIES = not_built(
    "C-0205",
    "Ensure that the CNI in use supports Network Policies",
    problem="CNI plugin without network policies",
    consequence="reachable from outside",
    score=5.0,
    reference_score=4.0,
    category="Network",
    needs="files and settings of the nodes",
)
