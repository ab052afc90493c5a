"""What an object's last-applied annotation says beyond the object itself.

``kubectl apply`` writes the whole manifest there. A credential that was since moved into a Secret by other means still
is in it, for everyone who may read the object; all the rest is a copy that would double what is held.
"""

from typing import Any

import orjson

from leadline.kube.workload import CONTAINER_LISTS, Keys, descend, pod_paths

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LONGEST = 1 << 20
"""Characters; the server takes 256 KiB of annotations."""


def remainder(body: dict[str, Any], annotation: Any) -> str:
    """The texts of ``annotation`` that ``body`` no longer has, as a manifest with nothing else; empty where none is.

    Looked at are the data of ConfigMaps and the variables and command lines of containers: what may hold a credential.
    """
    if not isinstance(annotation, str) or len(annotation) > _LONGEST:
        return ""
    try:
        applied = orjson.loads(annotation)
    except ValueError:
        return ""
    kind, version = str(body.get("kind")), str(body.get("apiVersion"))
    if not isinstance(applied, dict) or applied.get("kind") != kind or kind == "Secret":
        return ""
    left: dict[str, Any] = {"apiVersion": version, "kind": kind}
    if kind == "ConfigMap":
        now = _mapping(body.get("data"))
        gone = {key: text for key, text in _mapping(applied.get("data")).items() if now.get(key) != text}
        return orjson.dumps({**left, "data": gone}).decode() if gone else ""
    found = False
    for path in pod_paths(version, kind, applied):
        pod = _pod_remainder(descend(body, (*path, "spec")), descend(applied, (*path, "spec")))
        if pod and _put(left, (*path, "spec"), pod):
            found = True
    return orjson.dumps(left).decode() if found else ""


def _pod_remainder(now: dict[str, Any], applied: dict[str, Any]) -> dict[str, Any]:
    """The containers of ``applied`` with what those of ``now`` say no more."""
    lists = {name: _rows(applied, name) for name in CONTAINER_LISTS}
    present = [one for name in CONTAINER_LISTS for one in _rows(now, name)]
    variables = {(str(v.get("name")), str(v.get("value"))) for one in present for v in _rows(one, "env")}
    words = {word for one in present for field in ("command", "args") for word in _texts(one, field)}
    result: dict[str, Any] = {}
    for name, containers in lists.items():
        left = [part for one in containers if (part := _container_remainder(one, variables, words))]
        if left:
            result[name] = left
    return result


def _container_remainder(
    container: dict[str, Any], variables: set[tuple[str, str]], words: set[str]
) -> dict[str, Any]:
    env = [
        {"name": row.get("name"), "value": row["value"]}
        for row in _rows(container, "env")
        if isinstance(row.get("value"), str) and (str(row.get("name")), row["value"]) not in variables
    ]
    lines = {
        field: texts
        for field in ("command", "args")
        if (texts := _texts(container, field)) and not words.issuperset(texts)
    }
    if not env and not lines:
        return {}
    part: dict[str, Any] = {field: container[field] for field in ("name", "image") if field in container}
    if env:
        part["env"] = env
    return part | lines


def _put(target: dict[str, Any], path: Keys, value: dict[str, Any]) -> bool:
    """Writes below mappings alone: pods within lists of custom resources are left out."""
    for key in path[:-1]:
        if not isinstance(key, str):
            return False
        target = target.setdefault(key, {})
    target[str(path[-1])] = value
    return True


def _rows(holder: dict[str, Any], field: str) -> list[dict[str, Any]]:
    rows = holder.get(field)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _texts(holder: dict[str, Any], field: str) -> list[str]:
    texts = holder.get(field)
    return [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
