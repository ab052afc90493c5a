"""What a check can look at. Each is built once per object, and reads a field of the wrong type as absent.

(A pod spec with such a field is reported as unread by the engine, so nothing passes for being malformed_fields.)
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar, overload

from leadline.kube.field_path import format_path
from leadline.kube.workload import CONTAINER_LISTS, Body, Keys, descend, pod_paths
from leadline.model.resource import Resource

NAMESPACES_OF_KUBERNETES = frozenset({"kube-system", "kube-public", "kube-node-lease"})
_OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")
S = TypeVar("S")
V = TypeVar("V")
_RUNS_TO_COMPLETION = frozenset({"Job", "CronJob"})


def mapping(value: Any) -> Body:
    """``value`` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """``value`` if it is text, else empty."""
    return value if isinstance(value, str) else ""


def mappings(value: Any) -> Iterator[tuple[int, Body]]:
    """Index and item of each mapping in the list ``value``."""
    for index, item in enumerate(sequence(value)):
        if isinstance(item, dict):
            yield index, item


class kept(Generic[S, V]):  # noqa: N801 (it stands where a decorator does)
    """As ``functools.cached_property``, without the lock that it takes before Python 3.12.

    A scan reads some ten such fields of every container: it takes 4 % longer with the lock.
    """

    def __init__(self, find: Callable[[S], V]) -> None:
        self._find = find
        self._name = find.__name__
        self.__doc__ = find.__doc__

    @overload
    def __get__(self, subject: None, owner: type[S]) -> "kept[S, V]": ...
    @overload
    def __get__(self, subject: S, owner: type[S]) -> V: ...
    def __get__(self, subject: S | None, owner: type[S]) -> "kept[S, V] | V":
        if subject is None:
            return self
        value = subject.__dict__[self._name] = self._find(subject)
        return value


class Workload:
    """An object that runs pods, seen through its pod template.

    Paths of a check over a ``Workload`` start at the pod spec: ``hostNetwork``, ``volumes[0]``,
    ``containers[0].image``. For paths from the object's own root use ``on=workload.resource.id``.
    """

    __slots__ = ("__dict__", "path", "pod", "resource", "template")

    def __init__(self, resource: Resource, keys: Keys) -> None:
        self.resource = resource
        self.path = f"{format_path(keys)}." if keys else ""
        """From the object's root to its pod: ``""`` or ``spec.template.``; the pod's spec is at ``path + "spec."``."""
        self.template = descend(resource.body, keys)
        self.pod = mapping(self.template.get("spec"))

    def settle(self) -> None:
        """Lets go of what was worked out: it takes more than the object, and is worked out again where it is asked for."""
        self.__dict__.clear()

    @property
    def kind(self) -> str:
        return self.resource.kind

    @property
    def name(self) -> str:
        return self.resource.name

    @property
    def namespace(self) -> str:
        """As Kubernetes takes it: ``default`` where none is written."""
        return self.resource.namespace or "default"

    @property
    def is_templated(self) -> bool:
        """Whether the pod comes from a template (everything but a bare Pod)."""
        return bool(self.path)

    @property
    def pod_path(self) -> str:
        """From the object's root to the pod spec, with a dot at the end."""
        return self.path + "spec."

    @property
    def runs_to_completion(self) -> bool:
        """Whether its pods end by themselves, so that probes and services have no purpose."""
        return self.resource.kind in _RUNS_TO_COMPLETION or self.pod.get("restartPolicy") in (
            "Never",
            "OnFailure",
        )

    @kept
    def labels(self) -> dict[str, str]:
        """The labels of the pods, which selectors look at."""
        return mapping(mapping(self.template.get("metadata")).get("labels"))

    @kept
    def own_labels(self) -> dict[str, str]:
        """The labels of the object itself."""
        return mapping(mapping(self.resource.body.get("metadata")).get("labels"))

    @kept
    def annotations(self) -> dict[str, str]:
        """The annotations of the pods."""
        return mapping(mapping(self.template.get("metadata")).get("annotations"))

    @kept
    def security_context(self) -> Body:
        """The pod's own, which containers inherit."""
        return mapping(self.pod.get("securityContext"))

    @kept
    def is_windows(self) -> bool:
        """Whether the pods run on Windows nodes, where Linux security settings do not exist."""
        if mapping(self.pod.get("os")).get("name") == "windows":
            return True
        wanted = mapping(self.pod.get("nodeSelector"))
        if "windows" in (wanted.get(label) for label in _OS_LABELS):
            return True
        affinity = mapping(mapping(self.pod.get("affinity")).get("nodeAffinity"))
        required = mapping(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"))
        terms = [term for _, term in mappings(required.get("nodeSelectorTerms"))]
        return bool(terms) and all(map(_asks_for_windows, terms))  # one term is enough for a node to fit

    @kept
    def volumes(self) -> tuple[tuple[int, Body], ...]:
        """Index and body of each volume."""
        return tuple(mappings(self.pod.get("volumes")))

    @kept
    def volumes_by_name(self) -> dict[str, list[Body]]:
        found: dict[str, list[Body]] = {}
        for _, volume in self.volumes:
            found.setdefault(text(volume.get("name")), []).append(volume)
        return found

    @kept
    def mounts_by_volume(self) -> dict[str, list[tuple["Container", str]]]:
        """By a volume's name: the containers that mount it, each with the mount's path from the pod."""
        found: dict[str, list[tuple[Container, str]]] = {}
        for container in self.containers:
            for m, mount in container.mounts:
                place = f"{container.place}volumeMounts[{m}]"
                found.setdefault(text(mount.get("name")), []).append((container, place))
        return found

    def mounts_of(self, volume: Body) -> list[tuple["Container", str]]:
        """As ``mounts_by_volume``."""
        return self.mounts_by_volume.get(text(volume.get("name")), [])

    @property
    def service_account(self) -> str:
        """Name of the service account its pods use; ``default`` where none is named."""
        return text(self.pod.get("serviceAccountName")) or text(self.pod.get("serviceAccount")) or "default"

    @kept
    def containers(self) -> tuple["Container", ...]:
        """Containers, then init containers, then ephemeral ones."""
        return tuple(
            Container(self, name, index, body)
            for name in CONTAINER_LISTS
            for index, body in mappings(self.pod.get(name))
        )


class Container:
    """One container of a workload, of any of the three lists. Paths of a check start at the container."""

    __slots__ = ("__dict__", "_answers", "body", "index", "list", "security_context", "workload")

    def __init__(self, workload: Workload, list_name: str, index: int, body: Body) -> None:
        self._answers: dict[Hashable, Any] = {}
        self.workload = workload
        self.list = list_name
        """``containers``, ``initContainers`` or ``ephemeralContainers``."""
        self.index = index
        self.body = body
        self.security_context = mapping(body.get("securityContext"))

    def once(self, question: Hashable, answer: Callable[[], V]) -> V:
        """``answer()``, which may rest on nothing but the container; kept under ``question`` for as long as that is."""
        if question not in self._answers:
            self._answers[question] = answer()
        found: V = self._answers[question]
        return found

    @property
    def place(self) -> str:
        """From the pod spec to the container, with a dot: ``containers[0].``; for checks over the workload."""
        return f"{self.list}[{self.index}]."

    @property
    def path(self) -> str:
        """From the object's root to the container, with a dot."""
        return f"{self.workload.pod_path}{self.list}[{self.index}]."

    @property
    def name(self) -> str:
        return text(self.body.get("name"))

    @property
    def image(self) -> str:
        return text(self.body.get("image"))

    @property
    def is_ephemeral(self) -> bool:
        """Whether it is a debugging container: it takes no probes, ports or resources, and cannot be changed."""
        return self.list == "ephemeralContainers"

    @property
    def is_sidecar(self) -> bool:
        """Whether it is an init container that keeps running beside the others (Kubernetes 1.29)."""
        return self.list == "initContainers" and self.body.get("restartPolicy") == "Always"

    @property
    def is_long_running(self) -> bool:
        """Whether it is meant to stay: a container of a workload that does not end, or a sidecar."""
        if self.list == "containers":
            return not self.workload.runs_to_completion
        return self.is_sidecar and not self.workload.runs_to_completion

    def effective(self, field: str) -> Any:
        """The security setting that holds: the container's own, else the pod's; ``None`` where neither says."""
        value = self.security_context.get(field)
        return value if value is not None else self.workload.security_context.get(field)

    @kept
    def capabilities(self) -> Body:
        return mapping(self.security_context.get("capabilities"))

    @kept
    def added_capabilities(self) -> tuple[tuple[int, str], ...]:
        """Index and name of each added capability, upper case and without ``CAP_`` as the runtime takes it."""
        return _capabilities(self.capabilities.get("add"))

    @kept
    def dropped_capabilities(self) -> frozenset[str]:
        return frozenset(name for _, name in _capabilities(self.capabilities.get("drop")))

    @kept
    def env(self) -> tuple[tuple[int, Body], ...]:
        return tuple(mappings(self.body.get("env")))

    @kept
    def env_from(self) -> tuple[tuple[int, Body], ...]:
        return tuple(mappings(self.body.get("envFrom")))

    @kept
    def ports(self) -> tuple[tuple[int, Body], ...]:
        return tuple(mappings(self.body.get("ports")))

    @kept
    def mounts(self) -> tuple[tuple[int, Body], ...]:
        """Index and body of each volume mount."""
        return tuple(mappings(self.body.get("volumeMounts")))

    @kept
    def resources(self) -> Body:
        return mapping(self.body.get("resources"))

    @kept
    def command_line(self) -> tuple[tuple[str, str], ...]:
        """Path and text of each word that is run: ``("command[0]", "/bin/sh"), ("args[0]", "-c")``."""
        return tuple(
            (f"{name}[{i}]", word)
            for name in ("command", "args")
            for i, word in enumerate(sequence(self.body.get(name)))
            if isinstance(word, str)
        )


class Namespace:
    """A namespace. Paths start at the object's root."""

    __slots__ = ("resource",)

    def __init__(self, resource: Resource) -> None:
        self.resource = resource

    @property
    def name(self) -> str:
        return self.resource.name

    @property
    def labels(self) -> dict[str, str]:
        return mapping(mapping(self.resource.body.get("metadata")).get("labels"))

    @property
    def is_kubernetes_own(self) -> bool:
        """Whether Kubernetes itself made it and lives in it."""
        return self.name in NAMESPACES_OF_KUBERNETES


def _asks_for_windows(term: Body) -> bool:
    return any(
        expression.get("key") in _OS_LABELS
        and expression.get("operator") == "In"
        and expression.get("values") == ["windows"]
        for _, expression in mappings(term.get("matchExpressions"))
    )


def workloads_of(resource: Resource) -> tuple[Workload, ...]:
    """``resource`` as the pods it runs: none, one, or several for some custom resources."""
    return tuple(
        Workload(resource, keys) for keys in pod_paths(resource.api_version, resource.kind, resource.body)
    )


def _capabilities(value: Any) -> tuple[tuple[int, str], ...]:
    return tuple(
        (index, name.upper().removeprefix("CAP_"))
        for index, name in enumerate(sequence(value))
        if isinstance(name, str)
    )
