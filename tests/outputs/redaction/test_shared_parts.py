"""Objects of a cluster share equal parts: what is looked at once is hidden as if each object had its own."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from leadline.model.resource import resource_of
from leadline.outputs.redaction.bodies import BodyHider
from leadline.outputs.redaction.report import Redaction

SECRETS = tuple(f"Plant3d-{number}-Secret" for number in range(4))
PARTS: tuple[Any, ...] = (
    {"env": [{"name": "DB_PASSWORD", "value": SECRETS[0]}]},
    {"args": ["--password", SECRETS[1]]},
    [{"nested": {"password": SECRETS[2]}}],
    {"plain": {"value": "nothing"}},
    [{"name": "A", "value": "of a variable only where it is one"}],
)


@given(st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=6), st.booleans())
def test_shared_parts_are_looked_at_as_copies_are(objects: list[list[int]], is_noted: bool):
    annotations = {"token": SECRETS[3], "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    bodies = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"p{number}", **({"annotations": annotations} if is_noted else {})},
            "spec": {
                "parts": [PARTS[part] for part in parts],
                "first": PARTS[parts[0]] if parts else {},
                "env": PARTS[4],
            },
        }
        for number, parts in enumerate(objects)
    ]
    shared, copied = Redaction(None), Redaction(None)
    shared.learn_from(map(resource_of, bodies))
    copied.learn_from(map(resource_of, map(copy.deepcopy, bodies)))
    assert len(shared.found) == len(copied.found)
    for secret in SECRETS:
        assert shared.text(f"says {secret}") == copied.text(f"says {secret}")
    for part in {part for parts in objects for part in parts} - {3, 4}:
        assert shared.text(f"says {SECRETS[part]}") == "says XXXXXX"
    hider = BodyHider(shared.found)
    for body in bodies:
        shown = hider.shown(body)
        assert shown == BodyHider(copied.found).shown(copy.deepcopy(body))
        assert shown["spec"]["env"] == [{"name": "A", "value": "XXXXXX"}]
