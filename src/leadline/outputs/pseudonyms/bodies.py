"""Objects without the names in them.

What stays is named here: fields, constants of the API, numbers. All other text is replaced, so that a field which is not
known cannot show anything.
"""

import re
from typing import Any

from leadline.kube.kinds import ADDED, BUILT_IN, kind_key
from leadline.outputs.pseudonyms.names import Names, words_of

_USERS_KEYS = words_of(
    """
    allocatable annotations attributes binaryData capacity config data default defaultRequest extra hard labels limits matchLabels
    max min nodeSelector options overhead parameters podSelector requests selector stringData used volumeAttributes
    """
)
"""Fields below which keys are the user's."""
_LABEL_SELECTORS = frozenset(("matchLabels", "matchExpressions", "namespaceSelector", "podSelector"))
_FIELD = re.compile(r"[a-z][A-Za-z0-9]{0,48}|\$(?:ref|patch)")
_PUBLIC_KEY = re.compile(
    r"(?:[a-z0-9-]+\.)*(?:kubernetes|k8s)\.io/[A-Za-z0-9._-]+|cpu|memory|storage|ephemeral-storage|pods"
)
_SAFE = re.compile(r"[-+]?[0-9]{1,5}(?:\.[0-9]{1,3})?(?:[munkKMGTPE]i?|s|ms|%)?|true|false|null")
"""Numbers and quantities; a longer number may be an account's."""
_CONSTANTS = words_of(
    """
    Allow Always Any ClusterFirst ClusterFirstWithHostNet ClusterIP ClusterRole ConfigMap Default Delete Directory DirectoryOrCreate
    DoNotSchedule DoesNotExist Egress Equal Exact Exists ExternalName Fail Fields File FileOrCreate Forbid Group HTTP HTTPS
    HostToContainer IfNotPresent Ignore ImplementationSpecific In Ingress LoadBalancer Local Localhost Memory Never NoExecute NoSchedule
    NodePort None NotIn OnDelete OnFailure OrderedReady Parallel Pod PreferNoSchedule Prefix ReadOnlyMany ReadWriteMany ReadWriteOnce Recreate
    Replace Retain Role RollingUpdate RuntimeDefault SCTP ScheduleAnyway Secret ServiceAccount Socket TCP UDP Unconfined User
    bind create delete deletecollection escalate get impersonate list patch update use watch
    baseline enabled disabled privileged restricted YOUR_VALUE Opaque runtime/default
    ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID
    IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON
    SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE
    SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
    kubernetes.io/tls kubernetes.io/service-account-token kubernetes.io/dockerconfigjson kubernetes.io/dockercfg
    """
)
_API = frozenset(
    word for kind in (*BUILT_IN.values(), *ADDED.values()) for word in (kind.name, kind.plural, kind.group)
)
_SUBRESOURCE = re.compile(r"([a-z]+)/([a-z]+)")
_DEPTH = 60
_SORTS = {
    "namespace": "namespace",
    "image": "image",
    "host": "host",
    "hostname": "host",
    "server": "host",
    "path": "path",
}


def is_built_in(group: str, kind: str) -> bool:
    """Whether Kubernetes itself serves the kind."""
    return kind_key(group, kind) in BUILT_IN


def body_of(body: dict[str, Any], names: Names, *, is_known: bool) -> dict[str, Any]:
    """``body`` with pseudonyms; of a kind that is not Kubernetes' own only what every object has."""
    if not is_known:
        body = {key: body[key] for key in ("apiVersion", "kind", "metadata") if key in body}
    clean: dict[str, Any] = {}
    for key, value in body.items():
        if key == "apiVersion" and isinstance(value, str):
            clean[key] = api_version_of(value, names, is_known=is_known)
        elif key == "kind" and isinstance(value, str):
            clean[key] = value if is_known else names.of(value, "kind")
        else:
            clean[key_of(key, "", names)] = value_of(value, key, names)
    return clean


def api_version_of(version: str, names: Names, *, is_known: bool) -> str:
    """``group/version``; the group of a kind that is not Kubernetes' own shows whose it is."""
    if is_known:
        return version
    group, slash, rest = version.partition("/")
    return f"{names.of(group, 'group')}/{rest}" if slash else names.of(version, "group")


def key_of(key: str, above: str, names: Names) -> str:
    """A key below the field ``above``."""
    is_users = above in _USERS_KEYS and not (above == "podSelector" and key in _LABEL_SELECTORS)
    is_users = is_users and not (above == "selector" and key in _LABEL_SELECTORS)
    if _PUBLIC_KEY.fullmatch(key) or (not is_users and _FIELD.fullmatch(key)):
        return key
    return names.of(key, "key")


def value_of(value: Any, key: str, names: Names, depth: int = 0) -> Any:
    """What is at ``key``; lists pass their own key on."""
    if isinstance(value, dict):
        if depth > _DEPTH:
            return {}
        return {key_of(str(k), key, names): value_of(v, str(k), names, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [] if depth > _DEPTH else [value_of(one, key, names, depth + 1) for one in value]
    if not isinstance(value, str):
        return (
            value if isinstance(value, bool | int | float) or value is None else names.of(str(value), "value")
        )
    return value if is_constant(value) else names.of(value, _SORTS.get(key, "value"))


def is_constant(text: str) -> bool:
    """Whether ``text`` is a word of the API, a capability or a number."""
    if text in _CONSTANTS or text in _API or text in ("v1", "apps/v1"):
        return True
    found = _SUBRESOURCE.fullmatch(text)
    return bool(found and found[1] in _API) or bool(_SAFE.fullmatch(text))
