"""``SecurityException`` and ``ClusterSecurityException``, the objects in which clusters keep accepted findings."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from leadline.foreign_errors import placed
from leadline.model.waiver import ObjectMatch, Waiver, WaiverMatch
from leadline.sources.waivers.exception_spec import (
    ClusterExceptionSpec,
    ClusterMatch,
    ExceptionSpec,
    Match,
    Vulnerability,
)
from leadline.sources.waivers.label_selectors import NotUsableError, no_longer_than, requirements_of
from leadline.untyped import text
from leadline.waivers.apply import moment_of

KINDS = ("SecurityException.kubescape.io", "ClusterSecurityException.kubescape.io")
_KINDS = ("SecurityException", "ClusterSecurityException")


def is_security_exception(body: Mapping[str, Any]) -> bool:
    api = body.get("apiVersion")
    return isinstance(api, str) and api.startswith("kubescape.io/") and body.get("kind") in _KINDS


def security_exception(body: Mapping[str, Any], source: str) -> Waiver | str:
    """The waiver that the object is, or why it cannot be used: the field, and what is wrong with it.

    The namespaces that the cluster's own kind selects are to be found out (``resolved``).
    """
    try:
        return _waiver(body, source)
    except NotUsableError as error:
        return str(error)
    except msgspec.ValidationError as error:
        place, why = placed(error)
        return no_longer_than(f"{'.'.join(filter(None, ('spec', place)))}: {why}")


def _waiver(body: Mapping[str, Any], source: str) -> Waiver:
    """Raises: ``NotUsableError``, ``ValidationError``."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    is_of_cluster = body.get("kind") == "ClusterSecurityException"
    if not isinstance(body.get("spec"), dict):
        raise NotUsableError("spec: it has none")
    spec = msgspec.convert(body["spec"], ClusterExceptionSpec if is_of_cluster else ExceptionSpec)
    if not spec.posture and not spec.vulnerabilities:
        raise NotUsableError("spec: neither posture nor vulnerabilities names anything")
    _check_moment(spec.expires_at, "spec.expiresAt")
    fields = _fields(spec.match or Match())
    if not is_of_cluster:
        namespace = text(metadata.get("namespace"))
        if not namespace:
            raise NotUsableError("metadata.namespace: it has none")
        fields["namespaces"] = (namespace,)
    return Waiver(
        name=text(metadata.get("name")),
        matches=tuple(chain(_posture(spec, fields), _vulnerabilities(spec, fields))),
        reason=spec.reason or "",
        owner=spec.author or "",
        expires=spec.expires_at or "",
        kind="security exception",
        source=source,
        is_from_target=True,
    )


def _fields(match: Match) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if match.object_selector is not None:
        fields["object_labels"] = requirements_of(match.object_selector, "spec.match.objectSelector")
    if isinstance(match, ClusterMatch) and match.namespace_selector is not None:
        fields["namespace_labels"] = requirements_of(match.namespace_selector, "spec.match.namespaceSelector")
    if match.resources is not None:
        # An empty list means all, as no list does: clients of the ecosystem write either.
        fields["objects"] = tuple(
            ObjectMatch(one.kind, one.name or "", one.api_group) for one in match.resources
        )
    if match.images is not None:
        fields["images"] = tuple(match.images)
    return fields


def _posture(spec: ExceptionSpec, fields: dict[str, Any]) -> Iterator[WaiverMatch]:
    """One match for all controls that hold in the same frameworks."""
    controls: dict[str, list[str]] = {}
    for one in spec.posture or ():
        controls.setdefault(one.framework_name or "", []).append(one.control_id)
    for framework, ids in controls.items():
        frameworks = (framework,) if framework else ()
        yield WaiverMatch(sort="controls", controls=tuple(ids), frameworks=frameworks, **fields)


def _vulnerabilities(spec: ExceptionSpec, fields: dict[str, Any]) -> Iterator[WaiverMatch]:
    """One match for all vulnerabilities of which the same is said."""
    ids: dict[tuple[Any, ...], list[str]] = {}
    for number, one in enumerate(spec.vulnerabilities or ()):
        if one.status == "not_affected" and not one.justification:
            where = f"spec.vulnerabilities[{number}].justification"
            raise NotUsableError(f"{where}: not_affected needs one")
        _check_moment(one.expires_at, f"spec.vulnerabilities[{number}].expiresAt")
        ends = (one.expires_at or "", bool(one.expired_on_fix))
        said = (tuple(one.subcomponents or ()), *ends, _statement(one))
        ids.setdefault(said, []).extend((one.vulnerability.id, *(one.vulnerability.aliases or ())))
    for (purls, expires, until_fixed, statement), named in ids.items():
        yield WaiverMatch(
            sort="vulnerabilities",
            vulnerabilities=tuple(dict.fromkeys(named)),
            purls=purls,
            expires=expires,
            until_fixed=until_fixed,
            statement=statement,
            **fields,
        )


def _check_moment(text: str | None, where: str) -> None:
    if text and moment_of(text) is None:
        raise NotUsableError(f"{where}: {text} is neither a day nor a moment")


def _statement(one: Vulnerability) -> str:
    """``not_affected, component_not_present: we build without it``."""
    said = ", ".join(filter(None, (one.status, one.justification, *(one.response or ()))))
    return ": ".join(filter(None, (said, one.impact_statement, one.action_statement)))
