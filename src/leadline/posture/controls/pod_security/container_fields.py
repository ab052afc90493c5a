"""Fields of containers that the Pod Security Standards speak of."""

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
    sequence,
    text,
)
from leadline.posture.control_families import pod_control

ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def is_for_linux(container: Container) -> bool:
    return not container.workload.is_windows and not names_windows(container.workload)


ALLOWED = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
HANDLERS = (
    ("livenessProbe", "livenessProbe", ""),
    ("readinessProbe", "readinessProbe", ""),
    ("startupProbe", "startupProbe", ""),
    ("lifecycle.postStart", "lifecycle", "postStart"),
    ("lifecycle.preStop", "lifecycle", "preStop"),
)
"""Each with its path taken apart."""
TYPES = frozenset(["", "container_t", "container_init_t", "container_kvm_t"])
USER = 1000


@pod_control(
    "L-0013",
    "AppArmor is not switched off",
    problem="AppArmor is switched off",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
    container=("securityContext: {appArmorProfile: {type: Unconfined}}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def apparmor_unconfined(workload: Workload) -> Violations:
    """The pod switches AppArmor off, or names a profile of an unknown type.

    Where nodes have AppArmor, the runtime's profile keeps a container from writing to the kernel's settings
    and from mounting file systems. ``Unconfined`` takes that away.

    Fix: set the type to ``RuntimeDefault``, or take the setting out.

    Cannot see: whether the nodes have AppArmor.
    """
    for path, context in contexts_of(workload):
        profile = context.get("appArmorProfile")
        if isinstance(profile, dict) and profile.get("type") not in CONFINED:
            yield Set(f"{path}.appArmorProfile.type", CONFINED[0])
    for key, value in workload.annotations.items():
        if str(key).startswith(ANNOTATION) and not is_confined(str(value)):
            yield Review(f"{workload.path}metadata.annotations[{key}]", on=workload.resource.id)


def is_confined(profile: str) -> bool:
    return profile in ("", "runtime/default") or profile.startswith("localhost/")


@pod_control(
    "L-0019",
    "Capabilities within the restricted standard",
    problem="Capabilities are not dropped",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
    applies=is_for_linux,
    container=("securityContext: {capabilities: {drop: [NET_RAW]}}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def capabilities_not_dropped(container: Container) -> Violations:
    """The container keeps capabilities that the restricted standard takes away.

    A runtime gives a container some fourteen of root's rights. Few programs need one: opening a port below
    1024 is the only one that the standard lets them keep.

    Fix: set ``capabilities: {drop: [ALL]}``, and add ``NET_BIND_SERVICE`` where a low port is opened.

    Cannot see: what a mutating admission webhook changes before the rule is asked.
    """
    dropped = sequence(container.capabilities.get("drop"))
    if "ALL" not in dropped:
        place = f"securityContext.capabilities.drop[{len(dropped)}]"
        yield Review("securityContext", advice=OF_DEBUGGING) if container.is_ephemeral else Set(place, "ALL")
    for i, name in enumerate(sequence(container.capabilities.get("add"))):
        if name != "NET_BIND_SERVICE":
            yield Remove(f"securityContext.capabilities.add[{i}]")


@pod_control(
    "L-0011",
    "Added capabilities within the baseline standard",
    problem="Capability beyond the baseline",
    consequence="node escape",
    score=5.0,
    category="Workload / Node escape",
    container=("securityContext: {capabilities: {add: [NET_ADMIN]}}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def capability_beyond_baseline(container: Container) -> Violations:
    """The container adds a capability that the baseline standard does not allow.

    The standard allows those that a container runtime gives by itself. Each of the others reaches the node
    in some way: its network, its clock, its kernel, other processes. Names are taken as the API server
    takes them: upper case, without ``CAP_``.

    Fix: take the capability out, or run the program where the node is meant to be changed.

    Cannot see: what a mutating admission webhook changes before the rule is asked.
    """
    for i, name in enumerate(sequence(container.capabilities.get("add"))):
        if not isinstance(name, str) or name not in ALLOWED:
            yield Remove(f"securityContext.capabilities.add[{i}]")


@pod_control(
    "L-0012",
    "Probes and lifecycle hooks ask the pod itself",
    problem="Probe of another host",
    score=3.0,
    category="Workload / Node escape",
    container=("livenessProbe: {httpGet: {path: /, port: 80, host: 169.254.169.254}}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def probe_to_another_host(container: Container, inventory: Inventory) -> Violations:
    """A probe or lifecycle hook names a host of its own, so that the kubelet asks another address than the pod's.

    The kubelet then sends requests from the node's network wherever the manifest says: to the cloud's
    metadata service, or to what listens on the node alone. The rule is part of the standard since
    Kubernetes 1.34.

    Fix: take ``host`` out; the kubelet asks the pod.

    Cannot see: what a mutating admission webhook changes before the rule is asked.
    """
    for handler, outer, inner in HANDLERS:
        said = container.body.get(outer)
        if not isinstance(said, dict):
            continue
        said = mapping(said.get(inner)) if inner else said
        for way in ("httpGet", "tcpSocket"):
            if text(mapping(said.get(way)).get("host")) and is_at_least(inventory, 1, 34):
                yield Remove(f"{handler}.{way}.host")


@pod_control(
    "L-0015",
    "The runtime masks /proc",
    problem="/proc is not masked",
    consequence="node escape",
    score=6.0,
    category="Workload / Node escape",
    container=("securityContext: {procMount: Unmasked}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def proc_unmasked(container: Container, inventory: Inventory) -> Violations:
    """The container sees the kernel's files below ``/proc`` without the runtime's mask.

    The mask hides files through which a container can read the node's memory or change its kernel. In a pod
    with a user namespace of its own, ``hostUsers: false``, root is another user to those files, and the
    rule does not ask (since 1.35).

    Fix: take ``procMount`` out.

    Cannot see: what a mutating admission webhook changes before the rule is asked.
    """
    mount = container.security_context.get("procMount")
    if mount not in (None, "Default") and not has_user_namespace(container.workload, inventory):
        yield Remove("securityContext.procMount")


@pod_control(
    "L-0023",
    "The runtime masks /proc in user namespaces too",
    problem="/proc not masked in a user namespace",
    consequence="node escape",
    score=3.0,
    category="Workload / Node escape",
    pod=("hostUsers: false",),
    container=("securityContext: {procMount: Unmasked}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def proc_unmasked_in_user_namespace(container: Container, inventory: Inventory) -> Violations:
    """The container sees the kernel's files below ``/proc`` without the runtime's mask, in a user namespace of its own.

    That is what containers in containers need, and the baseline standard lets it pass; the restricted one
    does not.

    Fix: take ``procMount`` out.

    Cannot see: what a mutating admission webhook changes before the rule is asked.
    """
    mount = container.security_context.get("procMount")
    if mount not in (None, "Default") and has_user_namespace(container.workload, inventory):
        yield Remove("securityContext.procMount")


@pod_control(
    "L-0014",
    "SELinux types within the baseline standard",
    problem="SELinux type, user or role not allowed",
    consequence="node escape",
    score=5.0,
    category="Workload / Node escape",
    container=("securityContext: {seLinuxOptions: {type: spc_t}}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def selinux_type_not_allowed(workload: Workload, inventory: Inventory) -> Violations:
    """The pod asks for an SELinux type that is not one for containers, or for a user or role.

    A type such as ``spc_t`` or ``unconfined_t`` lets the process reach the files of the node as if it ran
    there.

    Fix: use ``container_t``, ``container_init_t``, ``container_kvm_t`` or ``container_engine_t``, and leave
    user and role out.

    Cannot see: what the named types allow on the nodes.
    """
    for path, context in contexts_of(workload):
        options = mapping(context.get("seLinuxOptions"))
        kind = text(options.get("type"))
        is_engine = kind == "container_engine_t" and is_at_least(inventory, 1, 31)
        if kind not in TYPES and not is_engine:
            yield Remove(f"{path}.seLinuxOptions.type")
        for field in ("user", "role"):
            if options.get(field):
                yield Remove(f"{path}.seLinuxOptions.{field}")


@pod_control(
    "L-0021",
    "No container names user 0",
    problem="User 0 is named",
    consequence="node escape",
    score=6.0,
    category="Workload / Node escape",
    container=("securityContext: {runAsUser: 0}",),
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def user_zero(workload: Workload, inventory: Inventory) -> Violations:
    """The pod or a container says that it runs as user 0, which is root.

    The rule asks about the number alone; whether the image runs as root by itself is C-0013's question. In
    a pod with a user namespace of its own, ``hostUsers: false``, the rule does not ask (since 1.35).

    Fix: name a user above 0.

    Cannot see: which user the image names.
    """
    if not has_user_namespace(workload, inventory):
        for path, context in contexts_of(workload):
            user = context.get("runAsUser")
            if user == 0 and not isinstance(user, bool):
                yield Set(f"{path}.runAsUser", USER)
