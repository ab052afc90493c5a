"""``kubectl explain`` says what every field is."""

from collections.abc import Iterator
from typing import Any

import pytest

from leadline.api.catalogue import KINDS
from leadline.api.wire_type import schema


def fields(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        for inner in (child, child.get("items"), child.get("additionalProperties")):
            if isinstance(inner, dict):
                yield from fields(inner, f"{path}.{name}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_field_has_a_description(kind: Any):
    found = list(fields(schema(kind.struct), kind.name))
    assert len(found) > 3
    hint = "give the field about(…), or a line in api/field_descriptions.toml"
    assert [path for path, one in found if not one.get("description")] == [], hint
