"""What a cluster serves: every kind, in the version that the server prefers.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct

from leadline.errors import ClusterError
from leadline.kube.kinds import ADDED, BUILT_IN, SHORT_NAMES, kind_key, plural_of
from leadline.sources.cluster.connection import Cluster
from leadline.untyped import mapping, mappings, text, texts

THREADS = 4

_AGGREGATED = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={v};as=APIGroupDiscoveryList" for v in ("v2", "v2beta1")
)
_VERSION = re.compile(r"v\d+((alpha|beta)\d+)?")
_ACCEPT = f"{_AGGREGATED},application/json"


class ApiKind(Struct, frozen=True):
    """A kind in the version that the server prefers."""

    group: str
    version: str
    kind: str
    plural: str
    is_namespaced: bool
    can_list: bool = True
    names: tuple[str, ...] = ()
    """Other names a person may use, in lower case: singular and short ones."""

    @property
    def key(self) -> str:
        return kind_key(self.group, self.kind)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """``secrets``, ``deployments.apps``: the way Kubernetes names it in RBAC errors."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of the collection, or of one object in it."""
        start = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace and self.is_namespaced else ""
        return f"{start}{inside}/{self.plural}" + (f"/{name}" if name else "")


class Served(Struct, frozen=True):
    """The answer of discovery."""

    kinds: Mapping[str, ApiKind]
    """By key; one entry per kind, in its preferred version."""
    broken_groups: Mapping[str, str]
    """Groups whose server did not answer, each with the reason."""


def discover_kinds(cluster: Cluster) -> Served:
    """Everything the server offers. A group whose own server is down is named, not fatal.

    Raises:
        ClusterError: the server says nothing at all.
    """
    found: dict[str, ApiKind] = {}
    broken: dict[str, str] = {}
    for path in ("/api", "/apis"):
        answer = cluster.ask(path, accept=_ACCEPT)
        if not isinstance(answer, dict):
            raise ClusterError(f"{cluster.server}{path}: response is not from a Kubernetes API server")
        if answer.get("kind") == "APIGroupDiscoveryList":
            _read_aggregated(answer, found, broken)
        else:
            _read_plain(cluster, path, answer, found, broken)
    return Served(found, broken)


def assumed_kinds() -> Served:
    """The built-in kinds as a server of today has them, for users who may not ask it."""
    versions = {"autoscaling": "v2"}
    kinds = {
        key: ApiKind(row.group, versions.get(row.group, "v1"), row.name, row.plural, row.is_namespaced)
        for key, row in BUILT_IN.items()
    }
    return Served(kinds, {})


def _read_aggregated(answer: Mapping[str, Any], found: dict[str, ApiKind], broken: dict[str, str]) -> None:
    for item in mappings(answer.get("items")):
        group = text(mapping(item.get("metadata")).get("name"))
        for version in mappings(item.get("versions")):
            if version.get("freshness") == "Stale":
                broken[group] = "its API server does not answer"
            for resource in mappings(version.get("resources")):
                served = mapping(resource.get("responseKind"))
                _add(
                    found,
                    _aggregated_kind(group, text(version.get("version")), text(served.get("kind")), resource),
                )


def _aggregated_kind(group: str, version: str, kind: str, resource: Mapping[str, Any]) -> ApiKind:
    return ApiKind(
        group,
        version,
        kind,
        text(resource.get("resource")),
        resource.get("scope") == "Namespaced",
        "list" in texts(resource.get("verbs")),
        _names(resource.get("singularResource"), resource.get("shortNames")),
    )


def _read_plain(
    cluster: Cluster, path: str, answer: Mapping[str, Any], found: dict[str, ApiKind], broken: dict[str, str]
) -> None:
    """Servers before 1.26 answer with versions alone; each is asked for by itself."""
    if path == "/api":
        versions = [("", version) for version in texts(answer.get("versions"))]
    else:
        versions = [pair for group in mappings(answer.get("groups")) for pair in _versions_of(group)]

    def resources_of(pair: tuple[str, str]) -> tuple[list[Mapping[str, Any]], str]:
        group, version = pair
        try:
            listing = cluster.ask(f"/apis/{group}/{version}" if group else f"/api/{version}")
        except ClusterError as error:
            return [], str(error.args[0])
        return list(mappings(mapping(listing).get("resources"))), ""

    with ThreadPoolExecutor(THREADS) as pool:
        for (group, version), (resources, failure) in zip(
            versions, pool.map(resources_of, versions), strict=True
        ):
            if failure:
                broken[group] = failure
            for resource in resources:
                name = text(resource.get("name"))
                if "/" not in name:
                    _add(found, _plain_kind(group, version, name, resource))


def _versions_of(group: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(group, version), the preferred one first."""
    name = text(group.get("name"))
    preferred = text(mapping(group.get("preferredVersion")).get("version"))
    versions = [text(version.get("version")) for version in mappings(group.get("versions"))]
    for version in sorted(versions, key=lambda version: version != preferred):
        yield name, version


def _plain_kind(group: str, version: str, plural: str, resource: Mapping[str, Any]) -> ApiKind:
    return ApiKind(
        group,
        version,
        text(resource.get("kind")),
        plural,
        resource.get("namespaced") is True,
        "list" in texts(resource.get("verbs")),
        _names(resource.get("singularName"), resource.get("shortNames")),
    )


def _add(found: dict[str, ApiKind], kind: ApiKind) -> None:
    """The first version that can be listed stays: servers name them in their order of preference."""
    if not (kind.kind and kind.plural and kind.version) or not _is_plain(
        kind.plural, kind.group, kind.version
    ):
        return
    held = found.get(kind.key)
    if held is None or (kind.can_list and not held.can_list):
        found[kind.key] = kind


def _is_plain(*names: str) -> bool:
    """Whether the names can be in a URL path as they are."""
    return all(c.isalnum() or c in "-." for name in names for c in name)


def _names(singular: Any, short: Any) -> tuple[str, ...]:
    return tuple(name.lower() for name in (text(singular), *texts(short)) if name)


def resolve_kind(served: Served, word: str) -> ApiKind | None:
    """The kind a person means by ``Deployment``, ``deployments``, ``deploy``, ``deployment.apps`` or ``….v1.apps``."""
    name, _, rest = word.lower().partition(".")
    version, _, group = rest.partition(".")
    if not _VERSION.fullmatch(version):
        version, group = "", rest
    words = (name, SHORT_NAMES.get(name, name))  # where discovery is refused, they are not known
    fits = [
        kind
        for kind in served.kinds.values()
        if (not group or kind.group == group)
        and (not version or kind.version == version)
        and any(word in (kind.kind.lower(), kind.plural, *kind.names) for word in words)
    ]
    return min(fits, key=lambda kind: (kind.key not in BUILT_IN, kind.group), default=None)


def known_plural(key: str) -> str:
    """The plural of a kind without asking a server."""
    row = BUILT_IN.get(key) or ADDED.get(key)
    return row.plural if row else plural_of(key.partition(".")[0])
