"""Objects that are missing, and waivers for what stays, as files to look over: nothing in them is applied by itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from leadline.errors import StoreError
from leadline.model.control import YOUR_VALUE, Control, Missing
from leadline.model.finding import Finding
from leadline.model.resource import Resource
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload, mapping, mappings
from leadline.posture.worlds import Worlds
from leadline.scans.fixing.literals import SecretKey

_OPEN_TYPES = ("LoadBalancer", "NodePort")
_POLICIES = """\
# Each policy lets in what the Services and ports of the pods say, from pods of the same namespace, and from anywhere where a Service
# is open to the outside. Look over who has to reach them before you apply it: everyone else no longer does.
"""
_SECRETS = """\
# The values are left out. Write them by other means than a file that is committed, and give them new ones: the old ones were in plain text.
"""
_WAIVERS = """\
# What stays as it is needs an owner, a reason and an end. A waiver counts once it was approved by another person.
"""


class DraftFile(Struct, frozen=True):
    name: str
    """Without a folder: ``network-policies.yaml``."""
    text: str
    entries: int
    """Objects or waivers in it."""


def drafts_of(
    objects: Mapping[str, Resource],
    decisions: Iterable[Finding],
    secrets: Iterable[SecretKey],
    controls: Mapping[str, Control],
) -> tuple[DraftFile, ...]:
    """Drafts for what edits do not answer; none of a kind that nothing asks for."""
    decisions = tuple(decisions)
    kinds = (
        ("network-policies.yaml", _POLICIES, list(_policies(objects, decisions)), _all_of),
        ("secrets.yaml", _SECRETS, list(_secrets(secrets)), _all_of),
        ("waivers.yaml", _WAIVERS, list(_waivers(objects, decisions, controls)), _as_waivers),
    )
    return tuple(
        DraftFile(name, head + written(entries), len(entries))
        for name, head, entries, written in kinds
        if entries
    )


def write_drafts(drafts: Iterable[DraftFile], folder: str) -> list[str]:
    """Writes each into ``folder``, which is made; the paths.

    Raises: ``StoreError`` where a file cannot be written or is there already: it may have been looked over.
    """
    written = []
    for draft in drafts:
        path = Path(folder, draft.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(draft.text)
        except FileExistsError as error:
            raise StoreError(
                f"{path} is there already", hint="look it over, or name another folder"
            ) from error
        except OSError as error:
            raise StoreError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
        written.append(str(path))
    return written


def _all_of(entries: Sequence[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(entries, sort_keys=False)


def _as_waivers(entries: Sequence[dict[str, Any]]) -> str:
    return yaml.safe_dump({"waivers": list(entries)}, sort_keys=False, width=120)


# Network policies


def _policies(objects: Mapping[str, Resource], decisions: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """One for each workload that none selects; workloads with the same labels need one together."""
    wanted = {finding.resource for finding in decisions if _wants_policy(finding)}
    if not wanted:
        return
    seen: set[str] = set()
    for inventory in Worlds(tuple(one for one in objects.values() if one.origin.kind != "derived")):
        for workload in inventory.workloads:
            labels = mapping(mapping(workload.template.get("metadata")).get("labels"))
            if workload.resource.id not in wanted or not labels or workload.pod.get("hostNetwork") is True:
                continue
            policy = _policy(workload, labels, inventory)
            key = repr((policy["metadata"].get("namespace"), labels))
            if key not in seen:
                seen.add(key)
                yield policy


def _wants_policy(finding: Finding) -> bool:
    return isinstance(finding.violation, Missing) and "NetworkPolicy" in finding.violation.what


def _policy(workload: Workload, labels: Mapping[str, Any], inventory: Inventory) -> dict[str, Any]:
    services = inventory.services_of(workload)
    ports = _ports(workload, services)
    is_open = any(mapping(one.body.get("spec")).get("type") in _OPEN_TYPES for one in services)
    rule: dict[str, Any] = {} if is_open else {"from": [{"podSelector": {}}]}
    metadata = {"name": workload.resource.name}
    if workload.resource.namespace:
        metadata["namespace"] = workload.resource.namespace
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": {
            "podSelector": {"matchLabels": dict(labels)},
            "policyTypes": ["Ingress"],
            "ingress": [{**rule, "ports": ports}] if ports else [],
        },
    }


def _ports(workload: Workload, services: Iterable[Resource]) -> list[dict[str, Any]]:
    """Those that Services lead to and containers declare, each once. Names of ports are valid in a policy too."""
    found: dict[str, dict[str, Any]] = {}
    for service in services:
        for _, port in mappings(mapping(service.body.get("spec")).get("ports")):
            _add(found, port.get("targetPort") or port.get("port"), port)
    for container in workload.containers:
        for _, port in container.ports:
            if port.get("name") not in [one["port"] for one in found.values()]:
                _add(found, port.get("containerPort"), port)
    return list(found.values())


def _add(found: dict[str, dict[str, Any]], number: Any, port: Mapping[str, Any]) -> None:
    protocol = port.get("protocol") or "TCP"
    if isinstance(number, int | str) and number:
        found.setdefault(f"{number}/{protocol}", {"protocol": protocol, "port": number})


# Secrets


def _secrets(keys: Iterable[SecretKey]) -> Iterator[dict[str, Any]]:
    by_secret: dict[tuple[str, str], dict[str, str]] = {}
    for one in keys:
        by_secret.setdefault((one.namespace, one.name), {})[one.key] = YOUR_VALUE
    for (namespace, name), values in by_secret.items():
        metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
        yield {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": "Opaque",
            "stringData": values,
        }


# Waivers


def _waivers(
    objects: Mapping[str, Resource], decisions: Iterable[Finding], controls: Mapping[str, Control]
) -> Iterator[dict[str, Any]]:
    """One for each object that a person has to decide about, with the controls that fail on it."""
    failing: dict[str, dict[str, None]] = {}
    for finding in decisions:
        if _wants_policy(finding):
            continue
        failing.setdefault(finding.resource, {})[finding.control] = None
    for id, ids in failing.items():
        resource = objects[id]
        match: dict[str, Any] = {"controls": list(ids), "kinds": [resource.kind], "names": [resource.name]}
        if resource.namespace:
            match["namespaces"] = [resource.namespace]
        first = controls[next(iter(ids))]
        yield {
            "reason": f"{YOUR_VALUE}: why {(first.problem or first.title).lower()} is right here",
            "owner": YOUR_VALUE,
            "expires": YOUR_VALUE,
            "match": match,
        }
