"""Folders that have nothing to do with each other give the same when they are scanned together."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_fixtures import ROOT

from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import Judge
from leadline.posture.verdicts import Judgement
from leadline.posture.worlds import Worlds

EXAMPLES = Path(__file__).parents[2] / "examples"
JUDGE = Judge([control for control in load_controls() if control.check])
PAIRS = 250


def folders() -> dict[str, list[dict[str, Any]]]:
    """Every folder of manifests of this repository, the examples and each fixture of a control."""
    files = [*ROOT.glob("*/*/*.yaml"), *EXAMPLES.rglob("*.yaml")]
    found = {}
    for file in files:
        try:
            documents = [d for d in yaml.safe_load_all(file.read_text()) if isinstance(d, dict)]
        except yaml.YAMLError:
            continue
        if documents and all("kind" in document for document in documents):
            found["/".join(file.parts[-3:])] = documents
    return found


def read(folder: str, documents: list[dict[str, Any]]) -> list[Resource]:
    return [resource_of(d, Origin(path=f"{folder}/all.yaml", document=i)) for i, d in enumerate(documents)]


def words(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
    else:
        yield str(value)


def names(resources: list[Resource]) -> set[str]:
    return {resource.name for resource in resources}


def spaces(resources: list[Resource]) -> set[str]:
    written = {resource.namespace for resource in resources if resource.namespace}
    return written | {resource.name for resource in resources if resource.kind == "Namespace"}


def are_strangers(left: list[Resource], right: list[Resource]) -> bool:
    """Whether they write no common namespace, and neither names an object or a namespace of the other."""
    for one, other in ((left, right), (right, left)):
        said = {word for resource in one for word in words(resource.body)}
        if said & (names(other) | spaces(other)):
            return False
    return True


def verdicts(judgement: Judgement) -> tuple[list[str], list[str]]:
    pairs = zip(judgement.resources, judgement.judged, strict=True)
    return sorted(map(repr, judgement.findings)), sorted(repr((one.id, ids)) for one, ids in pairs)


def pairs() -> list[tuple[str, str]]:
    known = {name: read(name, documents) for name, documents in folders().items()}
    chance = random.Random(12)
    found: list[tuple[str, str]] = []
    while len(found) < PAIRS:
        one, other = chance.sample(sorted(known), 2)
        if are_strangers(known[one], known[other]):
            found.append((one, other))
    return found


@pytest.fixture(scope="module")
def known() -> dict[str, list[Resource]]:
    return {name: read(name, documents) for name, documents in folders().items()}


def test_two_folders_give_the_sum_of_both(known):
    for one, other in pairs():
        alone = [verdicts(JUDGE.everything(Worlds(known[name]))) for name in (one, other)]
        together = verdicts(JUDGE.everything(Worlds([*known[one], *known[other]])))
        assert together == tuple(sorted([*alone[0][i], *alone[1][i]]) for i in (0, 1)), (one, other)
