"""Stored results of a posture scan as values again. Any client may have written them: what is missing is left open."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec
from msgspec import Struct

from leadline.api.kind import PREFIX
from leadline.api.kinds.configuration import (
    ControlResult,
    ControlStatus,
    FailedPath,
    JudgedObject,
    RelatedObject,
    WorkloadConfigurationScan,
)
from leadline.api.posture_results import BY_EXCEPTION, OBJECT, SUB_STATUS
from leadline.api.protocol import Entry
from leadline.api.stored import Metadata, Reader, metadata_of
from leadline.errors import StoreError
from leadline.foreign_errors import in_words
from leadline.model.control import Control, Missing, Remove, Review, Set, Violation
from leadline.model.finding import Finding, Skip
from leadline.model.resource import CLUSTER, Origin, Resource
from leadline.model.waiver import Waiver
from leadline.untyped import MALFORMED


class Accepted(Struct, frozen=True):
    """A finding that a waiver covers."""

    finding: Finding
    waiver: Waiver
    """Without what it matches."""


class StoredResult(Struct, frozen=True):
    """What is stored about one object."""

    resource: Resource
    """Without a body."""
    related: tuple[Resource, ...]
    """What a derived object was joined from."""
    controls: tuple[Control, ...]
    """Those that judged it, as far as the results describe them."""
    findings: tuple[Finding, ...]
    accepted: tuple[Accepted, ...]
    accepted_in: Mapping[str, Mapping[str, str]]
    """For controls that fail, by id, the frameworks that alone accept it, each with the waiver's name."""
    gave_up: tuple[Skip, ...]
    """Controls that could not judge it."""
    at: str
    """When it was scanned; empty where nothing says so."""


_scan_of = Reader(WorkloadConfigurationScan)
_SHARED = 256
"""Characters: what is longer is not kept for others."""
_JUDGED = frozenset({"passed", "failed"})


def stored_result(entry: Entry) -> StoredResult:
    """Raises: ``StoreError`` where it is another object."""
    metadata, spec = metadata_of(entry), _scan_of(entry).spec
    resource = _resource(entry, metadata)
    results = spec.controls
    judged = {id: result for id, result in results.items() if result.status.status in _JUDGED}
    return StoredResult(
        resource,
        tuple(map(_part, spec.related_objects or ())),
        tuple(_control(id, result) for id, result in judged.items()),
        tuple(finding for id, result in judged.items() for finding in _findings(id, result, resource)),
        tuple(one for id, result in judged.items() for one in _accepted(id, result, resource)),
        {id: result.accepted_in for id, result in judged.items() if result.accepted_in},
        tuple(_skip(id, one.status) for id, one in results.items() if one.status.status == "skipped"),
        metadata.annotations.get(f"{PREFIX}timestamp", ""),
    )


def _resource(entry: Entry, metadata: Metadata) -> Resource:
    if named := metadata.annotations.get(OBJECT):
        try:
            it = msgspec.json.decode(named, type=JudgedObject)
        except MALFORMED as error:
            raise StoreError(
                f"{entry.key}: the annotation {OBJECT} cannot be read: {in_words(error)}"
            ) from error
        origin = Origin(kind="derived", path=it.id) if it.is_derived else CLUSTER
        return Resource(it.api_version, it.kind, it.namespace, it.name, {}, origin, it.id)
    labels = metadata.labels
    group, version, kind, name, namespace = (
        labels.get(f"{PREFIX}workload-{field}", "")
        for field in ("api-group", "api-version", "kind", "name", "namespace")
    )
    return Resource(f"{group}/{version}" if group else version, kind, namespace, name or entry.key.name, {})


def _part(related: RelatedObject) -> Resource:
    if not related.kind:
        # One that was named and not read; all that is known of it is its id.
        return Resource("", "", "", related.name, {}, Origin(kind="derived", path=related.name))
    group, version = related.api_group, related.api_version
    api_version = f"{group}/{version}" if group else version
    return Resource(api_version, related.kind, related.namespace, related.name, {}, id=related.id or "")


def _control(id: str, result: ControlResult) -> Control:
    name = next((rule.name for rule in result.rules or () if rule.name), id)
    return _known_control(id, result.name or id, result.severity.score_factor, name)


@lru_cache(maxsize=4096)
def _known_control(id: str, title: str, score: float, name: str) -> Control:
    """One value for all objects: thousands of results name the same hundreds of controls."""
    return Control(id, title, score, "", "", name)


def _skip(id: str, status: ControlStatus) -> Skip:
    kinds = {text: kind for kind, text in SUB_STATUS.items()}
    return Skip(id, status.info, kinds.get(status.sub_status, "no objects"))


def _findings(id: str, result: ControlResult, resource: Resource) -> Iterator[Finding]:
    """At least one where the control failed: clients exist that store no paths."""
    if result.status.status != "failed":
        return
    has_paths = False
    for rule in result.rules or ():
        for path in rule.paths or () if rule.status.sub_status != BY_EXCEPTION else ():
            has_paths = True
            yield Finding(intern(id), resource.id, _violation(path), tuple(path.related or ()))
    if not has_paths:
        yield Finding(intern(id), resource.id, Review(""))


def _accepted(id: str, result: ControlResult, resource: Resource) -> Iterator[Accepted]:
    for rule in result.rules or ():
        if rule.status.sub_status == BY_EXCEPTION:
            names = rule.applied_ignore_rules or ("",)
            waiver = Waiver(name=names[0], matches=(), reason=rule.reason or "", expires=rule.expires or "")
            for path in rule.paths or ():
                finding = Finding(id, resource.id, _violation(path), tuple(path.related or ()))
                yield Accepted(finding, waiver)


def _violation(path: FailedPath) -> Violation:
    on = path.on or ""
    if path.fix_path:
        value = path.fix_path_value if path.value is msgspec.UNSET else path.value
        return _made(Set, path.fix_path, value, on)
    if path.what:
        return _made(Missing, path.what)
    if path.action == "remove":
        return _made(Remove, path.failed_path, on)
    return _made(Review, path.failed_path, on, path.fix_command)


def _made(kind: Callable[..., Violation], *parts: Any) -> Violation:
    is_short = all(
        isinstance(one, bool | int) or (isinstance(one, str) and len(one) < _SHARED) for one in parts
    )
    return _shared(kind, *parts) if is_short else kind(*parts)


@lru_cache(maxsize=16_384, typed=True)
def _shared(kind: Callable[..., Violation], *parts: Any) -> Violation:
    """One value for the same edit of thousands of objects."""
    return kind(*parts)
