"""``SecurityException`` and ``ClusterSecurityException``, the objects in which clusters keep accepted findings."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from leadline.kube.selector import compile_selector
from leadline.model.waiver import Waiver, WaiverMatch

KINDS = ("SecurityException.kubescape.io", "ClusterSecurityException.kubescape.io")
_KINDS = ("SecurityException", "ClusterSecurityException")
_ACCEPTED = ("not_affected", "fixed", "under_investigation", "affected")
_OPERATORS = ("In", "Exists")


def is_security_exception(body: Mapping[str, Any]) -> bool:
    api = body.get("apiVersion")
    return isinstance(api, str) and api.startswith("kubescape.io/") and body.get("kind") in _KINDS


def security_exception(
    body: Mapping[str, Any], namespaces: Mapping[str, Mapping[str, str]], source: str
) -> Waiver | str:
    """The waiver that the object is, or why it cannot be used.

    ``namespaces``: the labels of each namespace, for the selector of the cluster's own kind.
    """
    metadata, spec = _table(body.get("metadata")), _table(body.get("spec"))
    match = _table(spec.get("match"))
    fields: dict[str, Any] = {}
    if body.get("kind") == "SecurityException":
        namespace = _text(metadata.get("namespace"))
        if not namespace:
            return "it has no namespace"
        fields["namespaces"] = (namespace,)
    elif match.get("namespaceSelector") is not None:
        selects = compile_selector(match["namespaceSelector"])
        named = tuple(name for name, held in namespaces.items() if selects(held))
        # No namespace has the labels, so none is meant; the empty list would mean every one.
        fields["namespaces"] = named or ("",)
    if match.get("objectSelector") is not None:
        labels = _selected(match["objectSelector"])
        if labels is None:
            return "its objectSelector uses an expression that is not supported"
        fields["labels"] = labels
    images = tuple(one for one in _list(match.get("images")) if isinstance(one, str))
    if images:
        fields["images"] = images
    name = _text(metadata.get("name"))
    return Waiver(
        name=name,
        matches=tuple(chain(_posture(spec, match, fields), _vulnerabilities(spec, match, fields))),
        reason=_text(spec.get("reason")),
        owner=_text(spec.get("author")),
        expires=_text(spec.get("expiresAt")),
        kind="security exception",
        source=source,
        is_from_target=True,
        until_fixed=any(one.get("expiredOnFix") is True for one in _tables(spec.get("vulnerabilities"))),
    )


def _posture(
    spec: Mapping[str, Any], match: Mapping[str, Any], fields: dict[str, Any]
) -> Iterator[WaiverMatch]:
    controls = [_text(one.get("controlID")) for one in _tables(spec.get("posture"))]
    for control in filter(None, controls):
        for about in _resources(match):
            yield WaiverMatch(sort="controls", controls=(control,), **(fields | about))


def _vulnerabilities(
    spec: Mapping[str, Any], match: Mapping[str, Any], fields: dict[str, Any]
) -> Iterator[WaiverMatch]:
    for one in _tables(spec.get("vulnerabilities")):
        named = _table(one.get("vulnerability"))
        ids = [_text(named.get("id")), *(_text(alias) for alias in _list(named.get("aliases")))]
        if one.get("status") not in _ACCEPTED or not any(ids):
            continue
        for about in _resources(match):
            yield WaiverMatch(
                sort="vulnerabilities", vulnerabilities=tuple(filter(None, ids)), **(fields | about)
            )


def _resources(match: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    resources = _tables(match.get("resources"))
    for one in resources:
        kind, name = _text(one.get("kind")), _text(one.get("name"))
        yield {key: (value,) for key, value in (("kinds", kind), ("names", name)) if value}
    if not resources:
        yield {}


def _selected(selector: Any) -> dict[str, str] | None:
    """Labels and their globs; ``None`` for what globs cannot say."""
    table = _table(selector)
    labels = {str(k): v for k, v in _table(table.get("matchLabels")).items() if isinstance(v, str)}
    for one in _tables(table.get("matchExpressions")):
        values = _list(one.get("values"))
        if one.get("operator") == "Exists":
            labels[_text(one.get("key"))] = "*"
        elif one.get("operator") == "In" and len(values) == 1 and isinstance(values[0], str):
            labels[_text(one.get("key"))] = values[0]
        else:
            return None
    return labels


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]
