"""CycloneDX as XML, in the shape that the same document has as JSON (https://cyclonedx.org/docs/1.6/xml/)."""

from collections.abc import Mapping
from typing import Any

from leadline.packages.documents import Element

NAMESPACE = "http://cyclonedx.org/schema/bom/"
"""Its version follows."""
_TEXTS = ("group", "name", "version", "scope", "purl", "cpe", "author", "description")


def as_json(bom: Element) -> Mapping[str, Any] | None:
    """The fields that are read of a document; ``None`` for XML of another kind."""
    spaces = (value for key, value in bom.attributes.items() if key == "xmlns" or key.startswith("xmlns:"))
    space = next((one for one in spaces if one.startswith(NAMESPACE)), "")
    if bom.name != "bom" or not space:
        return None
    metadata = bom.child("metadata")
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": space.removeprefix(NAMESPACE),
        "metadata": {
            "component": _component(metadata.child("component")),
            "properties": _properties(metadata),
        },
        "dependencies": [
            {
                "ref": one.attributes.get("ref", ""),
                "dependsOn": [needed.attributes.get("ref", "") for needed in one.children],
            }
            for one in bom.child("dependencies").children
        ],
        "compositions": [{"aggregate": one.value("aggregate")} for one in bom.child("compositions").children],
    }
    if any(one.name == "components" for one in bom.children):
        document["components"] = _components(bom)
    return document


def _components(parent: Element) -> list[dict[str, Any]]:
    return [_component(one) for one in parent.child("components").children]


def _component(element: Element) -> dict[str, Any]:
    return {
        "type": element.attributes.get("type", ""),
        "bom-ref": element.attributes.get("bom-ref", ""),
        **{name: text for name in _TEXTS if (text := element.value(name))},
        "supplier": {"name": element.child("supplier").value("name")},
        "hashes": [
            {"alg": one.attributes.get("alg", ""), "content": one.text.strip()}
            for one in element.child("hashes").children
        ],
        "licenses": [_licence(one) for one in element.child("licenses").children],
        "externalReferences": [
            {"type": one.attributes.get("type", ""), "url": one.value("url")}
            for one in element.child("externalReferences").children
        ],
        "properties": _properties(element),
        "evidence": {
            "occurrences": [
                {"location": one.value("location")}
                for one in element.child("evidence").child("occurrences").children
            ]
        },
        "components": _components(element),
    }


def _licence(element: Element) -> dict[str, Any]:
    if element.name == "expression":
        return {"expression": element.text.strip()}
    return {"license": {"id": element.value("id"), "name": element.value("name")}}


def _properties(element: Element) -> list[dict[str, str]]:
    return [
        {"name": one.attributes.get("name", ""), "value": one.text.strip()}
        for one in element.child("properties").children
    ]
