"""Fixed documents: which kinds are served, in both forms of discovery, and their OpenAPI, in both versions."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from msgspec import Struct

from leadline.api.kind import CATEGORIES, Kind
from leadline.programs.apiserver.documents.openapi import openapi_v2, openapi_v3
from leadline.version import __version__

JSON = "application/json"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
"""Without these parameters in the answer's type, the answer is read as the older form."""
Document = dict[str, Any]


class Answer(Struct, frozen=True):
    content: bytes
    tag: str
    media_type: str = JSON


class Documents:
    """Everything that can be asked for by path."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        groups: dict[tuple[str, str], list[Kind]] = {}
        for kind in kinds:
            groups.setdefault((kind.group, kind.version), []).append(kind)
        major, minor, *_ = [*__version__.split("."), "0"]
        documents: dict[str, Document] = {
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*g) for g in groups]},
            "/version": {"major": major, "minor": minor, "gitVersion": f"v{__version__}"},
            "/openapi/v2": openapi_v2(groups),
        }
        paths = {}
        for (group, version), members in groups.items():
            root = f"/apis/{group}/{version}"
            documents[f"/apis/{group}"] = {"kind": "APIGroup", "apiVersion": "v1", **_group(group, version)}
            documents[root] = _resources(f"{group}/{version}", members)
            documents[f"/openapi/v3{root}"] = openapi_v3(group, version, members)
            tag = _tag(orjson.dumps(documents[f"/openapi/v3{root}"]))
            paths[root[1:]] = {"serverRelativeURL": f"/openapi/v3{root}?hash={tag}"}
        documents["/openapi/v3"] = {"paths": paths}
        self._answers = {path: _answer(document) for path, document in documents.items()}
        self._aggregated = {
            v: _answer(_aggregated(groups, v), AGGREGATED.format(v)) for v in ("v2", "v2beta1")
        }

    def find(self, path: str, accept: str) -> Answer | None:
        """The aggregated form where it is asked for, at ``/apis``."""
        if path == "/apis":
            for clause in accept.split(","):
                parts = {part.strip() for part in clause.split(";")}
                for version, answer in self._aggregated.items():
                    if {"as=APIGroupDiscoveryList", f"v={version}", "g=apidiscovery.k8s.io"} <= parts:
                        return answer
        return self._answers.get(path)


def _answer(document: Document, media_type: str = JSON) -> Answer:
    content = orjson.dumps(document)
    return Answer(content, f'"{_tag(content)}"', media_type)


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest().upper()


def _group(group: str, version: str) -> Document:
    one = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [one], "preferredVersion": one}


def _resources(group_version: str, kinds: Iterable[Kind]) -> Document:
    resources = [
        {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.is_namespaced,
            "kind": kind.name,
            "verbs": kind.verbs,
            "shortNames": kind.short_names,
            "categories": CATEGORIES,
        }
        for kind in kinds
    ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }


def _aggregated(groups: Mapping[tuple[str, str], Iterable[Kind]], version: str) -> Document:
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None},
            "versions": [
                {"version": v, "freshness": "Current", "resources": [_discovered(kind) for kind in kinds]}
            ],
        }
        for (group, v), kinds in groups.items()
    ]
    api_version = f"apidiscovery.k8s.io/{version}"
    return {"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items}


def _discovered(kind: Kind) -> Document:
    return {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.name},
        "scope": "Namespaced" if kind.is_namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": kind.verbs,
        "shortNames": kind.short_names,
        "categories": CATEGORIES,
    }
