"""Stored results of a posture scan as values again. Any client may have written them: what is missing is left open."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from leadline.api.posture_results import ACCEPTED_IN, BY_EXCEPTION, OBJECT, PREFIX, SUB_STATUS
from leadline.api.protocol import Entry
from leadline.errors import StoreError
from leadline.model.control import Control, Missing, Remove, Review, Set, Violation
from leadline.model.finding import Finding, Skip
from leadline.model.resource import CLUSTER, Origin, Resource
from leadline.model.waiver import Waiver


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


class _Metadata(Struct):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Object(Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    id: str = ""
    is_derived: bool = False


class _Related(Struct, rename="camel"):
    namespace: str | None = None
    api_group: str | None = None
    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    id: str | None = None


class _Path(Struct, rename="camel"):
    failed_path: str | None = None
    fix_path: str | None = None
    fix_path_value: str | None = None
    fix_command: str | None = None
    action: str | None = None
    on: str | None = None
    what: str | None = None
    value: Any = msgspec.UNSET
    related: list[str] | None = None


class _Rule(Struct, rename="camel"):
    name: str | None = None
    status: "_Status | None" = None
    paths: list[_Path] | None = None
    applied_ignore_rules: list[str] | None = None
    reason: str | None = None
    expires: str | None = None

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and self.status.sub_status == BY_EXCEPTION


class _Severity(Struct, rename="camel"):
    score_factor: float | None = None


class _Status(Struct, rename="camel"):
    status: str | None = None
    sub_status: str | None = None
    info: str | None = None


class _Result(Struct):
    name: str | None = None
    severity: _Severity | None = None
    status: _Status | None = None
    rules: list[_Rule] | None = None
    accepted_in: dict[str, str] | None = msgspec.field(default=None, name=ACCEPTED_IN)


class _Spec(Struct, rename="camel"):
    controls: dict[str, _Result | None] | None = None
    related_objects: list[_Related] | None = None


class _Body(Struct):
    spec: _Spec | None = None


_metadata_of = msgspec.json.Decoder(_Metadata).decode
_object_of = msgspec.json.Decoder(_Object).decode
_body_of = msgspec.json.Decoder(_Body).decode
_JUDGED = frozenset({"passed", "failed"})


def stored_result(entry: Entry) -> StoredResult:
    """Raises: ``StoreError`` where it is no such result."""
    try:
        metadata = _metadata_of(entry.content.metadata)
        spec = _body_of(entry.content.body).spec or _Spec()
        resource = _resource(entry, metadata)
    except (msgspec.DecodeError, RecursionError) as error:
        raise StoreError(f"{entry.key}: these are not results: {error}") from error
    results = [
        (id, result, result.status)
        for id, result in (spec.controls or {}).items()
        if result is not None and result.status is not None
    ]
    judged = {id: result for id, result, status in results if status.status in _JUDGED}
    return StoredResult(
        resource,
        tuple(map(_part, spec.related_objects or ())),
        tuple(_control(id, result) for id, result in judged.items()),
        tuple(finding for id, result in judged.items() for finding in _findings(id, result, resource)),
        tuple(one for id, result in judged.items() for one in _accepted(id, result, resource)),
        {id: result.accepted_in for id, result in judged.items() if result.accepted_in},
        tuple(_skip(id, status) for id, _, status in results if status.status == "skipped"),
        (metadata.annotations or {}).get(f"{PREFIX}timestamp", ""),
    )


def _resource(entry: Entry, metadata: _Metadata) -> Resource:
    if named := (metadata.annotations or {}).get(OBJECT):
        it = _object_of(named)
        origin = Origin(kind="derived", path=it.id) if it.is_derived else CLUSTER
        return Resource(it.api_version, it.kind, it.namespace, it.name, {}, origin, it.id)
    labels = metadata.labels or {}
    group, version, kind, name, namespace = (
        labels.get(f"{PREFIX}workload-{field}", "")
        for field in ("api-group", "api-version", "kind", "name", "namespace")
    )
    return Resource(f"{group}/{version}" if group else version, kind, namespace, name or entry.key.name, {})


def _part(related: _Related) -> Resource:
    name = related.name or ""
    if not related.kind:
        # One that was named and not read; all that is known of it is its id.
        return Resource("", "", "", name, {}, Origin(kind="derived", path=name))
    group, version = related.api_group or "", related.api_version or ""
    api_version = f"{group}/{version}" if group else version
    return Resource(api_version, related.kind, related.namespace or "", name, {}, id=related.id or "")


def _control(id: str, result: _Result) -> Control:
    rules = result.rules or []
    score = result.severity.score_factor if result.severity else None
    name = next((rule.name for rule in rules if rule.name), id)
    return Control(id, result.name or id, score or 0.0, "", "", name)


def _skip(id: str, status: _Status) -> Skip:
    kinds = {text: kind for kind, text in SUB_STATUS.items()}
    return Skip(id, status.info or "", kinds.get(status.sub_status or "", "no objects"))


def _findings(id: str, result: _Result, resource: Resource) -> Iterator[Finding]:
    """At least one where the control failed: clients exist that store no paths."""
    if result.status is None or result.status.status != "failed":
        return
    is_told = False
    for rule in result.rules or ():
        for path in rule.paths or () if not rule.is_accepted else ():
            is_told = True
            yield Finding(id, resource.id, _violation(path), tuple(path.related or ()))
    if not is_told:
        yield Finding(id, resource.id, Review(""))


def _accepted(id: str, result: _Result, resource: Resource) -> Iterator[Accepted]:
    for rule in result.rules or ():
        if rule.is_accepted:
            names = rule.applied_ignore_rules or ("",)
            waiver = Waiver(name=names[0], matches=(), reason=rule.reason or "", expires=rule.expires or "")
            for path in rule.paths or ():
                finding = Finding(id, resource.id, _violation(path), tuple(path.related or ()))
                yield Accepted(finding, waiver)


def _violation(path: _Path) -> Violation:
    on = path.on or ""
    if path.fix_path:
        return Set(path.fix_path, path.fix_path_value if path.value is msgspec.UNSET else path.value, on)
    if path.what:
        return Missing(path.what)
    if path.action == "remove":
        return Remove(path.failed_path or "", on)
    return Review(path.failed_path or "", on, path.fix_command or "")
