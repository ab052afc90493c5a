"""The JSON report read by a Go program into the reference's own types, which show what they know of it.

Where the program cannot be had the test is skipped; ``LEADLINE_REQUIRE_PROGRAMS=1`` turns that into a failure.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from leadline.programs.cli.main import main

sys.path.insert(0, str(Path(__file__).parent))
from build import MissingError, program

FIXTURES = Path(__file__).parents[1] / "posture" / "controls"
OURS_ALONE = {
    "coverage",
    "metadata.scanMetadata.controlSettings",
    "metadata.scanMetadata.durationSeconds",
    "metadata.scanMetadata.leadlineVersion",
    "resources.source.kustomizeDirectoryName",
    "results.controls.rules.paths.advice",
    "results.controls.rules.paths.missing",
    "results.controls.rules.paths.position",
    "results.controls.severity",
    "summaryDetails.controls.referenceScore",
    "summaryDetails.controls.severity",
    "summaryDetails.frameworks.controls.referenceScore",
}
"""What the reference's types have no field for."""


@pytest.fixture(scope="module")
def reader() -> Path:
    try:
        return program()
    except MissingError as error:
        if os.environ.get("LEADLINE_REQUIRE_PROGRAMS"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on the fixtures of all controls: every kind of object, subjects, failures of each form."""
    file = tmp_path_factory.mktemp("report") / "report.json"
    main(["scan", "framework", "AllControls,NSA", str(FIXTURES), "-q", "-f", "json", "-o", str(file)])
    return json.loads(file.read_text("utf-8"))


@pytest.fixture(scope="module")
def theirs(reader: Path, ours: dict[str, Any]) -> dict[str, Any]:
    run = subprocess.run([reader], input=json.dumps(ours), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def lost(ours: Any, theirs: Any, path: str = "") -> set[str]:
    """Paths, without ids and positions in lists, of what ``ours`` holds and ``theirs`` does not, or otherwise."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        is_keyed = path.endswith("controls") and all(key[1:2] == "-" for key in ours)
        return {
            name
            for key, value in ours.items()
            for name in lost(value, theirs.get(key), path if is_keyed else f"{path}.{key}".lstrip("."))
        }
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return {name for a, b in zip(ours, theirs, strict=True) for name in lost(a, b, path)}
    if isinstance(ours, float) and isinstance(theirs, int | float):
        return set() if abs(ours - theirs) < 1e-4 else {path}
    return set() if ours == theirs or (not ours and not theirs) else {path}


def test_nothing_but_our_own_additions_is_lost_on_the_way(ours, theirs):
    assert lost(ours, theirs["report"]) <= OURS_ALONE


def test_the_readers_make_the_same_ids_of_the_objects(ours, theirs):
    ids = {resource["resourceID"] for resource in ours["resources"]}
    known = theirs["objects"]
    assert len(ids) > 1_000
    again = {id for id in ids if "#" in id.rpartition("/")[2]}
    # The reference names what it collects of nodes and clouds without a file.
    again |= {id for id in ids if re.search(r"/api=(hostdata\.kubescape\.cloud|[\w.-]+/v1//Cluster)", id)}
    assert {id: known.get(id) for id in ids - again} == {id: id for id in ids - again}


def test_the_readers_count_the_same_statuses(ours, theirs):
    counted: dict[str, Counter[str]] = {}
    for result in ours["results"]:
        for control in result["controls"]:
            counted.setdefault(control["controlID"], Counter())[control["status"]["status"]] += 1
    assert {id: dict(counts) for id, counts in counted.items()} == theirs["statuses"]


def test_a_subject_holds_its_binding_and_its_role_and_paths_lead_into_them(ours):
    objects = {resource["resourceID"]: resource["object"] for resource in ours["resources"]}
    subjects = {id: body["relatedObjects"] for id, body in objects.items() if "relatedObjects" in body}
    assert len(subjects) > 50
    for related in subjects.values():
        assert [one["kind"].removeprefix("Cluster") for one in related] == ["RoleBinding", "Role"]
    paths = [
        path
        for result in ours["results"]
        for control in result["controls"]
        for path in control["rules"][0].get("paths", ())
    ]
    into = [p for p in paths if p.get("failedPath", "").startswith("relatedObjects[")]
    assert len(into) > 50
    assert {path["resourceID"] for path in into} <= subjects.keys()
