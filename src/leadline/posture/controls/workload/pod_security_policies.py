"""What every PodSecurityPolicy of an old cluster lets in."""

from leadline.kube.workload import Body
from leadline.model.control import BuiltControl
from leadline.posture.control import Remove, Set, mapping, mappings
from leadline.posture.control_families import pod_security_policy


def _without_field(
    id: str,
    title: str,
    first: str,
    why: str,
    *,
    field: str,
    problem: str,
    reference_score: float,
) -> BuiltControl:
    """A control over a field of the policy that allows it where it is true."""
    return pod_security_policy(
        id,
        title,
        first,
        f"{why} With one policy that refuses it, pods can at least be sorted by who may use which.",
        allows=lambda spec: spec.get(field) is True,
        edit=Remove(f"spec.{field}"),
        fix=f"take ``{field}`` out of the policies; since Kubernetes 1.25 move to Pod Security admission, as policies of this kind no longer exist.",
        example=f"{field}: true",
        problem=problem,
        reference_score=reference_score,
    )


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
    "Minimize the admission of containers with added capabilities",
    "Every PodSecurityPolicy lets containers add capabilities.",
    "Each capability beyond the default ones is a piece of root.",
    problem="PodSecurityPolicy allows capabilities",
    reference_score=5.0,
    allows=lambda spec: bool(spec.get("allowedCapabilities")),
    edit=Remove("spec.allowedCapabilities"),
    fix="empty ``allowedCapabilities``; since Kubernetes 1.25 use Pod Security admission.",
    example="allowedCapabilities: [NET_ADMIN]",
)
policy_allows_escalation = _without_field(
    "C-0217",
    "Minimize the admission of containers with allowPrivilegeEscalation",
    "Every PodSecurityPolicy lets in containers that may gain rights.",
    "Set-uid programs make root of an ordinary user.",
    problem="PodSecurityPolicy allows escalation",
    reference_score=6.0,
    field="allowPrivilegeEscalation",
)
policy_allows_host_ipc = _without_field(
    "C-0215",
    "Minimize the admission of containers wishing to share the host IPC namespace",
    "Every PodSecurityPolicy lets in pods that share their node's memory segments.",
    "Shared memory of programs on the node could be read and changed.",
    problem="PodSecurityPolicy allows hostIPC",
    reference_score=5.0,
    field="hostIPC",
)
policy_allows_host_network = _without_field(
    "C-0216",
    "Minimize the admission of containers wishing to share the host network namespace",
    "Every PodSecurityPolicy lets in pods on their node's network.",
    "Traffic of the node can be listened to, and network policies do not hold.",
    problem="PodSecurityPolicy allows hostNetwork",
    reference_score=5.0,
    field="hostNetwork",
)
policy_allows_host_pid = _without_field(
    "C-0214",
    "Minimize the admission of containers wishing to share the host process ID namespace",
    "Every PodSecurityPolicy lets in pods that see their node's processes.",
    "The arguments and the memory of every process of the node are then within reach.",
    problem="PodSecurityPolicy allows hostPID",
    reference_score=5.0,
    field="hostPID",
)
policy_allows_privileged = _without_field(
    "C-0213",
    "Minimize the admission of privileged containers",
    "Every PodSecurityPolicy lets in privileged containers.",
    "A container that is root on its node could be created by everyone who may use the policy.",
    problem="PodSecurityPolicy allows privileged",
    reference_score=8.0,
    field="privileged",
)
policy_allows_root = pod_security_policy(
    "C-0218",
    "Minimize the admission of root containers",
    "Every PodSecurityPolicy lets in containers that run as root.",
    "Root inside a container is root to the kernel, and the first step of most ways out.",
    problem="PodSecurityPolicy allows root",
    reference_score=6.0,
    allows=runs_as_root,
    edit=Set("spec.runAsUser.rule", "MustRunAsNonRoot"),
    fix="set ``runAsUser.rule`` to ``MustRunAsNonRoot``; since Kubernetes 1.25 use Pod Security admission.",
    example="runAsUser: {rule: RunAsAny}",
)
policy_drops_no_capability = pod_security_policy(
    "C-0220",
    "Minimize the admission of containers with capabilities assigned",
    "No PodSecurityPolicy makes containers drop their default capabilities.",
    "Fourteen capabilities come with every container; few programs use one of them, and intruders use several.",
    problem="PodSecurityPolicy drops no capability",
    reference_score=5.0,
    allows=lambda spec: not spec.get("requiredDropCapabilities"),
    edit=Set("spec.requiredDropCapabilities[0]", "ALL"),
    fix="require the drop of ``ALL``; since Kubernetes 1.25 use Pod Security admission.",
    example="privileged: false",
)
