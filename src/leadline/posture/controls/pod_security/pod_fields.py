"""Fields of pods that the Pod Security Standards speak of."""

from leadline.posture.checks.container_security import OF_DEBUGGING
from leadline.posture.checks.pod_security_standards import (
    CONFINED,
    contexts_of,
    has_user_namespace,
    is_at_least,
    names_windows,
)
from leadline.posture.control import (
    Container,
    Inventory,
    Remove,
    Review,
    Set,
    Violations,
    Workload,
    mapping,
    mappings,
    sequence,
    text,
)
from leadline.posture.control_families import pod_control

SAFE: tuple[tuple[int, frozenset[str]], ...] = (
    (
        0,
        frozenset(
            [
                "kernel.shm_rmid_forced",
                "net.ipv4.ip_local_port_range",
                "net.ipv4.ip_unprivileged_port_start",
                "net.ipv4.ping_group_range",
                "net.ipv4.tcp_syncookies",
            ]
        ),
    ),
    (27, frozenset(["net.ipv4.ip_local_reserved_ports"])),
    (
        29,
        frozenset(
            [
                "net.ipv4.tcp_fin_timeout",
                "net.ipv4.tcp_keepalive_intvl",
                "net.ipv4.tcp_keepalive_probes",
                "net.ipv4.tcp_keepalive_time",
            ]
        ),
    ),
    (32, frozenset(["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"])),
)
"""Minor number of the release to what is safe since then."""
ALLOWED = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
)


def is_for_windows(workload: Workload) -> bool:
    return workload.is_windows


@pod_control(
    "L-0020",
    "Containers are required to run without root",
    problem="Non-root is not required",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
    pod=("securityContext: {runAsUser: 1000}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def non_root_not_required(workload: Workload, inventory: Inventory) -> Violations:
    """Nothing makes the kubelet refuse the container should its image run as root.

    ``runAsUser`` chooses a user; ``runAsNonRoot: true`` makes the kubelet check it, whatever the image says
    tomorrow. In a pod with a user namespace of its own, ``hostUsers: false``, the rule does not ask (since
    1.35).

    Fix: set ``runAsNonRoot: true`` on the pod, and take ``false`` out of containers.

    Cannot see: which user the image names.
    """
    if has_user_namespace(workload, inventory):
        return
    of_pod = workload.security_context.get("runAsNonRoot")
    if of_pod is False:
        yield Set("securityContext.runAsNonRoot", True)
    for container in workload.containers:
        own = container.security_context.get("runAsNonRoot")
        if own is True or (own is None and of_pod is True):
            continue
        if container.is_ephemeral:
            yield Review(f"{container.place}securityContext", advice=OF_DEBUGGING)
        else:
            yield Set(f"{container.place}securityContext.runAsNonRoot", True)


@pod_control(
    "L-0016",
    "Seccomp is not switched off",
    problem="Seccomp is switched off",
    consequence="node escape",
    score=5.0,
    category="Workload / Node escape",
    pod=("securityContext: {seccompProfile: {type: Unconfined}}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def seccomp_unconfined(workload: Workload) -> Violations:
    """The pod switches seccomp off for itself or for a container.

    Saying nothing leaves the choice to the node; ``Unconfined`` takes the filter on kernel calls away
    wherever it is on.

    Fix: set the type to ``RuntimeDefault``, or to ``Localhost`` with a profile that is narrower still.

    Cannot see: what a profile of type ``Localhost`` holds.
    """
    for path, context in contexts_of(workload):
        profile = context.get("seccompProfile")
        if isinstance(profile, dict) and profile.get("type") not in CONFINED:
            yield Set(f"{path}.seccompProfile.type", CONFINED[0])


@pod_control(
    "L-0017",
    "Kernel settings within the baseline standard",
    problem="Unsafe kernel setting (sysctl)",
    consequence="node escape",
    score=5.0,
    category="Workload / Node escape",
    pod=('securityContext: {sysctls: [{name: kernel.msgmax, value: "65536"}]}',),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def unsafe_sysctl(workload: Workload, inventory: Inventory) -> Violations:
    """The pod changes a kernel setting that is not kept to its own namespaces, or that the standard does not list.

    Such a setting can be the whole node's: it may starve other pods, or weaken them. Which ones are safe
    depends on the release of Kubernetes.

    Fix: take it out, or set it on the nodes that need it.

    Cannot see: which unsafe settings the kubelets allow.
    """
    for i, sysctl in mappings(workload.security_context.get("sysctls")):
        name = text(sysctl.get("name"))
        if not any(name in names and is_at_least(inventory, 1, minor) for minor, names in SAFE):
            yield Remove(f"securityContext.sysctls[{i}]")


@pod_control(
    "L-0018",
    "Volume types within the restricted standard",
    problem="Volume type not allowed",
    score=2.0,
    category="Workload / Node escape",
    pod=("volumes: [{name: data, nfs: {server: nfs.example, path: /}}]",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def volume_type_not_allowed(workload: Workload) -> Violations:
    """The pod mounts a volume of a type that reaches storage or the node by itself.

    The restricted standard allows what Kubernetes hands over (ConfigMaps, Secrets, downward API, empty
    folders, images) and what an administrator provisions (claims, CSI). Other types name a server or a
    folder in the pod itself, so that a user who may create pods chooses it.

    Fix: ask for the storage through a claim.

    Cannot see: what is behind a claim.
    """
    for i, volume in workload.volumes:
        others = volume.keys() - {"name"}  # an entry without a type is an empty folder to the API server
        if others and all(volume.get(kind) is None for kind in ALLOWED):
            yield Review(f"volumes[{i}]")


@pod_control(
    "L-0010",
    "Windows host processes",
    problem="Windows host process",
    consequence="node escape",
    score=8.0,
    category="Workload / Node escape",
    pod=(
        "os: {name: windows}",
        "hostNetwork: true",
        "securityContext: {windowsOptions: {hostProcess: true}}",
    ),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def windows_host_process(workload: Workload) -> Violations:
    """The container is a process of its Windows node.

    It sees the node's files, services and network and may run as its system account; nothing of a container
    is left but the name. The rule holds whether or not the pod says that it is for Windows.

    Fix: take ``hostProcess`` out; keep such pods to agents that look after the node, in a namespace of
    their own.

    Cannot see: what a mutating admission webhook changes before the rule is asked.
    """
    for path, context in contexts_of(workload):
        if mapping(context.get("windowsOptions")).get("hostProcess") is True:
            yield Set(f"{path}.windowsOptions.hostProcess", False)


@pod_control(
    "L-0022",
    "Windows pods name their operating system",
    problem="Windows pod without os: windows",
    score=2.0,
    category="Workload / Node escape",
    applies=is_for_windows,
    pod=("nodeSelector: {kubernetes.io/os: windows}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def windows_not_named(workload: Workload) -> Violations:
    """The pod is for Windows nodes by its node selector, and does not say ``os: {name: windows}``.

    The API server then takes it for a Linux pod: the restricted standard refuses it for lack of settings
    that Windows does not have, and no check keeps Linux settings out of it.

    Fix: set ``os: {name: windows}``.

    Cannot see: whether the namespace enforces a standard.
    """
    if not names_windows(workload) and not all(map(is_hardened, workload.containers)):
        yield Set("os.name", "windows")


def is_hardened(container: Container) -> bool:
    """Whether it has the settings that the restricted standard asks of Linux pods alone."""
    own = container.security_context
    added = sequence(container.capabilities.get("add"))
    return (
        own.get("allowPrivilegeEscalation") is False
        and "ALL" in sequence(container.capabilities.get("drop"))
        and all(name == "NET_BIND_SERVICE" for name in added)
        and mapping(container.effective("seccompProfile")).get("type") in CONFINED
    )
