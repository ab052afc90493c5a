"""Idle connections to pods through the kubelet stay open for ever.

A forgotten ``exec`` session is an open door, and enough of them take up the node's ports.

Fix: set ``streamingConnectionIdleTimeout`` to some hours at most, never to 0.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_STREAMS_NEVER_TIME_OUT = not_built(
    "C-0176",
    "Ensure that the --streaming-connection-idle-timeout argument is not set to 0",
    problem="Kubelet streams never time out",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
