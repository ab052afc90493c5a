"""Where each kind keeps its pod. Kinds that are not built in are recognised by the shape of their spec."""

from collections import deque
from collections.abc import Iterator
from typing import Any

Body = dict[str, Any]
Keys = tuple[str | int, ...]

CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")

_TEMPLATE = ("spec", "template")
_JOB_TEMPLATE = ("spec", "jobTemplate", "spec", "template")
_KEPT_TEMPLATE = ("data", "spec", "template")
"""What a ControllerRevision keeps of a StatefulSet or DaemonSet, whose controller makes pods from it."""
_BUILT_IN: dict[str, Keys] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "ControllerRevision": _KEPT_TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": _JOB_TEMPLATE,
}
POD_KINDS = frozenset(_BUILT_IN)
"""The built-in kinds that run pods."""
_DEEPEST = 60
"""Of the search through custom resources; the deepest schema known has some 60 levels."""
_NOT_SEARCHED = ("metadata", "status", "apiVersion", "kind")
"""At the top of an object: what others wrote about it."""
_RUNS = frozenset(
    {"command", "args", "script", "env", "envFrom", "ports", "securityContext", "volumeMounts", "resources"}
)
"""Fields beside ``image`` that only what runs has."""
_OWN_GROUPS = frozenset(
    [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "metrics.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    ]
)
"""Others below ``k8s.io``, such as ``sparkoperator.k8s.io``, are of projects beside it."""

MAX_CONTAINERS = 10_000
"""Far above what fits into an object the API server accepts (1.5 MiB of etcd value)."""


def pod_paths(api_version: str, kind: str, body: Body) -> tuple[Keys, ...]:
    """The keys from the object to each of its pods, the mappings that hold ``spec``; empty where it runs none.

    Built-in kinds keep their pod in one known place. Custom resources are searched for what has the shape of a
    pod template, so that kinds with several (RayCluster, SparkApplication) are seen whole.
    """
    built_in = _BUILT_IN.get(kind)
    if _is_kubernetes_own(api_version):
        return () if built_in is None else (built_in,)
    if kind == "CustomResourceDefinition":
        return ()
    return tuple(keys for keys, is_pod in _search(body) if is_pod)


def containers_elsewhere(api_version: str, kind: str, body: Body) -> Keys | None:
    """The keys to the first thing of a custom resource that runs an image and is in no pod that is known.

    Argo's Workflow and Tekton's Task are such kinds. ``None`` for none.
    """
    if _is_kubernetes_own(api_version) or kind == "CustomResourceDefinition":
        return None
    return next((keys for keys, is_pod in _search(body) if not is_pod), None)


def images_in(api_version: str, kind: str, body: Body) -> Iterator[tuple[str, str]]:
    """Every image that the object runs or mounts, as written, with the name of its container.

    The name is empty for what runs an image outside of a pod, and for a volume made of an image.
    """
    for keys in pod_paths(api_version, kind, body):
        spec = descend(body, (*keys, "spec"))
        for name in CONTAINER_LISTS:
            for container in _mappings(spec.get(name)):
                yield from _image_of(container, container.get("image"))
        for volume in _mappings(spec.get("volumes")):
            source = volume.get("image")
            yield from _image_of({}, source.get("reference") if isinstance(source, dict) else None)
    if not _is_kubernetes_own(api_version) and kind != "CustomResourceDefinition":
        for keys, is_pod in _search(body):
            if not is_pod:
                runs = descend(body, keys)
                yield from _image_of(runs, runs.get("image"))


def _mappings(value: Any) -> Iterator[Body]:
    for part in value[:MAX_CONTAINERS] if isinstance(value, list) else ():
        if isinstance(part, dict):
            yield part


def _image_of(container: Body, image: Any) -> Iterator[tuple[str, str]]:
    name = container.get("name")
    if isinstance(image, str) and image:
        yield name if isinstance(name, str) else "", image


def _search(body: Body) -> Iterator[tuple[Keys, bool]]:
    """Keys to pods, and to what runs an image outside of them. Breadth first, so that nothing within a pod is taken for
    another one.
    """
    places: deque[tuple[Keys, Any]] = deque([((), body)])
    while places:
        keys, value = places.popleft()
        if isinstance(value, dict):
            spec = value.get("spec")
            if isinstance(spec, dict) and _has_containers(spec):
                yield keys, True
                if not keys:
                    places.extend((("spec", k), v) for k, v in spec.items() if k not in CONTAINER_LISTS)
            elif isinstance(value.get("image"), str) and not _RUNS.isdisjoint(value):
                yield keys, False
            elif not keys:
                places.extend(((key,), child) for key, child in value.items() if key not in _NOT_SEARCHED)
            elif len(keys) < _DEEPEST:
                places.extend(
                    ((*keys, key), child) for key, child in value.items() if isinstance(child, dict | list)
                )
        elif isinstance(value, list) and len(keys) < _DEEPEST:
            places.extend(
                ((*keys, i), child) for i, child in enumerate(value) if isinstance(child, dict | list)
            )


def descend(body: Any, keys: Keys) -> Body:
    """The mapping at ``keys``, or an empty one where any step is absent."""
    for key in keys:
        if isinstance(key, int):
            body = body[key] if isinstance(body, list) and key < len(body) else None
        else:
            body = body.get(key) if isinstance(body, dict) else None
    return body if isinstance(body, dict) else {}


def malformed_fields(pod_spec: Any) -> list[tuple[str, str]]:
    """Fields of a pod spec that have the wrong type, as (path, wanted type); the API server refuses such an object.

    A field of the wrong type is read as absent, so each has to be named: else it would pass unseen.
    """
    faults: list[tuple[str, str]] = []
    if not isinstance(pod_spec, dict):
        return [("", "a mapping")]
    for name in CONTAINER_LISTS:
        value = pod_spec.get(name)
        if value is None:
            continue
        if not isinstance(value, list):
            faults.append((name, "a list"))
            continue
        for i, container in enumerate(value[:MAX_CONTAINERS]):
            if not isinstance(container, dict):
                faults.append((f"{name}[{i}]", "a mapping"))
            else:
                _check_fields(container, _CONTAINER_FIELDS, f"{name}[{i}].", faults)
    _check_fields(pod_spec, _POD_FIELDS, "", faults)
    return faults


def _is_kubernetes_own(api_version: str) -> bool:
    """Whether the group is one of Kubernetes itself, whose kinds are all known."""
    group = api_version.partition("/")[0] if "/" in api_version else ""
    return "." not in group or group in _OWN_GROUPS


def _has_containers(spec: Body) -> bool:
    containers = spec.get("containers")
    return isinstance(containers, list) and any(
        isinstance(c, dict) and ("image" in c or "name" in c) for c in containers
    )


def _check_fields(body: Body, wanted: dict[str, type], prefix: str, faults: list[tuple[str, str]]) -> None:
    for name, kind in wanted.items():
        value: Any = body.get(name)
        if value is None:
            continue
        fits = isinstance(value, kind)
        if not fits:
            faults.append((prefix + name, _WORD[kind]))
        elif name == "securityContext":
            _check_fields(value, _SECURITY_FIELDS, f"{prefix}{name}.", faults)
        elif kind is list and name not in _LISTS_OF_TEXT:
            faults += [
                (f"{prefix}{name}[{i}]", "a mapping") for i, v in enumerate(value) if not isinstance(v, dict)
            ]


_CONTAINER_FIELDS: dict[str, type] = {
    "securityContext": dict,
    "env": list,
    "envFrom": list,
    "ports": list,
    "volumeMounts": list,
    "command": list,
    "args": list,
    "resources": dict,
    "image": str,
}
_POD_FIELDS: dict[str, type] = {
    "securityContext": dict,
    "volumes": list,
    "serviceAccountName": str,
    "hostPID": bool,
    "hostIPC": bool,
    "hostNetwork": bool,
    "hostUsers": bool,
    "shareProcessNamespace": bool,
    "automountServiceAccountToken": bool,
}
_SECURITY_FIELDS: dict[str, type] = {
    "capabilities": dict,
    "seccompProfile": dict,
    "seLinuxOptions": dict,
    "privileged": bool,
    "allowPrivilegeEscalation": bool,
    "readOnlyRootFilesystem": bool,
    "runAsNonRoot": bool,
}
_LISTS_OF_TEXT = frozenset({"command", "args"})
_WORD: dict[type, str] = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
