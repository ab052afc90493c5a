"""Whether an edit may stop what runs today, and why.

An edit is safe where no program can miss what it takes away. It is classified by the field, so that every control that asks
for it says the same; ``docs/decisions/fix.md`` says how. An edit of a field that is not listed here is risky.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from leadline.kube.field_path import Steps, parse_path, value_at
from leadline.model.control import Remove, Set
from leadline.model.resource import Resource
from leadline.untyped import mapping

UNCLASSIFIED = "its control does not say what it may stop"
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_BINDINGS = ("/RoleBinding/", "/ClusterRoleBinding/")
_MOST_KEYS = 3
_NO_USER = "a program that needs this user or group, or files that only they may use, stops"
_FLAG = "the component restarts with it; clients and files that rely on the old value fail"
_REFUSED = "pods that rely on it are refused when they are created again"
_NODE_FILES = "a program that writes there stops"
_HOST_FIELD = "a program that uses the node's {} stops"


class _Edit(Struct, frozen=True):
    change: Remove | Set
    steps: Steps
    resource: Resource
    rests_on: Sequence[str]

    @property
    def value(self) -> Any:
        """What is there now; ``None`` for nothing."""
        return value_at(self.resource.body, self.steps)

    @property
    def pod(self) -> Mapping[str, Any]:
        """The pod's spec that the edit lies in."""
        keys = [(at, step) for at, step in enumerate(self.steps) if isinstance(step, str)]
        end = next((at for at, key in keys if key in (*_CONTAINERS, "securityContext")), len(self.steps) - 1)
        return mapping(value_at(self.resource.body, self.steps[:end]))

    @property
    def containers(self) -> Sequence[Mapping[str, Any]]:
        """The container that is edited; for an edit of the pod all of them."""
        for at, step in enumerate(self.steps[:-1]):
            if step in _CONTAINERS:
                return (mapping(value_at(self.resource.body, self.steps[: at + 2])),)
        lists = (self.pod.get(name) for name in _CONTAINERS)
        return [mapping(one) for items in lists if isinstance(items, list) for one in items]

    def in_context(self, container: Mapping[str, Any], field: str) -> Any:
        """A field of the container's security context, else of the pod's."""
        own = mapping(container.get("securityContext"))
        return own.get(field, mapping(self.pod.get("securityContext")).get(field))

    def has_own_user(self, container: Mapping[str, Any]) -> bool:
        """Whether the user is written and is not root."""
        user = self.in_context(container, "runAsUser")
        return isinstance(user, int) and user > 0


def edit_risk(change: Remove | Set, resource: Resource, rests_on: Sequence[str] = ()) -> str:
    """Why ``change`` of ``resource`` may stop what runs; empty where it cannot.

    ``rests_on`` holds the ids of what the findings that ask for it rest on: an account with rights uses its token.
    """
    rule = rule_of(change)
    if rule is None:
        return UNCLASSIFIED
    if isinstance(rule, str):
        return rule
    return rule(_Edit(change, parse_path(change.path), resource, rests_on))


Rule = str | Callable[[_Edit], str]


def rule_of(change: Remove | Set) -> Rule | None:
    """The reason, or what finds it; ``None`` for a field that is not classified."""
    keys = tuple(step for step in parse_path(change.path) if isinstance(step, str))
    ends = (keys[len(keys) - number :] for number in range(min(_MOST_KEYS, len(keys)), 0, -1))
    found = next((_RULES[end] for end in ends if end in _RULES), None)
    if found is not None:
        return found
    return next(
        (rule for parent, rule in _BELOW.items() if parent in keys[-2:-1] or parent in keys[:2]), None
    )


def _escalation(edit: _Edit) -> str:
    if edit.value is not None:
        return "it is allowed on purpose; programs that change their user, such as sudo, stop"
    if any(edit.in_context(one, "capabilities") and _added(one) for one in edit.containers):
        return "a program that gains its added capabilities from its file loses them"
    return ""


def _added(container: Mapping[str, Any]) -> Any:
    return mapping(mapping(container.get("securityContext")).get("capabilities")).get("add")


def _non_root(edit: _Edit) -> str:
    if edit.containers and all(map(edit.has_own_user, edit.containers)):
        return ""
    return "a container whose image runs as root does not start"


def _dropped(edit: _Edit) -> str:
    is_without = all(
        edit.has_own_user(one)
        and not _added(one)
        and edit.in_context(one, "allowPrivilegeEscalation") is False
        for one in edit.containers
    )
    return (
        ""
        if is_without
        else "a program that changes owners or users, or listens below port 1024 as root, may stop"
    )


def _profile(edit: _Edit) -> str:
    return (
        "" if edit.value is None else "a program that makes system calls outside of the default profile stops"
    )


def _token(edit: _Edit) -> str:
    resource = edit.resource
    is_account = resource.kind == "ServiceAccount"
    name = resource.name if is_account else edit.pod.get("serviceAccountName", edit.pod.get("serviceAccount"))
    has_rights = any(kind in id for id in edit.rests_on for kind in _BINDINGS)
    if name in (None, "", "default") and not has_rights:
        return ""
    return "a program that asks the API server no longer can"


def _flag(edit: _Edit) -> str:
    is_profiling = isinstance(edit.change, Set) and edit.change.value == "--profiling=false"
    return "" if is_profiling else _FLAG


_RULES: Mapping[tuple[str, ...], Rule] = MappingProxyType(
    {
        ("allowPrivilegeEscalation",): _escalation,
        ("spec", "allowPrivilegeEscalation"): _REFUSED,
        ("runAsNonRoot",): _non_root,
        ("capabilities", "drop"): _dropped,
        ("seccompProfile", "type"): _profile,
        ("automountServiceAccountToken",): _token,
        ("command",): _flag,
        ("args",): _flag,
        ("env", "value"): _FLAG,
        # Both name the same account.
        ("serviceAccount",): "",
        ("serviceAccountName",): lambda edit: (
            "" if isinstance(edit.change, Set) else "the program loses the rights of its account"
        ),
        (
            "readOnlyRootFilesystem",
        ): "a program that writes to other folders than those that become volumes stops",
        ("privileged",): "a program that uses devices or capabilities of the node stops",
        ("capabilities", "add"): "a program that uses the capability stops",
        ("runAsUser",): _NO_USER,
        ("runAsGroup",): _NO_USER,
        ("supplementalGroups",): _NO_USER,
        ("hostPort",): "what reaches it by the node's address and this port no longer does",
        ("hostNetwork",): "what uses the node's network, or is reached by the node's address, stops",
        ("hostPID",): _HOST_FIELD.format("processes"),
        ("hostIPC",): _HOST_FIELD.format("shared memory"),
        ("hostProcess",): _HOST_FIELD.format("files and services"),
        ("runAsUserName",): _NO_USER,
        ("shareProcessNamespace",): "a container that signals or inspects its neighbours stops",
        ("volumeMounts", "readOnly"): _NODE_FILES,
        ("volumeMounts", "subPath"): "the program finds the whole volume there",
        ("imagePullPolicy",): "an image that only the node holds, or whose registry is away, does not start",
        ("strategy", "type"): "two copies run at once during an update; a volume or a lock for one blocks it",
        ("appArmorProfile", "type"): "a program that does what the profile refuses stops",
        ("procMount",): "a program that starts containers of its own stops",
        ("sysctls",): "a program that relies on the kernel setting changes or stops",
        ("seLinuxOptions", "type"): "a program that the usual SELinux type refuses stops",
        ("seLinuxOptions", "user"): "a program that the usual SELinux user refuses stops",
        ("seLinuxOptions", "role"): "a program that the usual SELinux role refuses stops",
        ("os", "name"): "the API server refuses the pod if a field for Linux is set",
        ("httpGet", "host"): "the probe or hook asks the pod itself; one that does not answer is restarted",
        ("tcpSocket", "host"): "the probe or hook asks the pod itself; one that does not answer is restarted",
        ("mtls", "mode"): "clients without a certificate of the mesh are refused",
        ("failurePolicy",): "requests are refused while the policy cannot be evaluated",
        ("paramRef", "parameterNotFoundAction"): "requests are refused while the parameter is missing",
        ("allowPrivilegedContainer",): _REFUSED,
        ("allowedCapabilities",): _REFUSED,
        ("requiredDropCapabilities",): _REFUSED,
        ("runAsUser", "rule"): _REFUSED,
        (
            "pod-security.kubernetes.io/enforce",
        ): "pods that break the level are refused when they are created again",
        ("subjects",): "who is taken out loses these rights",
        ("rules",): "who relies on the right loses it",
        ("env",): "a program that reads the variable does not find it",
        ("envFrom",): "a program that reads the variables does not find them",
        ("volumes",): "a program that reads or writes the volume stops",
        ("volumeMounts",): "a program that reads or writes the volume stops",
    }
)
"""By the last keys of the path, the longest first; empty for what is safe."""
_BELOW: Mapping[str, Rule] = MappingProxyType(
    {
        "annotations": "who reads the annotation finds another value, or none",
        "data": "a program that reads the key does not find it",
        "binaryData": "a program that reads the key does not find it",
    }
)
"""By the mapping that the field is in, whose keys are the user's own."""
