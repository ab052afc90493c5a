"""The kubelet may drop events when many come at once.

A burst is when they matter; what was dropped cannot be looked up afterwards.

Fix: set ``eventRecordQPS`` to a rate that the node really reaches, or to 0 for no limit.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_DROPS_EVENTS = not_built(
    "C-0180",
    "Ensure that the --event-qps argument is set to 0 or a level which ensures appropriate event capture",
    problem="Kubelet drops events",
    consequence="other",
    score=2.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
