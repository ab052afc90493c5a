"""The kubelet runs containers without a seccomp profile where the pod names none.

With ``seccompDefault`` the runtime's profile is the default, and what a manifest forgets is not left open.

Fix: set ``seccompDefault: true`` in the kubelet's configuration.

See: https://kubernetes.io/docs/tutorials/security/seccomp/#enable-the-use-of-runtimedefault-as-the-default-seccomp-profile-for-all-workloads
"""

from leadline.posture.control import not_built

KUBELET_SECCOMP_NOT_DEFAULT = not_built(
    "L-0037",
    "Ensure that the --seccomp-default parameter is set to true",
    problem="Kubelet has no default seccomp profile",
    consequence="node escape",
    score=4.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
