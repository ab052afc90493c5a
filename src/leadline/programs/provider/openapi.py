"""The OpenAPI 3.1 document: made of the routes, and of the Structs that decode requests and encode answers."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from leadline.api.provider.wire import Problem
from leadline.programs.provider.routes import ROUTES, Key, Nothing, Route
from leadline.version import __version__

Document = dict[str, Any]
_BRACES = re.compile(r"{(\w+)}")
_REF = "#/components/schemas/{name}"
PROBLEMS = {
    "400": "The request is not valid",
    "401": "No token, or one that is not known",
    "403": "A token that may not do this",
    "404": "The path, source or object does not exist",
    "409": "It does not follow what was sent before",
    "413": "Too large",
    "415": "Another type of content, or of compression",
    "429": "Too much from this source today",
    "503": "Nothing can be written now; send it again later",
}


def openapi(routes: Sequence[Route] = ROUTES) -> Document:
    """The whole document, the same for every provider of this version."""
    types: list[Any] = [Problem]
    for route in routes:
        types += [one for one in (route.answers, route.takes, route.query) if one not in (None, Nothing)]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    queries = {route.query.__name__ for route in routes}
    paths: Document = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Leadline provider",
            "version": "1",
            "summary": "Results of many clusters, pipelines and repositories.",
            "x-leadline": __version__.partition("+")[0],
        },
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in sorted(schemas.items()) if name not in queries},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(route: Route, schemas: Document) -> Document:
    parameters: list[Document] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 300},
        }
        for name in _BRACES.findall(route.path)
    ]
    asked = schemas.get(route.query.__name__) or {}
    parameters += [
        {"name": name, "in": "query", "required": name in asked.get("required", ()), "schema": schema}
        for name, schema in asked.get("properties", {}).items()
    ]
    done: Document = {"description": "Done", "content": _content("application/json", route.answers)}
    if route.method == "GET":
        parameters.append(
            {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
        )
        done["headers"] = {"ETag": {"required": True, "schema": {"type": "string"}}}
    operation: Document = {
        "operationId": _name(route),
        "summary": route.title,
        "description": f"For tokens that may {' or '.join(route.roles)}.",
        "parameters": parameters,
        "responses": {
            "200": done,
            **(
                {"304": {"description": "As the ETag says that you have it"}} if route.method == "GET" else {}
            ),
            **{
                code: {"description": text, "content": _content("application/problem+json", Problem)}
                for code, text in PROBLEMS.items()
                if route.takes is not None or code not in ("409", "413", "415", "429")
            },
        },
    }
    if route.takes is not None:
        if route.is_message:
            key = msgspec.json.schema(Key)
            parameters.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
        operation["requestBody"] = {"required": True, "content": _content("application/json", route.takes)}
    return operation


def _content(media: str, kind: Any) -> Document:
    return {media: {"schema": {"$ref": _REF.format(name=kind.__name__)}}}


def _name(route: Route) -> str:
    words = [word for word in route.path.split("/")[2:] if word and not word.startswith("{")]
    return "".join([("send" if route.method == "POST" else "get"), *(word.title() for word in words)])
