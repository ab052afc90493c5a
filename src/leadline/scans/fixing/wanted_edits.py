"""What findings ask for: edits that can be made, and what a person has to decide."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.field_path import entry_of, format_path, has_path, parse_path, value_at
from leadline.model.control import Remove, Set, is_placeholder
from leadline.model.finding import Finding
from leadline.model.resource import Resource
from leadline.outputs.rows.place import Places
from leadline.outputs.text.json_text import json_text
from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.edit_risk import edit_risk
from leadline.posture.subject import mappings, text
from leadline.scans.fixing.literals import as_reference, secret_key_of

_NEEDED = frozenset(
    (
        "binaryData",
        "containers",
        "data",
        "env",
        "envFrom",
        "initContainers",
        "roleRef",
        "rules",
        "stringData",
        "subjects",
        "volumeMounts",
        "volumes",
    )
)
"""What something may rely upon: to delete what is right below it is for a person to decide."""

_COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_SAFE_FOR_CONTROL_PLANE = ("seccompProfile.type", "automountServiceAccountToken", "allowPrivilegeEscalation")
_NEEDING_MORE = (
    (
        "anonymous-auth=false",
        "the pod's probes ask without a login: the kubelet would restart it again and again",
    ),
    ("EventRateLimit", "it starts only with a file of limits, the configuration of admission"),
)
"""Flags that are right but for what has to come with them."""

_COMMENT = re.compile(r"\s#\s*(\S.*)$")

Key = tuple[str, str, str, str]
"""What distinguishes one edit from another: object, path, action and value as the finding has them."""


FOLDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "nginx": ("/var/cache/nginx", "/var/run"),
        "httpd": ("/usr/local/apache2/logs",),
        "postgres": ("/var/run/postgresql",),
        "mysql": ("/var/run/mysqld",),
        "mariadb": ("/run/mysqld",),
    }
)
"""What programs write to in addition to ``/tmp``, by the last part of the image's name, as their documentation says."""


class WantedEdit(Struct, frozen=True):
    """One edit of one object, however many controls ask for it."""

    finding: Finding
    """The first of those that ask for it."""
    on: str
    """The id of the object."""
    path: str
    """From its root; for a removal that of the whole entry, for an item that is added the index it gets."""
    change: Remove | Set
    pairs: tuple[tuple[str, str], ...]
    """Control and failing object of each finding that it answers."""
    risk: str = ""
    """Why it may stop what runs; empty where it cannot."""
    goes_with: Key | None = None
    """The edit that this one comes with, made or not as that one is."""

    @property
    def key(self) -> Key:
        return self.finding.edit


class Wanted(Struct, frozen=True):
    edits: tuple[WantedEdit, ...]
    decisions: tuple[Finding, ...]
    """What has no edit that could be made without a person: reviews, values only the owner knows, objects to add."""


class _Draft:
    __slots__ = ("change", "finding", "pairs", "rests_on")

    def __init__(self, finding: Finding, change: Remove | Set) -> None:
        self.finding = finding
        self.change = change
        self.pairs: dict[tuple[str, str], None] = {}
        self.rests_on: dict[str, None] = {}


def wanted_edits(
    findings: Sequence[Finding], objects: Mapping[str, Resource], ranks: Mapping[str, int]
) -> Wanted:
    """The edits that ``findings`` ask for; of two values for one field the one of the control that ranks first."""
    drafts: dict[Key, _Draft] = {}
    decisions: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: ranks[finding.control]):
        change = as_reference(finding, objects[finding.on]) or finding.violation
        if not isinstance(change, Remove | Set) or not _is_harmless(change):
            decisions.append(finding)
            continue
        draft = drafts.setdefault(finding.edit, _Draft(finding, change))
        draft.pairs[finding.control, finding.resource] = None
        draft.rests_on.update(dict.fromkeys(finding.related))
    taken: dict[tuple[str, str], str] = {}
    edits: list[WantedEdit] = []
    for draft in drafts.values():
        edit = _placed(draft, objects, taken)
        if edit is None:
            decisions.append(draft.finding)
        else:
            edits.append(edit)
    for edit in tuple(edits):
        edits += _writable_folders(edit, objects[edit.on], taken)
    return Wanted(tuple(edits), tuple(decisions))


def _writable_folders(
    edit: WantedEdit, resource: Resource, taken: dict[tuple[str, str], str]
) -> Iterator[WantedEdit]:
    """A volume for each folder that the program of a container with a read-only root writes to."""
    if not edit.path.endswith(".securityContext.readOnlyRootFilesystem"):
        return
    place = parse_path(edit.path)[:-2]
    container, pod = value_at(resource.body, place), value_at(resource.body, place[:-2])
    if not isinstance(container, dict) or not isinstance(pod, dict):
        return
    mounted = {str(one.get("mountPath")).rstrip("/") for _, one in mappings(container.get("volumeMounts"))}
    image = parse_image_name(text(container.get("image"))).program
    for folder in ("/tmp", *FOLDERS.get(image, ())):  # noqa: S108 (of the container)
        if folder in mounted:
            continue
        name = f"{text(container.get('name'))[:40]}{folder.replace('/', '-')}"
        mounts, volumes = (*place, "volumeMounts"), (*place[:-2], "volumes")
        for parent, value in (
            (mounts, {"name": name, "mountPath": folder}),
            (volumes, {"name": name, "emptyDir": {}}),
        ):
            there = value_at(resource.body, parent)
            path = format_path((*parent, len(there) if isinstance(there, list) else 0))
            draft = _Draft(
                replace(edit.finding, violation=Set(path, value, on=edit.on)), Set(path, value, on=edit.on)
            )
            added = _placed(draft, {edit.on: resource}, taken)
            if added is not None:
                yield replace(added, risk=edit.risk, goes_with=edit.key)


def danger_of(edit: WantedEdit, resource: Resource) -> str:
    """Why the edit could stop a cluster's control plane, which kubeadm runs as pods of one node; empty where it could not.

    Those pods need root, the host's network and files of the node; their probes ask without a login.
    Source: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
    """
    if not _is_control_plane(resource):
        return ""
    steps = parse_path(edit.path)
    is_flag = any(step in ("command", "args") for step in steps)
    if not is_flag and not edit.path.endswith(_SAFE_FOR_CONTROL_PLANE):
        return "the control plane's pods need root, the host's network and the node's files: this could stop them"
    written = json_text(edit.change.value) if isinstance(edit.change, Set) else ""
    return next((why for flag, why in _NEEDING_MORE if flag in written), "") if is_flag else ""


def comment_beside(edit: WantedEdit, resource: Resource, places: Places) -> str:
    """What someone wrote beside or above the value that the edit changes; empty without a value or a comment."""
    if not has_path(resource.body, parse_path(edit.path)):
        return ""
    place = places.find(resource, edit.path)
    if place is None or not place.exact:
        return ""
    *above, line = places.lines(resource, max(1, place.line - 1), place.line) or [""]
    beside = _COMMENT.search(line)
    if beside:
        return beside[1].strip()
    return next((text.strip()[1:].strip() for text in above if text.strip().startswith("#")), "")


def _is_control_plane(resource: Resource) -> bool:
    labels = value_at(resource.body, "metadata.labels")
    return (
        resource.kind == "Pod"
        and resource.namespace == "kube-system"
        and isinstance(labels, dict)
        and labels.get("tier") == "control-plane"
        and labels.get("component") in _COMPONENTS
    )


def _is_harmless(change: Remove | Set) -> bool:
    """Whether an edit can be made without asking: it neither needs a value nor takes away what may be relied upon."""
    if isinstance(change, Set):
        return not _is_open(change.value)
    keys = [step for step in parse_path(entry_of(change.path)) if isinstance(step, str)]
    is_item = isinstance(parse_path(entry_of(change.path))[-1], int)
    return _NEEDED.isdisjoint(keys[-1:] if is_item else keys[-2:])


def _is_open(value: Any) -> bool:
    """Whether a value, or one within it, is for the owner to choose."""
    if isinstance(value, dict):
        return any(map(_is_open, value.values()))
    return any(map(_is_open, value)) if isinstance(value, list) else is_placeholder(value)


def _placed(
    draft: _Draft, objects: Mapping[str, Resource], taken: dict[tuple[str, str], str]
) -> WantedEdit | None:
    """The edit at a place that no other one takes; ``None`` where another gives the field another value."""
    finding, change = draft.finding, draft.change
    path = entry_of(finding.path) if isinstance(change, Remove) else finding.path
    if isinstance(change, Set):
        path = _free_item(objects[finding.on].body, finding.on, path, json_text(change.value), taken)
        if not path:
            return None
    resource = objects[finding.on]
    key = secret_key_of(finding, resource)
    risk = key.risk if key else edit_risk(change, resource, tuple(draft.rests_on))
    return WantedEdit(finding, finding.on, path, change, tuple(draft.pairs), risk)


def _free_item(
    body: dict[str, Any], on: str, path: str, value: str, taken: dict[tuple[str, str], str]
) -> str:
    """``path``, or that of the next item where another edit adds one there; empty where it sets the same field."""
    *parents, last = parse_path(path)
    if isinstance(last, int):
        there = value_at(body, tuple(parents))
        if last >= (len(there) if isinstance(there, list) else 0):
            while taken.get((on, path), value) != value:
                last += 1
                path = format_path((*parents, last))
    return path if taken.setdefault((on, path), value) == value else ""
