"""What the cluster says of alerts: what it accepts, rules of its users, and annotations of a workload. Bounded, and asked again now and then."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from leadline.errors import ClusterError, SourceError
from leadline.fair_share import fairly
from leadline.model.container import Container
from leadline.model.resource import Resource
from leadline.model.waiver import Waiver
from leadline.runtime.rule import Rule
from leadline.scans.stored.behaviour import workload_of
from leadline.scans.waivers.waiving import waivers_of_objects
from leadline.sources.cluster.connection import async_client
from leadline.untyped import mapping, text

log = logging.getLogger(__name__)
LARGEST_ANSWER = 16 << 20
PATIENCE_S = 20.0
MOST_RULES = 1_000
"""Of all objects; a rule counts once for each type of event."""
_LISTS = {
    "SecurityException": "/apis/kubescape.io/v1beta1/securityexceptions",
    "ClusterSecurityException": "/apis/kubescape.io/v1beta1/clustersecurityexceptions",
    "Rules": "/apis/kubescape.io/v1/rules",
}
_NAMESPACES = "/api/v1/namespaces"
_PATHS = {
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "Job": ("batch/v1", "jobs"),
    "CronJob": ("batch/v1", "cronjobs"),
    "ReplicationController": ("v1", "replicationcontrollers"),
    "Pod": ("v1", "pods"),
}
"""Where workloads are asked for."""
_PARTIAL = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
Body = dict[str, Any]


class OwnRules(Struct, frozen=True):
    """The rules of all objects of the kind ``Rules``."""

    rules: tuple[Rule, ...] = ()
    problems: tuple[str, ...] = ()
    """Why some of them are not used; one line each."""


class ClusterObjects:
    def __init__(self, environ: Mapping[str, str], context: str = "", kubeconfig: str = "") -> None:
        """With the account of this pod, else as kubectl would. Raises: ``ClusterError``."""
        self._http = async_client(context, kubeconfig, environ=environ)
        self._read: tuple[tuple[str, str], ...] | None = None
        self._rules = OwnRules()

    async def accepted(self) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
        """Those of all SecurityExceptions, and why some are not in force. Raises: ``ClusterError``."""
        found = [
            _resource(body, "kubescape.io/v1beta1", kind)
            for kind in ("SecurityException", "ClusterSecurityException")
            for body in await self._items(_LISTS[kind])
        ]
        # Labels of namespaces are asked for where something selects by them alone.
        if any("namespaceSelector" in str(one.body.get("spec")) for one in found):
            spaces = await self._items(_NAMESPACES, _PARTIAL.format("List"))
            found += [_resource(body, "v1", "Namespace") for body in spaces]
        waivers, unread = waivers_of_objects(found)
        in_force = tuple(one for one in waivers if one.kind == "security exception")
        return in_force, tuple(f"{one.where}: {one.why}" for one in unread)

    async def rules(self) -> OwnRules:
        """The same value for as long as no object changes. Raises: ``ClusterError``."""
        bodies = await self._items(_LISTS["Rules"])
        versions = tuple(sorted((_said(body, "uid"), _said(body, "resourceVersion")) for body in bodies))
        if versions != self._read:
            self._rules = await asyncio.to_thread(compiled, bodies)
            self._read = versions
        return self._rules

    async def workload(self, container: Container) -> Resource | None:
        """The metadata of what a container belongs to; ``None`` for what is not there or of no kind of Kubernetes' own.

        Raises: ``ClusterError``.
        """
        kind, name = workload_of(container)
        if kind not in _PATHS or not container.namespace or not name:
            return None
        version, plural = _PATHS[kind]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        path = f"{root}/namespaces/{quote(container.namespace)}/{plural}/{quote(name)}"
        body = await self._get(path, _PARTIAL.format(""))
        return None if body is None else _resource(body, version, kind)

    async def pod(self, namespace: str, name: str) -> Body | None:
        """``None`` where it is not there. Raises: ``ClusterError``."""
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}"
        return await self._get(path, "application/json")

    async def close(self) -> None:
        await self._http.aclose()

    async def _items(self, path: str, accept: str = "application/json") -> list[Body]:
        """None where the kind is not served."""
        answer = await self._get(f"{path}?resourceVersion=0", accept) or {}
        items = answer.get("items")
        return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []

    async def _get(self, path: str, accept: str) -> Body | None:
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                self._http.stream("GET", path, headers={"Accept": accept}) as answer,
            ):
                if answer.status_code == 404:
                    return None
                if answer.status_code != 200:
                    raise ClusterError(f"{path.partition('?')[0]} cannot be read: HTTP {answer.status_code}")
                content = bytearray()
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        raise ClusterError(f"{path.partition('?')[0]} cannot be read: too large an answer")
            return msgspec.json.decode(bytes(content), type=dict[str, Any])
        except ClusterError:
            raise
        except Exception as error:  # of the HTTP client, which only sources know
            raise ClusterError(f"{path.partition('?')[0]} cannot be read: {type(error).__name__}") from error


def compiled(bodies: list[Body]) -> OwnRules:
    from leadline.runtime.catalogue import all_rules
    from leadline.runtime.cel_rules import read_rules

    built_in = {one.id for one in all_rules()}
    rules: list[tuple[str, Rule]] = []
    """With the namespace of each."""
    problems: list[str] = []
    for body in bodies:
        where = f"Rules {_said(body, 'namespace')}/{_said(body, 'name')}"
        try:
            found, wrong = read_rules(body, where)
        except SourceError as error:
            problems.append(" ".join(filter(None, (str(error.args[0]), error.hint))))
            continue
        problems += [str(one.args[0]) for one in wrong]
        # An installation of the ecosystem brings its whole library so: ours are the same, and ten times as fast.
        rules += [(_said(body, "namespace"), one) for one in found if one.id not in built_in]
    if len(rules) > MOST_RULES:
        problems.append(
            f"{len(rules):,} rules in all Rules objects: only {MOST_RULES:,} are used, of each namespace as many"
        )
        rules = fairly(rules, lambda pair: pair[0])[:MOST_RULES]
    return OwnRules(tuple(rule for _, rule in rules), tuple(problems))


def _resource(body: Body, version: str, kind: str) -> Resource:
    """Items of a list do not name their kind."""
    whole = {**body, "apiVersion": version, "kind": kind}
    return Resource(version, kind, _said(body, "namespace"), _said(body, "name"), whole)


def _said(body: Body, field: str) -> str:
    return text(mapping(body.get("metadata")).get(field))
