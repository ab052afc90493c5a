"""What a container may do that reaches beyond it."""

from collections.abc import Iterator

from leadline.packages.late_pattern import late_pattern
from leadline.posture.checks.container_security import privileged, runs_linux
from leadline.posture.checks.container_security import root_user as may_be_root
from leadline.posture.control import (
    WORKLOADS,
    Container,
    Inventory,
    Remove,
    Resource,
    Review,
    Set,
    Violations,
    Workload,
    control,
)
from leadline.posture.control_families import pod_control
from leadline.posture.index import Filed, Index

SUDO = late_pattern(r"(?:^|[\s;&|(`/])sudo(?:$|[\s;&|)`])")
OF_OPENSHIFT = frozenset({"privileged", "node-exporter"})


@pod_control(
    "C-0057",
    "Privileged container",
    problem="Privileged container",
    consequence="node escape",
    score=9.0,
    reference_score=8.0,
    category="Workload / Node escape",
    container=("securityContext:", "  privileged: true"),
    name="shell",
    namespace="",
    image="busybox:1.36",
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def privileged_container(container: Container) -> Violations:
    """A privileged container keeps every capability and sees the devices of its node.

    Anyone who controls the process controls the node: it can mount the node's disks, load kernel modules and
    reach every other container. ``SYS_ADMIN``, or ``ALL`` capabilities, open the same door and count as well.

    Fix: take the setting out, and grant the single capability or device that the program needs.

    Cannot see: privileges that a runtime class or an admission webhook adds later.
    """
    yield from privileged(container)


@pod_control(
    "C-0046",
    "Insecure capabilities",
    problem="Dangerous capability added",
    consequence="node escape",
    score=7.0,
    category="Workload / Node escape",
    container=("securityContext:", "  capabilities: {add: [NET_ADMIN]}"),
    name="router",
    namespace="",
    image="registry.example/router:7",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
def insecure_capabilities(
    container: Container,
    *,
    insecure_capabilities: tuple[str, ...] = (
        "SETPCAP",
        "NET_ADMIN",
        "NET_RAW",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_PTRACE",
        "SYS_ADMIN",
        "SYS_BOOT",
        "MAC_OVERRIDE",
        "MAC_ADMIN",
        "PERFMON",
        "ALL",
        "BPF",
    ),
) -> Violations:
    """A container is given kernel rights that reach beyond it.

    Each capability is a piece of root: ``SYS_PTRACE`` reads other processes, ``NET_ADMIN`` changes routes and
    firewalls, ``SYS_MODULE`` loads code into the kernel, ``BPF`` and ``PERFMON`` watch the whole node.

    Fix: drop ``ALL`` and add back only what the program fails without; most need none, web servers ``NET_BIND_SERVICE``.

    Cannot see: capabilities that programs in the image carry as file attributes.
    """
    for i, capability in container.added_capabilities:
        if capability in insecure_capabilities:
            path = f"securityContext.capabilities.add[{i}]"
            yield Review(path) if container.is_ephemeral else Remove(path)


@control(
    "C-0013",
    "Non-root containers",
    problem="Container may run as root",
    consequence="node escape",
    score=6.0,
    category="Workload / Node escape",
    applies=runs_linux,
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
def root_user(container: Container) -> Violations:
    """A container may run as root, or in root's group.

    Root inside a container is root to the kernel: one hole in the runtime, one file of the node mounted by
    mistake, and the whole node is lost. A user id without a group id leaves the process in group 0, which
    owns most of what an image's builder left writable.

    Fix: build the image with a numeric ``USER``, then say so: ``runAsNonRoot: true`` and a ``runAsGroup`` above 0.

    Example::

        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api}
        spec:
          template:
            spec:
              containers:
              - name: api
                image: registry.example/api:1.4
                securityContext:
                  runAsUser: 0

    Cannot see: the user that the image itself names; with ``runAsNonRoot`` the kubelet checks it at start.
    """
    yield from may_be_root(container)


@pod_control(
    "C-0062",
    "Sudo in container entrypoint",
    problem="sudo in the container's command",
    score=3.0,
    reference_score=5.0,
    category="Workload",
    container=("command: [sudo, nginx]",),
    namespace="",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
def sudo_in_command(container: Container) -> Violations:
    """The container is started through sudo.

    sudo needs a set-uid program, a user who may become root, and privilege escalation allowed; all three are
    what an intruder looks for.

    Fix: start the program as the user it needs, with ``runAsUser`` and only the capabilities it uses.

    Cannot see: scripts in the image that call sudo.
    """
    for path, word in container.command_line:
        if "sudo" in word and SUDO.search(word):
            yield Review(path)


def is_not_for_windows(workload: Workload) -> bool:
    return not workload.is_windows


@control(
    "L-0002",
    "SELinux options are set where SELinux is in use",
    problem="No SELinux options",
    consequence="node escape",
    score=2.0,
    category="Workload / Node escape",
    applies=is_not_for_windows,
    reads=(WORKLOADS,),
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#assign-selinux-labels-to-a-container",
)
def selinux_options_missing(workload: Workload, inventory: Inventory) -> Violations:
    """The container runs without SELinux options in a target where others have some.

    SELinux keeps a process to the files of its own label, on the node as well. Where it is in use, a container without
    options gets a label from the runtime, which may be shared with others. Where no pod of the target sets any, SELinux is
    taken not to be in use and nothing is reported.

    Fix: set ``seLinuxOptions`` on the pod, as your other workloads do.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: db, namespace: shop}
        spec:
          securityContext:
            seLinuxOptions: {level: "s0:c123,c456"}
          containers:
          - {name: db, image: "postgres:17"}

    Cannot see: whether the nodes run SELinux, and the labels that the runtime chooses.
    """
    for container in workload.containers:
        if not container.effective("seLinuxOptions") and uses_selinux(inventory):
            yield Review(f"{container.place}securityContext.seLinuxOptions")


def is_own(constraints: Resource) -> bool:
    return constraints.name not in OF_OPENSHIFT


@control(
    "L-0056",
    "SecurityContextConstraints forbid privileged containers",
    problem="Constraints allow privileged containers",
    consequence="node escape",
    score=6.0,
    category="Workload / Node escape",
    kinds=("SecurityContextConstraints.security.openshift.io",),
    applies=is_own,
    see="https://docs.openshift.com/container-platform/latest/authentication/managing-security-context-constraints.html",
)
def constraints_allow_privileged(constraints: Resource) -> Violations:
    """The SecurityContextConstraints let pods run privileged containers on OpenShift.

    Everyone who may use them starts a container with all of its node. Those that OpenShift brings along are left out.

    Fix: set ``allowPrivilegedContainer: false``, and list what is needed in ``allowedCapabilities``.

    Example::

        apiVersion: security.openshift.io/v1
        kind: SecurityContextConstraints
        metadata: {name: shop}
        allowPrivilegedContainer: true

    Cannot see: who may use them.
    """
    if constraints.body.get("allowPrivilegedContainer") is True:
        yield Set("allowPrivilegedContainer", False)


def uses_selinux(inventory: Inventory) -> bool:
    """Whether any pod beside has SELinux options; then those without any are the odd ones."""
    found = inventory.once(
        "SELinux", lambda: next(iter(inventory.find(_LABELLED, inventory.everywhere)), None)
    )
    if found is not None:
        inventory.rest_on(found)
    return found is not None


def _labelled(filed: Filed) -> Iterator[tuple[str, Resource]]:
    for workload in filed.workloads:
        holders: tuple[Workload | Container, ...] = (workload, *workload.containers)
        if any(holder.security_context.get("seLinuxOptions") for holder in holders):
            yield filed.everywhere, filed.resource


_LABELLED: Index[Resource] = Index((WORKLOADS,), _labelled)
