"""The rule cases of this repository: one file of JSON Lines per rule under ``cases/``, one line per case.

A line::

    {"case": "job", "controls": ["C-0295"], "objects": [...], "settings": {...}, "cloud": "eks",
     "fails": [{"kind": "Job", "namespace": "", "name": "a", "look": [path], "remove": [path],
                "set": [[path, value]], "related": [{"kind": ..., "name": ..., "look": ...}]}]}

Absent parts are empty. ``compact.py`` writes these files.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "cases"


def load_cases() -> list[dict[str, Any]]:
    """Every case, in the form that ``replay.differences`` takes."""
    return [
        {"rule": file.stem, **expanded(json.loads(line))}
        for file in sorted(FOLDER.glob("*.jsonl"))
        for line in file.read_text("utf-8").split("\n")
        if line
    ]


def expanded(line: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if "settings" in line:
        data["postureControlInputs"] = line["settings"]
    if "cloud" in line:
        data["dataControlInputs"] = {"cloudProvider": line["cloud"]}
    return {
        "case": line["case"],
        "controls": line["controls"],
        "objects": line["objects"],
        "data": data,
        "expectedFailures": [_failure(failure) for failure in line.get("fails", ())],
    }


def compacted(case: dict[str, Any]) -> dict[str, Any]:
    """The line of a case; the inverse of ``expanded`` as far as ``replay`` can see."""
    line = {"case": case["case"], "controls": case["controls"], "objects": case["objects"]}
    if inputs := case["data"].get("postureControlInputs"):
        line["settings"] = inputs
    if cloud := (case["data"].get("dataControlInputs") or {}).get("cloudProvider"):
        line["cloud"] = cloud
    if case["expectedFailures"]:
        line["fails"] = [_short(failure) for failure in case["expectedFailures"]]
    return line


def _failure(short: dict[str, Any]) -> dict[str, Any]:
    return {
        "resource": {key: short.get(key, "") for key in ("kind", "namespace", "name")},
        "failedPaths": short.get("look", []),
        "deletePaths": short.get("remove", []),
        "fixPaths": [{"path": path, "value": value} for path, value in short.get("set", ())],
        "related": [_failure(related) for related in short.get("related", ())],
    }


def _short(failure: dict[str, Any]) -> dict[str, Any]:
    resource = failure["resource"]
    short: dict[str, Any] = {key: resource[key] for key in ("kind", "namespace", "name") if resource.get(key)}
    removed = [path for path in failure.get("deletePaths") or () if path]
    fixed = [[f["path"], f["value"]] for f in failure.get("fixPaths") or () if f.get("path")]
    told = {*removed, *(path for path, _ in fixed)}
    looks = [*(failure.get("reviewPaths") or ()), *(failure.get("failedPaths") or ())]
    short |= dict(_filled("look", [path for path in dict.fromkeys(looks) if path and path not in told]))
    short |= dict(_filled("remove", removed))
    short |= dict(_filled("set", fixed))
    related = [_short(other) for other in failure.get("related") or ()]
    short |= dict(
        _filled("related", [other for other in related if other.keys() & {"look", "remove", "set"}])
    )
    return short


def _filled(key: str, values: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    if values:
        yield key, values
