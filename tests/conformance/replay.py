"""Replays the rule cases of the reference library and says where our verdicts differ.

``python tests/conformance/replay.py [C-0057 ...]`` prints the differences of these controls, or of all.
A case is a dictionary of ``rule``, ``case``, ``controls``, ``objects``, ``data`` and ``expectedFailures``.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leadline.model.control import BuiltControl, Missing, Remove, Set
from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts
from leadline.posture.verdicts import Judgement

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "reference" / "fixtures"
CLOUDS = {"eks": "EKS", "aks": "AKS", "gke": "GKE"}

Identity = tuple[str, str, str]
"""Kind, namespace (default where none is written), name."""
Paths = dict[Identity, set[str]]


def load_full_cases() -> list[dict[str, Any]]:
    """Every case beside the checkout that is still active, with its input objects."""
    cases = json.loads((FIXTURES / "index.json").read_text())["cases"]
    for case in cases:
        folder = FIXTURES / case["path"]
        case["objects"] = [o for name in case["inputs"] if (o := first_document(folder / name)) is not None]
        data = folder / "data.json"
        case["data"] = json.loads(data.read_text()) if data.exists() else {}
    return [case for case in cases if case["activeInV3"]]


def first_document(path: Path) -> Any:
    import yaml

    text = path.read_text()
    if path.suffix == ".json":
        return json.loads(text)
    return next(iter(yaml.load_all(text, _Loader)), None)


def differences(case: dict[str, Any], control: BuiltControl) -> list[str]:
    """One line per object or path on which ``control`` and the case disagree; empty when they agree."""
    ours, theirs = our_paths(judged(case, control)), their_paths(case)
    is_part = control.id in RULES_OF_MANY
    lines = []
    for identity in sorted(ours.keys() | theirs.keys()):
        if identity not in ours:
            lines.append(f"{'/'.join(identity)}: they fail it, we do not: {sorted(theirs[identity])}")
        elif identity not in theirs:
            if not is_part:
                lines.append(f"{'/'.join(identity)}: we fail it, they do not: {sorted(ours[identity])}")
        else:
            missing, extra = theirs[identity] - ours[identity], ours[identity] - theirs[identity]
            if missing:
                lines.append(f"{'/'.join(identity)}: only theirs {sorted(missing)}")
            if extra and not is_part:
                lines.append(f"{'/'.join(identity)}: only ours {sorted(extra)}")
    return lines


def judged(case: dict[str, Any], control: BuiltControl) -> Judgement:
    """What ``control`` makes of the objects of a case, under its settings."""
    resources = [
        resource_of(o, Origin(path=f"{i}.yaml")) for i, o in enumerate(case["objects"]) if isinstance(o, dict)
    ]
    inputs = case["data"].get("postureControlInputs") or {}
    settings = {
        setting: tuple(map(str, inputs[name]))
        for setting in control.settings
        for name in inputs
        if _same(setting, name)
    }
    cloud = CLOUDS.get(((case["data"].get("dataControlInputs") or {}).get("cloudProvider") or "").lower(), "")
    facts = Facts(is_whole=True, cloud=cloud, server_version=_server_version(case["objects"]))
    return judge(resources, [control], settings=settings, facts=facts)


def our_verdict(case: dict[str, Any], control: BuiltControl) -> tuple[Any, ...]:
    """All that must stay when a case is cut down: paths, how many objects were judged, and why if none."""
    judgement = judged(case, control)
    paths = {key: sorted(found) for key, found in our_paths(judgement).items()}
    return paths, sum(map(bool, judgement.judged)), judgement.skips, judgement.unread


RULES_OF_MANY = frozenset(
    {"C-0012", "C-0014", "C-0189", "C-0191", "C-0192", "C-0211", "C-0212", "C-0225", "C-0303", "C-0304"}
)
"""Controls made of several rules: a case tells of one of them only, so more findings are no disagreement."""


def our_paths(judgement: Judgement) -> Paths:
    paths: Paths = defaultdict(set)
    for finding in judgement.findings:
        key = _identity(judgement.by_id[finding.resource])
        paths[key]  # an object may fail without a path
        if isinstance(finding.violation, Missing):
            continue
        prefix = ""
        if finding.on != finding.resource:
            prefix = _related_prefix(judgement.by_id[finding.resource], judgement.by_id[finding.on])
        if not finding.path:
            continue
        word = (
            "remove"
            if isinstance(finding.violation, Remove)
            else "set"
            if isinstance(finding.violation, Set)
            else "look"
        )
        value = f"={_written(finding.violation.value)}" if isinstance(finding.violation, Set) else ""
        paths[key].add(f"{word} {prefix}{finding.path}{value}")
    return paths


def their_paths(case: dict[str, Any]) -> Paths:
    paths: Paths = defaultdict(set)
    for failure in case["expectedFailures"]:
        resource = failure["resource"]
        key = (resource["kind"], resource["namespace"] or "default", resource["name"])
        paths[key] |= set(_paths_of(failure, ""))
        for related in failure.get("related") or ():
            other = related["resource"]
            paths[key] |= set(_paths_of(related, f"{other['kind']}/{other['name']}:"))
    return paths


def _paths_of(entry: dict[str, Any], prefix: str) -> Iterator[str]:
    removed = [p for p in entry.get("deletePaths") or () if p]
    fixed = entry.get("fixPaths") or ()
    yield from (f"remove {prefix}{p}" for p in removed)
    yield from (f"set {prefix}{f['path']}={f['value']}" for f in fixed if f.get("path"))
    skip = {*removed, *(f["path"] for f in fixed if f.get("path"))}
    looks = [*(entry.get("reviewPaths") or ()), *(entry.get("failedPaths") or ())]
    yield from (f"look {prefix}{p}" for p in looks if p and p not in skip)


def _related_prefix(failing: Resource, place: Resource) -> str:
    if failing.origin.kind == "derived" and place.kind.endswith("Binding"):
        return "relatedObjects[0]."
    if failing.origin.kind == "derived" and place.kind.endswith("Role"):
        return "relatedObjects[1]."
    return f"{place.kind}/{place.name}:"


def _identity(resource: Resource) -> Identity:
    return resource.kind, resource.namespace or "default", resource.name


def _written(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _same(setting: str, name: str) -> bool:
    return setting.replace("_", "").lower() == name.replace("_", "").lower()


def _server_version(objects: list[Any]) -> str:
    for body in objects:
        if isinstance(body, dict) and body.get("kind") == "APIServerInfo":
            return str((body.get("data") or {}).get("gitVersion") or "")
    return ""


def _loader() -> type:
    import yaml

    class Loader(yaml.CSafeLoader):
        """Booleans are true and false alone, and dates are text, as the reference reads its cases."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rows if not tag.endswith((":bool", ":timestamp"))]
        for first, rows in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
    import re

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False|TRUE|FALSE)$"), list("tfTF")
    )
    return Loader


_Loader = _loader()


def main(wanted: list[str]) -> None:
    from cases import load_cases

    from leadline.posture.catalogue import load_controls

    controls = {control.id: control for control in load_controls() if control.check}
    agreed = disagreed = 0
    for case in load_cases():
        for control_id in case["controls"]:
            if control_id in controls and (not wanted or control_id in wanted):
                lines = differences(case, controls[control_id])
                agreed, disagreed = agreed + (not lines), disagreed + bool(lines)
                if lines:
                    print(f"{control_id} {case['rule']}/{case['case']}", *lines, sep="\n    ")
    print(f"{agreed} agree, {disagreed} disagree")


if __name__ == "__main__":
    main(sys.argv[1:])
