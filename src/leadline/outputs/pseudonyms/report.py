"""A posture report without names: of objects, namespaces, files, hosts, images, and whatever else is the user's."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from leadline.kube.field_path import format_path, parse_path
from leadline.kube.kinds import ADDED, BUILT_IN, kind_key
from leadline.model.finding import Place, Skip
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Origin, Resource
from leadline.model.resource_id import object_id
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver
from leadline.outputs.pseudonyms.names import Names, words_of
from leadline.outputs.redaction.walk import replaced
from leadline.posture.questions import advice_in

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


_WHY: Mapping[str, str] = {
    "forbidden": "no permission to read it",
    "malformed": "it is not what it should be",
    "too large": "it is beyond a limit",
    "unsupported": "it is in a form that is not understood",
    "not rendered": "its chart or kustomization could not be rendered",
    "missing": "it is named and not there",
    "left out": "it was left out by choice",
    "unreachable": "it did not answer",
    "incomplete": "it was read in part",
    "fault": "a control failed on it",
}
"""For the reason, since the sentence itself may quote what was read."""

_OURS = ("settings", "manual", "not built", "no facts")
"""Reasons that speak of a control alone, never of what was scanned."""


def pseudonymous(report: PostureReport, names: Names) -> PostureReport:
    """``report``, which has to be sealed, with pseudonyms for every name. Source lines and settings are left out."""
    masked = replaced(report, _Masked(report, names))
    named = report.baseline and structs.replace(
        report.baseline, name=names.of(report.baseline.name, "baseline")
    )
    return structs.replace(masked, baseline=named, settings={})


class _Masked:
    """A ``Replacer`` of names by pseudonyms."""

    def __init__(self, report: PostureReport, names: Names) -> None:
        self._names = names
        self._documented = frozenset(advice_in(control.doc) for control in report.controls)
        # Namespaces and names first: a text that is both is then called by the first.
        for resource in report.resources:
            names.of(resource.namespace, "namespace")
        for resource in report.resources:
            if is_built_in(resource.group, resource.kind):
                names.of(resource.name, resource.kind.lower())

    def target(self, target: Target) -> Target:
        if target.kind in ("file", "directory"):
            name = " ".join(map(self._names.path, target.name.split(" ")))
        else:
            name = self._names.of(target.name, target.kind)
        return structs.replace(target, name=name, root="", branch="", commit="", committed_at="")

    def resource(self, resource: Resource) -> Resource:
        origin, names = resource.origin, self._names
        is_known = is_built_in(resource.group, resource.kind) or origin.kind == "derived"
        name = names.of(resource.name, "name" if not is_known else resource.kind.lower() or "name")
        masked = Origin(
            kind=origin.kind,
            path=names.path(origin.path) if origin.kind != "derived" else names.of(resource.id, "subject"),
            document=origin.document,
            inside=origin.inside,
            root=names.path(origin.root),
            rendered_from=names.path(origin.rendered_from),
            values=tuple(map(names.path, origin.values)),
            setting=origin.setting,
            cluster=names.of(origin.cluster, "cluster"),
            is_random=origin.is_random,
        )
        return Resource(
            api_version_of(resource.api_version, names, is_known=is_known),
            resource.kind if is_known else names.of(resource.kind, "kind"),
            names.of(resource.namespace, "namespace"),
            name,
            body_of(resource.body, names, is_known=is_known),
            masked,
            # Ids of objects follow from all this, but for the number of one that is there twice.
            "" if "#" not in resource.id else names.of(resource.id, "object"),
        )

    def unknown_id(self, id: str) -> str:
        names = self._names
        version, *rest = id.rsplit("/", 3)
        if len(rest) != 3:
            return names.of(id, "object")
        namespace, kind, name = rest
        is_known = is_built_in(version.rpartition("/")[0].strip("/"), kind)
        version = version if is_known else names.path(version)
        return object_id(
            version.removeprefix("/"),
            names.of(namespace, "namespace"),
            kind if is_known else names.of(kind, "kind"),
            names.of(name, kind.lower() if is_known else "name"),
        )

    def advice(self, text: str) -> str:
        """What the documentation of a control says names nothing that was scanned."""
        return text if text in self._documented else self._names.sentence(text)

    def value(self, value: Any, path: str) -> Any:
        """A flag keeps its name, which is a program's: ``--audit-log-path=value-k3f9a2x7qq``."""
        if (
            isinstance(value, str)
            and value.startswith("--")
            and "=" in value
            and value.partition("=")[0] in _FLAGS
        ):
            flag, _, rest = value.partition("=")
            return f"{flag}={rest if is_constant(rest) else self._names.of(rest, 'value')}"
        return value_of(value, str(parse_path(path)[-1]) if path else "", self._names)

    def path(self, path: str) -> str:
        above = ""
        steps: list[str | int] = []
        for step in parse_path(path):
            if isinstance(step, int):
                steps.append(step)
            else:
                steps.append(key_of(step, above, self._names))
                above = step
        return format_path(steps)

    def place(self, place: Place) -> Place:
        by = self._names.of(place.steered_by, "key")
        return Place(self._names.path(place.path), place.line, place.column, place.exact, by)

    def skip(self, skip: Skip) -> Skip:
        return skip if skip.kind in _OURS else structs.replace(skip, why=self._names.sentence(skip.why))

    def unread(self, part: Unread, ids: Mapping[str, str]) -> Unread:
        where = ids.get(part.where) or self._names.path(part.where)
        why = self._names.sentence(_WHY.get(part.reason, part.reason))
        return Unread(where, why, part.reason, part.line, part.column)

    def waiver(self, waiver: Waiver) -> Waiver:
        return Waiver(
            name=self._names.of(waiver.name, "waiver"),
            matches=(),
            reason=self._names.of(waiver.reason, "reason"),
            owner=self._names.of(waiver.owner, "owner"),
            ticket=self._names.of(waiver.ticket, "ticket"),
            expires=waiver.expires,
            kind=waiver.kind,
            source=self._names.path(waiver.source),
            is_from_target=waiver.is_from_target,
        )

    def file(self, path: str) -> str:
        return self._names.path(path)


_FLAGS = words_of(
    """
    --anonymous-auth --audit-log-maxage --audit-log-maxbackup --audit-log-maxsize --audit-log-path --authorization-mode --bind-address
    --client-cert-auth --enable-admission-plugins --peer-client-cert-auth --profiling --rotate-certificates --service-account-lookup
    --tls-cipher-suites --tls-min-version --use-service-account-credentials
    """
)
