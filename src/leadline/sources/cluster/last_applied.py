"""What an object's last-applied annotation says beyond the object itself.

``kubectl apply`` writes the whole manifest there. A credential that was since moved into a Secret by other means still
is in it, for everyone who may read the object; all the rest is a copy that would double what is held.
"""

from typing import Any

import orjson

from leadline.kube.workload import CONTAINER_LISTS, Keys, descend, pod_paths
from leadline.untyped import mapping, mappings, texts

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
        now = mapping(body.get("data"))
        gone = {key: text for key, text in mapping(applied.get("data")).items() if now.get(key) != text}
        return orjson.dumps({**left, "data": gone}).decode() if gone else ""
    found = False
    for path in pod_paths(version, kind, applied):
        pod = _pod_remainder(descend(body, (*path, "spec")), descend(applied, (*path, "spec")))
        if pod and _put(left, (*path, "spec"), pod):
            found = True
    return orjson.dumps(left).decode() if found else ""


def _pod_remainder(now: dict[str, Any], applied: dict[str, Any]) -> dict[str, Any]:
    """The containers of ``applied`` with what those of ``now`` say no more."""
    lists = {name: mappings(applied.get(name)) for name in CONTAINER_LISTS}
    present = [one for name in CONTAINER_LISTS for one in mappings(now.get(name))]
    variables = {
        (str(v.get("name")), str(v.get("value"))) for one in present for v in mappings(one.get("env"))
    }
    words = {word for one in present for field in ("command", "args") for word in texts(one.get(field))}
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
        for row in mappings(container.get("env"))
        if isinstance(row.get("value"), str) and (str(row.get("name")), row["value"]) not in variables
    ]
    lines = {
        field: said
        for field in ("command", "args")
        if (said := texts(container.get(field))) and not words.issuperset(said)
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
