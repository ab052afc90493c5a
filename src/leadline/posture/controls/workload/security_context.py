"""What a security context leaves to the container."""

from leadline.posture.checks.container_security import (
    OF_DEBUGGING,
    runs_linux,
)
from leadline.posture.checks.container_security import (
    privilege_escalation as may_escalate,
)
from leadline.posture.checks.container_security import (
    root_group as may_be_in_root_group,
)
from leadline.posture.checks.container_security import (
    writable_root_filesystem as may_write,
)
from leadline.posture.checks.pod_context import container_context, pod_context
from leadline.posture.control import Container, Review, Set, Violations, Workload, mapping
from leadline.posture.control_families import pod_control

CONFINED = ("RuntimeDefault", "Localhost")


@pod_control(
    "C-0016",
    "Allow privilege escalation",
    problem="Privilege escalation not ruled out",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Workload / Node escape",
    applies=runs_linux,
    container=("securityContext: {runAsNonRoot: true}",),
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
def privilege_escalation(container: Container) -> Violations:
    """A process in the container may gain more rights than the one that started it.

    A set-uid program, or file capabilities, then turn an ordinary user into root inside the container.
    Kubernetes allows it unless the manifest forbids it.

    Fix: set ``allowPrivilegeEscalation: false``; only programs that really change their user, such as sudo
    or ping, miss it.

    Cannot see: which set-uid programs the image holds.
    """
    yield from may_escalate(container)


@pod_control(
    "L-0004",
    "Containers run in a group of their own",
    problem="Container may run in group 0",
    score=2.0,
    category="Workload / Node escape",
    applies=runs_linux,
    pod=("securityContext: {runAsUser: 1000}",),
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-the-security-context-for-a-pod",
)
def root_group(container: Container) -> Violations:
    """The processes of the container may be in group 0, the group of root.

    A user id without a group id leaves the process in group 0 unless the image says otherwise, and that
    group owns most of what an image's builder left writable.

    Fix: set ``runAsGroup`` to a number above 0.

    Cannot see: the group that the image sets for its user.
    """
    yield from may_be_in_root_group(container)


@pod_control(
    "C-0017",
    "Immutable container filesystem",
    problem="Writable root filesystem",
    score=3.0,
    category="Workload / Node escape",
    applies=runs_linux,
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
def writable_root_filesystem(container: Container) -> Violations:
    """The container can write to its own root file system.

    An intruder can drop tools there, replace the program that runs, and hide what was done; a read-only
    root turns most of that into an error in the log.

    Fix: set ``readOnlyRootFilesystem: true`` and mount an ``emptyDir`` on each folder that the program
    really writes to.

    Cannot see: which folders the program writes to; watching it run shows them.
    """
    yield from may_write(container)


@pod_control(
    "C-0211",
    "Apply Security Context to Your Pods and Containers",
    problem="Weak security context",
    consequence="node escape",
    score=6.0,
    reference_score=8.0,
    category="Workload",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
def weak_security_context(workload: Workload) -> Violations:
    """The security context leaves out something that it could forbid.

    The control gathers what a benchmark asks of pods and containers: no privileges, no root, no writable
    root file system, no raw packets, a filter on kernel calls, labels of the kernel's access control, safe
    kernel settings and groups.

    Fix: set what each finding names; start with the pod level, which containers inherit.

    Cannot see: what the image or an admission webhook adds; whether the node can do what is asked.
    """
    yield from pod_context(workload)
    for container in workload.containers:
        yield from container_context(container)


@pod_control(
    "C-0055",
    "Linux hardening",
    problem="No seccomp, AppArmor or SELinux",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
    applies=runs_linux,
    see="https://kubernetes.io/docs/tutorials/security/seccomp/",
)
def no_seccomp_profile(container: Container) -> Violations:
    """No seccomp profile filters what the container asks of the kernel.

    The kernel offers some 400 calls and a usual program needs a fifth of them; holes in the rest are how
    containers are escaped from. Without a profile all of them are open.

    Fix: set ``seccompProfile: {type: RuntimeDefault}`` on the pod.

    Cannot see: a kubelet that applies the default profile to all (``seccompDefault``).
    """
    if container.effective("seccompProfile"):
        return
    if container.is_ephemeral:
        yield Review("securityContext", advice=OF_DEBUGGING)
    else:
        yield Set("securityContext.seccompProfile.type", "RuntimeDefault")


@pod_control(
    "C-0210",
    "Ensure that the seccomp profile is set to docker/default in your pod definitions",
    problem="No seccomp profile",
    consequence="node escape",
    score=4.0,
    category="Workload",
    applies=runs_linux,
    container=("securityContext: {seccompProfile: {type: Unconfined}}",),
    see="https://kubernetes.io/docs/tutorials/security/seccomp/",
)
def seccomp_not_default(container: Container) -> Violations:
    """The container does not run under the runtime's seccomp profile or one of your own.

    ``Unconfined`` opens every kernel call, and saying nothing means the same on most clusters.

    Fix: set the type to ``RuntimeDefault``, or to ``Localhost`` with a profile that is narrower still.

    Cannot see: what a ``Localhost`` profile allows; a kubelet that applies the default profile to all.
    """
    workload = container.workload
    own = mapping(container.security_context.get("seccompProfile")).get("type")
    of_pod = mapping(workload.security_context.get("seccompProfile")).get("type")
    if own:
        if own not in CONFINED:
            yield Review("securityContext.seccompProfile.type")
    elif of_pod:
        if of_pod not in CONFINED:
            yield Review(f"{workload.pod_path}securityContext.seccompProfile.type", on=workload.resource.id)
    elif container.is_ephemeral:
        yield Review("securityContext", advice=OF_DEBUGGING)
    else:
        yield Set("securityContext.seccompProfile.type", "RuntimeDefault")
