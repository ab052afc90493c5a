"""Settings of the kubelet about the node, its processes and what is recorded."""

from leadline.kube.kubelet_settings import is_zero
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Review, Violations
from leadline.posture.control_families import kubelet_control

LEAST = 5
"""Events a second that client libraries allow where nothing is said."""


@kubelet_control(
    "C-0177",
    "Ensure that the --protect-kernel-defaults argument is set to true",
    problem="Kubelet changes kernel settings",
    score=2.0,
    settings=('name: protectKernelDefaults, value: false, origin: default, givenBy: "kubelet v1.36.3"',),
)
def kubelet_changes_kernel_defaults(node: Resource) -> Violations:
    """The kubelet may change kernel settings that it finds different from its own.

    What was hardened on the node can be undone silently at the next start.

    Fix: set ``protectKernelDefaults: true`` and set the values on the node yourself.
    """
    setting = held(node, "protectKernelDefaults")
    if setting.value is not True:
        yield setting.instead("true")


@kubelet_control(
    "C-0180",
    "Ensure that the --event-qps argument is set to 0 or a level which ensures appropriate event capture",
    problem="Kubelet drops events",
    score=2.0,
    settings=('name: eventRecordQPS, value: 1, origin: file, givenBy: "/var/lib/kubelet/config.yaml"',),
)
def kubelet_drops_events(node: Resource) -> Violations:
    """The kubelet may drop events when many come at once.

    A burst is when they matter; what was dropped cannot be looked up afterwards.

    Fix: set ``eventRecordQPS`` to a rate that the node really reaches, or to 0, which leaves it to the
    client library (5 a second).
    """
    setting = held(node, "eventRecordQPS")
    if 0 < setting.value < LEAST:
        yield setting.instead("0")


@kubelet_control(
    "C-0179",
    "Ensure that the --hostname-override argument is not set",
    problem="Kubelet uses another host name",
    score=2.0,
    reference_score=3.0,
    settings=('name: hostnameOverride, value: "node1", origin: flag, givenBy: "--hostname-override"',),
)
def kubelet_hostname_overridden(node: Resource) -> Violations:
    """The kubelet uses another name than its node has.

    Certificates and audit entries then speak of a name that no machine carries, and rules by node name go
    wrong.

    Fix: take ``--hostname-override`` away, unless the cloud needs it.

    Cannot see: why the name was given: kubeadm writes it where the node is called otherwise than its
    machine.
    """
    setting = held(node, "hostnameOverride")
    if setting.value:
        yield Review(setting.place, advice=f"remove --hostname-override={setting.value}"[:500])


@kubelet_control(
    "C-0178",
    "Ensure that the --make-iptables-util-chains argument is set to true",
    problem="Kubelet leaves iptables alone",
    score=2.0,
    reference_score=3.0,
    settings=(
        'name: makeIPTablesUtilChains, value: false, origin: file, givenBy: "/var/lib/kubelet/config.yaml"',
    ),
)
def kubelet_leaves_iptables(node: Resource) -> Violations:
    """The kubelet does not set up the packet filter chains it is meant to.

    Rules written by hand may drop or open traffic that Kubernetes counts on.

    Fix: leave ``makeIPTablesUtilChains`` at ``true``.
    """
    setting = held(node, "makeIPTablesUtilChains")
    if setting.value is not True:
        yield setting.instead("true")


@kubelet_control(
    "L-0037",
    "Ensure that the --seccomp-default parameter is set to true",
    problem="Kubelet has no default seccomp profile",
    consequence="node escape",
    score=4.0,
    settings=('name: seccompDefault, value: false, origin: default, givenBy: "kubelet v1.36.3"',),
    see="https://kubernetes.io/docs/tutorials/security/seccomp/#enable-the-use-of-runtimedefault-as-the-default-seccomp-profile-for-all-workloads",
)
def kubelet_seccomp_not_default(node: Resource) -> Violations:
    """The kubelet runs containers without a seccomp profile where the pod names none.

    With ``seccompDefault`` the runtime's profile is the default, and what a manifest forgets is not left
    open.

    Fix: set ``seccompDefault: true`` in the kubelet's configuration.
    """
    setting = held(node, "seccompDefault")
    if setting.value is not True:
        yield setting.instead("true")


@kubelet_control(
    "C-0176",
    "Ensure that the --streaming-connection-idle-timeout argument is not set to 0",
    problem="Kubelet streams never time out",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    settings=(
        'name: streamingConnectionIdleTimeout, value: "0", origin: flag, givenBy: "--streaming-connection-idle-timeout"',
    ),
)
def kubelet_streams_never_time_out(node: Resource) -> Violations:
    """Idle connections to pods through the kubelet stay open for ever.

    A forgotten ``exec`` session is an open door, and enough of them take up the node's ports.

    Fix: set ``streamingConnectionIdleTimeout`` to some hours at most, never to 0.
    """
    setting = held(node, "streamingConnectionIdleTimeout")
    if is_zero(setting.value):
        yield setting.instead("4h")


@kubelet_control(
    "C-0284",
    "Ensure that the Kubelet is configured to limit pod PIDS",
    problem="Unlimited processes in a pod",
    consequence="availability",
    score=3.0,
    reference_score=2.0,
    settings=('name: podPidsLimit, value: -1, origin: default, givenBy: "kubelet v1.36.3"',),
)
def kubelet_unlimited_processes(node: Resource) -> Violations:
    """A pod may start as many processes as it likes.

    One fork bomb then uses up the process ids of the node, and nothing else can start.

    Fix: set ``podPidsLimit``.
    """
    setting = held(node, "podPidsLimit")
    if setting.value < 0:
        yield setting.instead("4096")
