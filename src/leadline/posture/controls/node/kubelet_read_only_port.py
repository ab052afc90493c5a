"""The kubelet offers its read-only port.

Without any login it shows the pods of the node, their images, addresses and states.

Fix: set ``readOnlyPort: 0``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_READ_ONLY_PORT = not_built(
    "C-0175",
    "Verify that the --read-only-port argument is set to 0",
    problem="Kubelet read-only port is open",
    consequence="reachable from outside",
    score=5.0,
    reference_score=4.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
