"""CycloneDX as XML, in the shape that the same document has as JSON (https://cyclonedx.org/docs/1.6/xml/)."""

from collections.abc import Callable, Mapping
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
            "properties": _properties(metadata.child("properties")),
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
        document["components"] = _components(bom.child("components"))
    return document


def _components(parent: Element) -> list[dict[str, Any]]:
    return [_component(one) for one in parent.children]


def _component(element: Element) -> dict[str, Any]:
    """With the fields alone that it has: a document may be a million empty elements."""
    found: dict[str, Any] = {
        key: element.attributes[key] for key in ("type", "bom-ref") if key in element.attributes
    }
    for one in element.children:
        if one.name in _TEXTS:
            if text := one.text.strip():
                found.setdefault(one.name, text)
        elif one.name in _PARTS:
            found.setdefault(one.name, _PARTS[one.name](one))
    return found


def _licence(element: Element) -> dict[str, Any]:
    if element.name == "expression":
        return {"expression": element.text.strip()}
    return {"license": {"id": element.value("id"), "name": element.value("name")}}


def _properties(element: Element) -> list[dict[str, str]]:
    return [{"name": one.attributes.get("name", ""), "value": one.text.strip()} for one in element.children]


_PARTS: Mapping[str, Callable[[Element], Any]] = {
    "components": _components,
    "evidence": lambda evidence: {
        "occurrences": [{"location": one.value("location")} for one in evidence.child("occurrences").children]
    },
    "externalReferences": lambda references: [
        {"type": one.attributes.get("type", ""), "url": one.value("url")} for one in references.children
    ],
    "hashes": lambda hashes: [
        {"alg": one.attributes.get("alg", ""), "content": one.text.strip()} for one in hashes.children
    ],
    "licenses": lambda licences: [_licence(one) for one in licences.children],
    "properties": _properties,
    "supplier": lambda supplier: {"name": supplier.value("name")},
}
"""How what is inside a component is read, by its name."""
