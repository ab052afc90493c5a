"""Which custom kinds run pods: those whose published schema holds a pod template.

The schemas come from OpenAPI V3, which every signed-in user may read; listing CustomResourceDefinitions is a right.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from leadline.errors import ClusterError
from leadline.kube.kinds import ADDED, BUILT_IN
from leadline.model.unread import Unread
from leadline.sources.cluster.connection import Cluster
from leadline.sources.cluster.discovery import THREADS, ApiKind
from leadline.untyped import mapping, text

MAX_SCHEMA_DEPTH = 16
MAX_SCHEMA_NODES = 200_000
"""For one kind; the largest public custom resource definitions have some 20,000."""


def custom_workloads(cluster: Cluster, kinds: Iterable[ApiKind]) -> tuple[set[str], list[Unread]]:
    """Keys of the custom kinds among ``kinds`` whose schema holds a pod, and the schemas that could not be read."""
    by_version: dict[str, list[ApiKind]] = {}
    for kind in kinds:
        if (
            kind.key not in BUILT_IN
            and kind.key not in ADDED
            and kind.can_list
            and kind.group not in _KUBERNETES_OWN
        ):
            by_version.setdefault(kind.api_version, []).append(kind)
    if not by_version:
        return set(), []
    try:
        paths = mapping(mapping(cluster.ask("/openapi/v3")).get("paths"))
    except ClusterError as error:
        return set(), [_schema_unread("", str(error.args[0]))]

    def workloads_of(api_version: str) -> set[str] | str:
        address = text(mapping(paths.get(f"apis/{api_version}")).get("serverRelativeURL"))
        path, _, query = address.partition("?")
        if not path.startswith("/openapi/v3/"):
            return "the server has no schema for it"
        try:
            document = cluster.ask(
                path, {"hash": query.removeprefix("hash=")} if query.startswith("hash=") else None
            )
        except ClusterError as error:
            return str(error.args[0])
        schemas = mapping(mapping(mapping(document).get("components")).get("schemas"))
        return {kind.key for kind in by_version[api_version] if _holds_pod(schemas, kind)}

    found: set[str] = set()
    unread: list[Unread] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for api_version, result in zip(by_version, pool.map(workloads_of, by_version), strict=True):
            if isinstance(result, str):
                unread.append(_schema_unread(api_version, result))
            else:
                found |= result
    return found, unread


def _schema_unread(api_version: str, why: str) -> Unread:
    where = f"schema of {api_version}" if api_version else "schemas of custom resources"
    return Unread(where, f"{why}; its kinds that run pods are not known", "unreachable")


def _holds_pod(schemas: Mapping[str, Any], kind: ApiKind) -> bool:
    wanted = {"group": kind.group, "kind": kind.kind, "version": kind.version}
    for schema in schemas.values():
        if isinstance(schema, dict) and wanted in (schema.get("x-kubernetes-group-version-kind") or ()):
            return _has_pod_spec(schema, schemas)
    return False


def _has_pod_spec(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    """Whether some ``spec`` in the schema has a list of containers with images."""
    pending: list[tuple[str, Any, int]] = [("", schema, 0)]
    seen = 0
    refs: set[tuple[bool, str]] = set()
    while pending and seen < MAX_SCHEMA_NODES:
        name, node, depth = pending.pop()
        seen += 1
        if not isinstance(node, dict) or depth > MAX_SCHEMA_DEPTH:
            continue
        ref = _ref(node)
        if ref:
            if (name == "spec", ref) not in refs:
                refs.add((name == "spec", ref))
                pending.append((name, schemas.get(ref), depth))
            continue
        properties = mapping(node.get("properties"))
        if name == "spec" and depth > 1 and _lists_images(properties.get("containers"), schemas):
            return True
        pending += [
            (key, value, depth + 1) for key, value in properties.items() if key not in ("status", "metadata")
        ]
        pending += [("", node[key], depth + 1) for key in ("items", "additionalProperties") if key in node]
    return False


def _lists_images(containers: Any, schemas: Mapping[str, Any]) -> bool:
    items = mapping(mapping(containers).get("items"))
    item = mapping(schemas.get(_ref(items))) if _ref(items) else items
    return "image" in mapping(item.get("properties"))


def _ref(node: Mapping[str, Any]) -> str:
    """The name of the schema that the node represents, also where it is wrapped to carry a default."""
    whole = node.get("allOf")
    if isinstance(whole, list) and len(whole) == 1 and isinstance(whole[0], dict):
        node = whole[0]
    return text(node.get("$ref")).removeprefix("#/components/schemas/")


_KUBERNETES_OWN = frozenset(row.group for row in BUILT_IN.values()) | {"extensions", "metrics.k8s.io"}
"""Groups whose kinds are known; metrics repeat what pods say."""
