"""The kubelet uses another name than its node has.

Certificates and audit entries then speak of a name that no machine carries, and rules by node name go
wrong.

Fix: take ``--hostname-override`` away, unless the cloud needs it.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_HOSTNAME_OVERRIDDEN = not_built(
    "C-0179",
    "Ensure that the --hostname-override argument is not set",
    problem="Kubelet uses another host name",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
