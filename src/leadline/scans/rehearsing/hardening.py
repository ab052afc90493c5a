"""What a workload could be held to, by what its containers were recorded to do: as edits of its manifest and a network policy.

Everything that is suggested is rehearsed against the same record before it is shown, and nothing comes from partial profiles alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from difflib import unified_diff
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import LeadlineError, ManifestError, UsageError
from leadline.kube.field_path import parse_path, put
from leadline.model.profile import Profile
from leadline.model.rehearsal import Outcome, RehearsalReport
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.redaction.lines import LineHider
from leadline.outputs.text.patch import FixedFile, applicable_lines
from leadline.outputs.text.plain import plain
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.reach import end_of
from leadline.posture.subject import Container, Workload
from leadline.posture.worlds import Worlds
from leadline.runtime.completeness import is_complete
from leadline.runtime.rehearsal.network import Services
from leadline.runtime.suggest.cilium import policy_by_names
from leadline.runtime.suggest.network import LearnedPolicy, names_of, policy_for
from leadline.runtime.suggest.seccomp import strict_profile
from leadline.runtime.suggest.setting import Left, Setting
from leadline.runtime.suggest.settings import pod_settings, settings_for
from leadline.scans.options import PostureOptions
from leadline.scans.rehearsing.addresses import services_of
from leadline.scans.rehearsing.profiles import read_recording
from leadline.scans.rehearsing.rehearsal import Stage, as_recorded
from leadline.scans.rehearsing.rights_used import roles_used
from leadline.scans.rehearsing.settings import container_of, is_of, mounts_of, rights_of
from leadline.scans.rehearsing.target import RehearsalTarget, read_target
from leadline.sources.audit.log import read_audit_logs
from leadline.sources.regular_file import read_regular
from leadline.sources.yaml.edit import SetAt, apply_edits

_LARGEST_FILE = 32 << 20
_OF_POD = ("automountServiceAccountToken",)
"""What ``pod_settings`` sets."""


class HeldContainer(Struct, frozen=True):
    name: str
    profiles: tuple[Profile, ...]
    """Of its containers, complete and partial ones."""
    settings: tuple[Setting, ...]
    left: tuple[Left, ...]
    strict_seccomp: dict[str, Any] = {}
    """As the kubelet reads it from a file: the recorded calls and those that no container does without; empty without any."""

    @property
    def complete(self) -> int:
        return sum(map(is_complete, self.profiles))


class Hardening(Struct, frozen=True):
    workload: str
    containers: tuple[HeldContainer, ...]
    policy: LearnedPolicy
    patch: tuple[str, ...]
    """Lines of a diff of the manifest."""
    notes: tuple[str, ...]
    unread: tuple[Unread, ...]
    pod: tuple[Setting, ...] = ()
    """Of the pod as a whole; paths are from its spec."""
    by_names: dict[str, Any] = {}
    """For Cilium: names in the place of addresses outside of the cluster; empty where none was asked for by name."""
    roles: tuple[dict[str, Any], ...] = ()
    """That allow what its service account asked for, where audit logs were given."""

    @property
    def is_empty(self) -> bool:
        return not (
            self.policy.body or self.pod or self.roles or any(one.settings for one in self.containers)
        )


def harden(
    name: str,
    targets: Sequence[str],
    profiles: Sequence[str],
    options: PostureOptions,
    *,
    is_own: bool = False,
    audit_logs: Sequence[str] = (),
) -> Hardening:
    """Suggestions for the workload ``NAMESPACE/KIND/NAME``, as ``targets``, or the cluster, describe it.

    ``is_own``: the profiles are of its containers, though they were recorded without names.

    Raises: ``SourceError`` where nothing can be read; ``UsageError`` where the workload is not there.
    """
    if name.count("/") != 2:
        raise UsageError(f"{plain(name)}: not a workload", hint="write NAMESPACE/KIND/NAME")
    recording = read_recording(profiles, options)
    read, unread = recording.profiles, recording.unread
    target = read_target(targets, options)
    workload, inventory = workload_called(name, target.resources)
    if is_own:
        read = tuple(as_recorded(one, name) for one in read)
    own = [one for one in read if is_of(one.container, workload)]
    services = services_of([*target.resources, *target.addresses])
    made = replace(hardening_of(workload, inventory, own, services), unread=(*target.unread, *unread))
    if audit_logs:
        made = _with_roles(made, workload, audit_logs)
    if made.is_empty:
        return made
    hardened = with_settings(workload, made)
    report = rehearsal_of(target, workload, hardened, objects_of(made), own)
    before = {one.what for one in _not_allowed(rehearsal_of(target, workload, workload.resource, (), own))}
    new = next((one for one in _not_allowed(report) if one.what not in before), None)
    if new is not None:
        raise ManifestError(
            f"{name}: what was suggested would block what was recorded: {new.what}: {new.why}"
        )
    patch, notes = _patch(workload, hardened, target, made, targets, options)
    notes = (*made.notes, *notes, *names_of(own, made.policy.body))
    return replace(made, patch=patch, notes=notes)


def _with_roles(made: Hardening, workload: Workload, audit_logs: Sequence[str]) -> Hardening:
    account = str(workload.pod.get("serviceAccountName") or "default")
    record = read_audit_logs(audit_logs)
    roles = roles_used(workload.name, (workload.namespace, account), record.requests)
    seen = record.observed
    note = f"requests of the service account {account} were recorded from {seen.first} to {seen.last}"
    if account == "default":
        note += "; other workloads of the namespace may use it too"
    if not roles:
        note += ": it asked for nothing that needs a role"
    return replace(made, roles=roles, notes=(note,), unread=(*made.unread, *record.unread))


def hardening_of(
    workload: Workload, inventory: Inventory, own: Sequence[Profile], services: Services
) -> Hardening:
    """What ``workload`` could be held to by ``own``, the profiles of its containers; not rehearsed, without a patch."""
    held = tuple(_held(container, own) for container in workload.containers if not container.is_ephemeral)
    policy = LearnedPolicy({}, (), ())
    of_pod: tuple[Setting, ...] = ()
    # Pods share one network and one account: every container that runs in them has to be known.
    if own and all(one.complete for one in held):
        policy = policy_for(end_of(workload, inventory), workload.name, own, services)
        of_pod = tuple(one for one in pod_settings(own) if workload.pod.get(one.path[0]) != one.value)
    by_names = policy_by_names(end_of(workload, inventory), workload.name, own, policy.body)
    return Hardening(workload.resource.title, held, policy, (), (), (), of_pod, by_names)


def with_settings(workload: Workload, made: Hardening) -> Resource:
    """The object of ``workload`` as it were with all that is suggested."""
    return replace(workload.resource, body=_edited(workload, made.containers, made.pod))


def objects_of(made: Hardening) -> tuple[Resource, ...]:
    body = made.policy.body
    if not body:
        return ()
    metadata = body["metadata"]
    return (Resource(body["apiVersion"], body["kind"], metadata["namespace"], metadata["name"], body),)


def workload_called(name: str, resources: Iterable[Resource]) -> tuple[Workload, Inventory]:
    """``name`` is ``NAMESPACE/KIND/NAME``. Raises: ``UsageError`` where it is not there, or more than once."""
    worlds = Worlds([one for one in resources if one.origin.kind != "derived"], Facts())
    every = [
        (f"{one.namespace}/{one.kind}/{one.name}", one, world) for world in worlds for one in world.workloads
    ]
    found = [(one, world) for title, one, world in every if title == name]
    if not found:
        near = [title for title, _, _ in every if title.lower() == name.lower()]
        hint = f"there is {near[0]}" if near else "write NAMESPACE/KIND/NAME as leadline scan shows it"
        raise UsageError(f"no workload is called {plain(name)}", hint=hint)
    if len(found) > 1:
        raise UsageError(f"{name} is there {len(found)} times", hint="name the files of one")
    return found[0]


def _held(container: Container, own: Sequence[Profile]) -> HeldContainer:
    of_it = tuple(one for one in own if container_of(one.container, container.workload) is container)
    if not any(map(is_complete, of_it)):
        return HeldContainer(container.name, of_it, (), ())
    found = tuple(settings_for(of_it, mounts_of(container), rights_of(container)))
    settings = tuple(one for one in found if isinstance(one, Setting) and not has_setting(container, one))
    left = tuple(one for one in found if isinstance(one, Left))
    return HeldContainer(container.name, of_it, settings, left, strict_profile(of_it))


def has_setting(container: Container, setting: Setting) -> bool:
    """Whether the manifest says so already, or something that is stricter."""
    value: Any = container.body
    for step in setting.path:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None and setting.path[-1] in ("seccompProfile", "runAsNonRoot"):
        value = container.effective(setting.path[-1])
        return value is not None  # a profile of its own is stricter
    return bool(value == setting.value)


def _edits(
    workload: Workload, held: Sequence[HeldContainer], of_pod: Sequence[Setting]
) -> Iterator[tuple[str, Any]]:
    """Path from the object's root, and what to write there."""
    for setting in of_pod:
        yield f"{workload.pod_path}{'.'.join(setting.path)}", setting.value
    names = {one.name: one for one in held}
    volumes = list(workload.pod.get("volumes") or ())
    added: list[dict[str, Any]] = []
    for container in workload.containers:
        one = names.get(container.name)
        if one is None or container.is_ephemeral:
            continue
        mounts = list(container.body.get("volumeMounts") or ())
        for setting in one.settings:
            yield f"{container.path}{'.'.join(setting.path)}", setting.value
            for folder in setting.folders:
                volume = volume_name(container.name, folder, {str(v.get("name")) for v in (*volumes, *added)})
                added.append({"name": volume, "emptyDir": {}})
                mounts.append({"name": volume, "mountPath": folder})
                place = f"volumeMounts[{len(mounts) - 1}]"
                yield f"{container.path}{place}", mounts[-1]
    for number, volume_body in enumerate(added, len(volumes)):
        yield f"{workload.pod_path}volumes[{number}]", volume_body


def volume_name(container: str, folder: str, taken: set[str]) -> str:
    """Of the empty volume for ``folder``, not among ``taken``."""
    words = "".join(c if c.isalnum() and c.isascii() else "-" for c in f"{container}{folder}".lower()).strip(
        "-"
    )
    name, number = words[:57].strip("-") or "written", 1
    while name in taken:
        number += 1
        name = f"{words[:57].strip('-') or 'written'}-{number}"
    return name


def _edited(workload: Workload, held: Sequence[HeldContainer], of_pod: Sequence[Setting]) -> dict[str, Any]:
    body = deepcopy(workload.resource.body)
    for path, value in _edits(workload, held, of_pod):
        put(body, parse_path(path), deepcopy(value))
    return body


def rehearsal_of(
    target: RehearsalTarget,
    workload: Workload,
    wanted: Resource,
    objects: Sequence[Resource],
    own: Sequence[Profile],
) -> RehearsalReport:
    """What becomes of ``own`` where ``wanted`` takes the place of ``workload``, and ``objects`` are there too."""
    kept = [
        one
        for one in target.resources
        if one.id != workload.resource.id and one.kind in ("Namespace", "Pod", "Service", "EndpointSlice")
    ]
    staged = RehearsalTarget((*kept, wanted, *objects), target.addresses, ())
    return Stage(staged, {}).report(own, (), ())


def _not_allowed(report: RehearsalReport) -> Iterator[Outcome]:
    """What would be blocked or is not known; users apart, of whom a manifest may say what it said before."""
    outcomes = (one for row in report.containers for one in row.outcomes)
    return (one for one in outcomes if one.verdict != "allowed" and one.kind != "user")


def _patch(
    workload: Workload,
    hardened: Resource,
    target: RehearsalTarget,
    made: Hardening,
    targets: Sequence[str],
    options: PostureOptions,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A diff of the source, and what is to be said of it."""
    origin, title = workload.resource.origin, workload.resource.title
    if origin.kind in ("helm", "kustomize"):
        from leadline.scans.rehearsing.source_patch import SourcePatch, source_patch

        edits = tuple(_edits(workload, made.containers, made.pod))
        try:
            found = source_patch(workload.resource, edits, targets, options)
        except LeadlineError as error:
            found = SourcePatch((), tuple(path for path, _ in edits))
            why = f": {error.args[0]}"
        else:
            why = ""
        if found.lines and not found.left:
            return found.lines, ()
        source = origin.rendered_from or "it"
        what = f"no value, template, base or patch of {source} was found for {', '.join(found.left)}{why}"
        if found.lines:
            return found.lines, (f"{title}: {what}; write them into a template",)
        note = f"{title}: {what}; the diff shows the object, not the file to change"
        return _of_object(workload, hardened), (note,)
    if origin.kind != "file":
        return _of_object(workload, hardened), (
            f"{title} comes from the cluster: the diff shows the object, not the file to change",
        )
    held = _differences(workload, hardened)
    try:
        before = read_regular(origin.file, _LARGEST_FILE + 1).decode()
        after = apply_edits(before, held)
    except (OSError, UnicodeDecodeError, ManifestError) as error:
        return (), (f"{origin.file} cannot be edited: {error}",)
    hidden = {
        one.origin.document: LineHider(one.body, None).hide
        for one in target.resources
        if one.origin.file == origin.file
    }
    return tuple(applicable_lines(FixedFile(origin.file, origin.file, before, after, hidden))), ()


def _of_object(workload: Workload, hardened: Resource) -> tuple[str, ...]:
    title = workload.resource.title
    old, new = (_dumped(one.body) for one in (workload.resource, hardened))
    return tuple(unified_diff(old, new, title, title, lineterm=""))


def _differences(workload: Workload, hardened: Resource) -> list[SetAt]:
    origin = workload.resource.origin
    after = Workload(hardened, parse_path(workload.path))
    found: list[SetAt] = []
    for old, new in zip(workload.containers, after.containers, strict=True):
        for path in ("securityContext", "volumeMounts"):
            found += _changed(
                f"{origin.inside}{old.path}{path}", old.body.get(path), new.body.get(path), origin.document
            )
    for name in ("volumes", *_OF_POD):
        place = f"{origin.inside}{workload.pod_path}{name}"
        found += _changed(place, workload.pod.get(name), after.pod.get(name), origin.document)
    return found


def _changed(path: str, old: Any, new: Any, document: int) -> Iterator[SetAt]:
    """The smallest edits: keys of a mapping and new items of a list one by one."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and old:
        for key, value in new.items():
            if old.get(key) != value:
                yield SetAt(f"{path}.{key}", value, document)
    elif isinstance(old, list) and isinstance(new, list) and old:
        for number in range(len(old), len(new)):
            yield SetAt(f"{path}[{number}]", new[number], document)
    else:
        yield SetAt(path, new, document)


def _dumped(body: dict[str, Any]) -> list[str]:
    shown = {key: value for key, value in body.items() if key != "status"}
    return yaml.dump(shown, Dumper=yaml.CSafeDumper, sort_keys=False).splitlines()
