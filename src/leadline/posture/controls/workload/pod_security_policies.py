"""What every PodSecurityPolicy of an old cluster lets in."""

from collections.abc import Callable

from leadline.kube.workload import Body
from leadline.posture.control import Remove, Set, mapping, mappings
from leadline.posture.control_families import pod_security_policy


def is_true(field: str) -> Callable[[Body], bool]:
    return lambda spec: spec.get(field) is True


def runs_as_root(spec: Body) -> bool:
    rule = mapping(spec.get("runAsUser"))
    if rule.get("rule") == "MustRunAsNonRoot":
        return False
    lows = [span.get("min") for _, span in mappings(rule.get("ranges"))]
    return (
        rule.get("rule") != "MustRunAs"
        or not lows
        or any(not isinstance(low, int) or low < 1 for low in lows)
    )


policy_allows_capabilities = pod_security_policy(
    "C-0219",
    "policy_allows_capabilities",
    "Minimize the admission of containers with added capabilities",
    "Every PodSecurityPolicy lets containers add capabilities.",
    "Each capability beyond the default ones is a piece of root.",
    problem="PodSecurityPolicy allows capabilities",
    consequence="node escape",
    score=2.0,
    reference_score=5.0,
    allows=lambda spec: bool(spec.get("allowedCapabilities")),
    edit=Remove("spec.allowedCapabilities"),
    fix="empty ``allowedCapabilities``; since Kubernetes 1.25 use Pod Security admission.",
    example="allowedCapabilities: [NET_ADMIN]",
)
policy_allows_escalation = pod_security_policy(
    "C-0217",
    "policy_allows_escalation",
    "Minimize the admission of containers with allowPrivilegeEscalation",
    "Every PodSecurityPolicy lets in containers that may gain rights.",
    "Set-uid programs make root of an ordinary user. With one policy that refuses it, pods can at least be sorted by who may use which.",
    problem="PodSecurityPolicy allows escalation",
    consequence="node escape",
    score=2.0,
    reference_score=6.0,
    allows=is_true("allowPrivilegeEscalation"),
    edit=Remove("spec.allowPrivilegeEscalation"),
    fix="take ``allowPrivilegeEscalation`` out of the policies; since Kubernetes 1.25 move to Pod Security admission, as policies of this kind no longer exist.",
    example="allowPrivilegeEscalation: true",
)
policy_allows_host_ipc = pod_security_policy(
    "C-0215",
    "policy_allows_host_ipc",
    "Minimize the admission of containers wishing to share the host IPC namespace",
    "Every PodSecurityPolicy lets in pods that share their node's memory segments.",
    "Shared memory of programs on the node could be read and changed. With one policy that refuses it, pods can at least be sorted by who may use which.",
    problem="PodSecurityPolicy allows hostIPC",
    consequence="node escape",
    score=2.0,
    reference_score=5.0,
    allows=is_true("hostIPC"),
    edit=Remove("spec.hostIPC"),
    fix="take ``hostIPC`` out of the policies; since Kubernetes 1.25 move to Pod Security admission, as policies of this kind no longer exist.",
    example="hostIPC: true",
)
policy_allows_host_network = pod_security_policy(
    "C-0216",
    "policy_allows_host_network",
    "Minimize the admission of containers wishing to share the host network namespace",
    "Every PodSecurityPolicy lets in pods on their node's network.",
    "Traffic of the node can be listened to, and network policies do not hold. With one policy that refuses it, pods can at least be sorted by who may use which.",
    problem="PodSecurityPolicy allows hostNetwork",
    consequence="node escape",
    score=2.0,
    reference_score=5.0,
    allows=is_true("hostNetwork"),
    edit=Remove("spec.hostNetwork"),
    fix="take ``hostNetwork`` out of the policies; since Kubernetes 1.25 move to Pod Security admission, as policies of this kind no longer exist.",
    example="hostNetwork: true",
)
policy_allows_host_pid = pod_security_policy(
    "C-0214",
    "policy_allows_host_pid",
    "Minimize the admission of containers wishing to share the host process ID namespace",
    "Every PodSecurityPolicy lets in pods that see their node's processes.",
    "The arguments and the memory of every process of the node are then within reach. With one policy that refuses it, pods can at least be sorted by who may use which.",
    problem="PodSecurityPolicy allows hostPID",
    consequence="node escape",
    score=2.0,
    reference_score=5.0,
    allows=is_true("hostPID"),
    edit=Remove("spec.hostPID"),
    fix="take ``hostPID`` out of the policies; since Kubernetes 1.25 move to Pod Security admission, as policies of this kind no longer exist.",
    example="hostPID: true",
)
policy_allows_privileged = pod_security_policy(
    "C-0213",
    "policy_allows_privileged",
    "Minimize the admission of privileged containers",
    "Every PodSecurityPolicy lets in privileged containers.",
    "A container that is root on its node could be created by everyone who may use the policy. With one policy that refuses it, pods can at least be sorted by who may use which.",
    problem="PodSecurityPolicy allows privileged",
    consequence="node escape",
    score=2.0,
    reference_score=8.0,
    allows=is_true("privileged"),
    edit=Remove("spec.privileged"),
    fix="take ``privileged`` out of the policies; since Kubernetes 1.25 move to Pod Security admission, as policies of this kind no longer exist.",
    example="privileged: true",
)
policy_allows_root = pod_security_policy(
    "C-0218",
    "policy_allows_root",
    "Minimize the admission of root containers",
    "Every PodSecurityPolicy lets in containers that run as root.",
    "Root inside a container is root to the kernel, and the first step of most ways out.",
    problem="PodSecurityPolicy allows root",
    consequence="node escape",
    score=2.0,
    reference_score=6.0,
    allows=runs_as_root,
    edit=Set("spec.runAsUser.rule", "MustRunAsNonRoot"),
    fix="set ``runAsUser.rule`` to ``MustRunAsNonRoot``; since Kubernetes 1.25 use Pod Security admission.",
    example="runAsUser: {rule: RunAsAny}",
)
policy_drops_no_capability = pod_security_policy(
    "C-0220",
    "policy_drops_no_capability",
    "Minimize the admission of containers with capabilities assigned",
    "No PodSecurityPolicy makes containers drop their default capabilities.",
    "Fourteen capabilities come with every container; few programs use one of them, and intruders use several.",
    problem="PodSecurityPolicy drops no capability",
    consequence="node escape",
    score=2.0,
    reference_score=5.0,
    allows=lambda spec: not spec.get("requiredDropCapabilities"),
    edit=Set("spec.requiredDropCapabilities[0]", "ALL"),
    fix="require the drop of ``ALL``; since Kubernetes 1.25 use Pod Security admission.",
    example="privileged: false",
)
