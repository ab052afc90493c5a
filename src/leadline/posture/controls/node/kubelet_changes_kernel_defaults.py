"""The kubelet may change kernel settings that it finds different from its own.

What was hardened on the node can be undone silently at the next start.

Fix: set ``protectKernelDefaults: true`` and set the values on the node yourself.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_CHANGES_KERNEL_DEFAULTS = not_built(
    "C-0177",
    "Ensure that the --protect-kernel-defaults argument is set to true",
    problem="Kubelet changes kernel settings",
    consequence="other",
    score=2.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
