"""Fixed documents: which kinds are served, in both forms of discovery, and their OpenAPI, in both versions."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from msgspec import Struct

from leadline.api.kind import CATEGORIES, Kind
from leadline.api.stored import Metadata
from leadline.api.wire_type import schema
from leadline.version import __version__

Document = dict[str, Any]
_TEXT = {"type": "string"}
_MEDIA = {
    "put": ("application/json",),
    "post": ("application/json",),
    "patch": (
        "application/apply-patch+yaml",
        "application/json-patch+json",
        "application/merge-patch+json",
    ),
}
_QUERY = {
    "get": ("labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "watch"),
    "post": ("dryRun", "fieldManager", "fieldValidation"),
    "put": ("dryRun", "fieldManager", "fieldValidation"),
    "patch": ("dryRun", "fieldManager", "fieldValidation", "force"),
    "delete": ("dryRun", "propagationPolicy"),
}
_METADATA: Document = {"type": "object", **schema(Metadata)}


def openapi_v2(groups: Mapping[tuple[str, str], Iterable[Kind]]) -> Document:
    definitions: Document = {}
    paths: Document = {}
    for (group, version), kinds in groups.items():
        members = list(kinds)
        definitions |= _schemas(group, version, members, "#/definitions/")
        for kind in members:
            paths |= _paths(kind, "#/definitions/", is_v3=False)
    return {"swagger": "2.0", "info": _title(), "paths": paths, "definitions": definitions}


def openapi_v3(group: str, version: str, kinds: Iterable[Kind]) -> Document:
    members = list(kinds)
    place = "#/components/schemas/"
    paths: Document = {}
    for kind in members:
        paths |= _paths(kind, place, is_v3=True)
    schemas = _schemas(group, version, members, place)
    return {"openapi": "3.0.0", "info": _title(), "paths": paths, "components": {"schemas": schemas}}


def _title() -> Document:
    return {"title": "Leadline", "version": f"v{__version__}"}


def _name(group: str, version: str, name: str) -> str:
    """Names of our own, lest the aggregator merges a definition with one of Kubernetes."""
    return ".".join([*reversed(group.split(".")), version, name])


def _gvk(kind: Kind, suffix: str = "") -> Document:
    return {"group": kind.group, "version": kind.version, "kind": kind.name + suffix}


def _schemas(group: str, version: str, kinds: Iterable[Kind], place: str) -> Document:
    metadata = _name(group, version, "ObjectMeta")
    schemas: Document = {metadata: _METADATA}
    named = {"apiVersion": _TEXT, "kind": _TEXT}
    for kind in kinds:
        parts = schema(kind.struct)["properties"]
        schemas[_name(group, version, kind.name)] = {
            "type": "object",
            "description": parts["spec"]["description"],
            "properties": {**named, "metadata": {"$ref": place + metadata}, **parts},
            "x-kubernetes-group-version-kind": [_gvk(kind)],
        }
        items = {"type": "array", "items": {"$ref": place + _name(group, version, kind.name)}}
        schemas[_name(group, version, f"{kind.name}List")] = {
            "type": "object",
            "description": f"A list of {kind.name}.",
            "properties": {**named, "metadata": {"type": "object"}, "items": items},
            "x-kubernetes-group-version-kind": [_gvk(kind, "List")],
        }
    return schemas


def _paths(kind: Kind, place: str, *, is_v3: bool) -> Document:
    scope = "/namespaces/{namespace}" if kind.is_namespaced else ""
    collection = f"/apis/{kind.api_version}{scope}/{kind.plural}"
    ref = {"$ref": place + _name(kind.group, kind.version, kind.name)}
    refs = {"$ref": place + _name(kind.group, kind.version, f"{kind.name}List")}
    operations = {collection: ("get", "post"), f"{collection}/{{name}}": ("get", "put", "patch", "delete")}
    paths: Document = {}
    for path, methods in operations.items():
        wanted = ("get",) if kind.is_computed else methods
        paths[path] = {
            "parameters": [_parameter(name, "path", is_v3) for name in re.findall(r"{(\w+)}", path)],
            **{
                method: _operation(
                    kind, method, path, ref if "{name}" in path or method == "post" else refs, is_v3
                )
                for method in wanted
            },
        }
    return paths


def _operation(kind: Kind, method: str, path: str, ref: Document, is_v3: bool) -> Document:
    is_list = method == "get" and "{name}" not in path
    operation: Document = {
        "operationId": f"{'list' if is_list else method}{kind.version.title()}{kind.name}",
        "parameters": [_parameter(name, "query", is_v3) for name in _QUERY[method]],
        "x-kubernetes-action": "list" if is_list else method,
        "x-kubernetes-group-version-kind": _gvk(kind),
        "responses": {"200": {"description": "OK", **_content(ref, ("application/json",), is_v3)}},
    }
    media = _MEDIA.get(method)
    if media and is_v3:
        operation["requestBody"] = _content(ref, media, is_v3)
    elif media:
        operation["consumes"] = list(media)
        operation["parameters"].append({"name": "body", "in": "body", "required": True, "schema": ref})
    return operation


def _content(ref: Document, media: tuple[str, ...], is_v3: bool) -> Document:
    return {"content": {name: {"schema": ref} for name in media}} if is_v3 else {"schema": ref}


def _parameter(name: str, where: str, is_v3: bool) -> Document:
    parameter: Document = {"name": name, "in": where}
    if where == "path":
        parameter["required"] = True
    return parameter | ({"schema": _TEXT} if is_v3 else _TEXT)


JSON = "application/json"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
"""Without these parameters in the answer's type, the answer is read as the older form."""


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
                for kind in members
            ]
            documents[root] = {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": f"{group}/{version}",
                "resources": resources,
            }
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
