"""Makes objects of what the command lines of clouds print, by the shape of each answer.

The kinds are those that existing clients know; the fields stay as they are, below the object's root.
"""

from collections.abc import Callable
from typing import Any

import orjson

from leadline.model.resource import Origin, Resource
from leadline.model.unread import Unread
from leadline.posture.fact_kinds import (
    ACR_ROLES,
    AKS,
    COMMANDS,
    ECR,
    EKS,
    EKS_ROLE,
    EKS_SUBNETS,
    GAR,
    GKE,
)
from leadline.sources.regular_file import read_regular

_MOST_BYTES = 32 << 20
_LIST = {ACR_ROLES: "assignments", GAR: "repositories"}
"""Where the items are of an answer that is a list alone."""
Body = dict[str, Any]


def read_description(path: str) -> Resource | Unread:
    """The object that the file at ``path`` describes, or why there is none."""
    try:
        content = read_regular(path, _MOST_BYTES + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return Unread(path, why, "forbidden" if isinstance(error, PermissionError) else "missing")
    if len(content) > _MOST_BYTES:
        return Unread(path, f"larger than {_MOST_BYTES >> 20} MiB", "too large")
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        return Unread(
            path, f"not JSON: {error}", "malformed", hint="print it with --output json or --format json"
        )
    kind = _kind_of(answer)
    if not kind:
        known = "; ".join(COMMANDS.values())
        return Unread(
            path, "not the answer of a command that is known here", "unsupported", hint=f"known are: {known}"
        )
    return _resource(kind, answer, path)


def _kind_of(answer: Any) -> str:
    return next((kind for kind, is_it in _SHAPES if is_it(answer)), "")


def _resource(kind: str, answer: Any, path: str) -> Resource:
    name_of_kind, _, group = kind.partition(".")
    said: Body = {_LIST[kind]: answer} if isinstance(answer, list) else answer
    name = _name(said, path)
    body = {**said, "apiVersion": f"{group}/v1", "kind": name_of_kind, "metadata": {"name": name}}
    return Resource(f"{group}/v1", name_of_kind, "", name, body, Origin(path=path))


def _name(said: Body, path: str) -> str:
    """The cluster's own, else the file's."""
    for holder in (said.get("cluster"), said):
        name = holder.get("name") if isinstance(holder, dict) else None
        if isinstance(name, str) and name:
            return name
    return path.replace("\\", "/").rpartition("/")[2]


def _has(field: str, kind: type) -> Callable[[Any], bool]:
    return lambda answer: isinstance(answer, dict) and isinstance(answer.get(field), kind)


def _is_aks(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and str(answer.get("type", "")).lower() == "microsoft.containerservice/managedclusters"
    )


def _is_gke(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and "/clusters/" in str(answer.get("selfLink", ""))
        and "container" in str(answer.get("selfLink", ""))
    )


def _of_items(field: str) -> Callable[[Any], bool]:
    """An answer that is a list of objects with ``field``."""
    return lambda answer: (
        isinstance(answer, list)
        and bool(answer)
        and all(isinstance(item, dict) and field in item for item in answer)
    )


_SHAPES: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    (EKS, _has("cluster", dict)),
    (EKS_SUBNETS, _has("Subnets", list)),
    (ECR, _has("repositories", list)),
    (EKS_ROLE, _has("AttachedPolicies", list)),
    (AKS, _is_aks),
    (GKE, _is_gke),
    (ACR_ROLES, _of_items("roleDefinitionId")),
    (GAR, _of_items("format")),
)
