"""Writes the cases of this repository from the full ones beside the checkout: ``python tests/conformance/compact.py``.

Objects lose what no verdict depends on: each field of ``NOISE`` is taken out, and what looks like a credential is
replaced, only where our verdict and its comparison with the expected one stay what they were.
"""

import copy
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from cases import FOLDER, compacted, expanded
from replay import FIXTURES, differences, load_full_cases, our_verdict

from leadline.model.control import BuiltControl
from leadline.posture.catalogue import load_controls

NOISE = frozenset(
    {
        "status",
        "annotations",
        "labels",
        "managedFields",
        "uid",
        "creationTimestamp",
        "resourceVersion",
        "generation",
        "selfLink",
        "finalizers",
        "ownerReferences",
        "generateName",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "dnsPolicy",
        "schedulerName",
        "restartPolicy",
        "progressDeadlineSeconds",
        "revisionHistoryLimit",
        "strategy",
        "updateStrategy",
        "terminationGracePeriodSeconds",
        "imagePullPolicy",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "tolerations",
        "preemptionPolicy",
        "priority",
        "priorityClassName",
        "enableServiceLinks",
        "nodeName",
        "affinity",
        "nodeSelector",
        "lifecycle",
        "sessionAffinity",
        "ipFamilies",
        "ipFamilyPolicy",
        "internalTrafficPolicy",
        "clusterIP",
        "clusterIPs",
        "hostname",
        "resources",
        "successThreshold",
        "failureThreshold",
        "periodSeconds",
        "timeoutSeconds",
        "volumeMode",
        "defaultMode",
    }
)
"""Fields that are often filled in by the API server or concern how a workload runs."""
BARE = "metadata"
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|eyJ[\w-]{10}|ghp_\w{20}|AIza\w{20}|xox[baprs]-|PRIVATE KEY|[A-Za-z0-9+/=_-]{32,}"
)
_ACCOUNT = re.compile(r"\b\d{12}\b")
_NAMES = (
    (re.compile(r"(?<![.\w])kubescape(?!\.(?:cloud|io))"), "scanner"),
    (re.compile(r"armosec"), "example"),
)
_HARMLESS = "not-a-secret"
Key = str | int


def main() -> int:
    if not FIXTURES.exists():
        print("the full cases are not beside the checkout")
        return 1
    controls = {control.id: control for control in load_controls() if control.check}
    rules: dict[str, list[str]] = {}
    for case in load_full_cases():
        judging = [controls[i] for i in case["controls"] if i in controls]
        case = renamed(case, judging)
        line = json.dumps(compacted(trimmed(case, judging)), separators=(",", ":"), ensure_ascii=False)
        rules.setdefault(case["rule"], []).append(line)
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob("*.jsonl"):
        stale.unlink()
    for rule, lines in rules.items():
        (FOLDER / f"{rule}.jsonl").write_text("\n".join(sorted(lines)) + "\n", "utf-8")
    size_bytes = sum(file.stat().st_size for file in FOLDER.glob("*.jsonl"))
    print(f"{sum(map(len, rules.values()))} cases of {len(rules)} rules, {size_bytes:,} bytes")
    return 0


def trimmed(case: dict[str, Any], controls: list[BuiltControl]) -> dict[str, Any]:
    """``case`` with less in its objects and settings, and the same verdicts of ``controls``."""
    wanted = verdicts(case, controls)

    def keeps(changed: dict[str, Any]) -> bool:
        return verdicts(expanded(compacted(changed)), controls) == wanted

    if not keeps(case):
        raise ValueError(f"{case['rule']}/{case['case']}: its compact form judges differently")
    inputs = case["data"].get("postureControlInputs") or {}
    for name in list(inputs):
        fewer = {key: value for key, value in inputs.items() if key != name}
        changed = {**case, "data": {**case["data"], "postureControlInputs": fewer}}
        if controls and keeps(changed):
            case, inputs = changed, fewer
    for number, body in enumerate(case["objects"]):
        for keys in list(noise_of(body)):
            lighter = without(case["objects"][number], keys)
            changed = with_object(case, number, lighter)
            if (controls or BARE in keys) and keeps(changed):
                case = changed
        for keys, text in list(secrets_of(case["objects"][number])):
            changed = with_object(case, number, replaced(case["objects"][number], keys, text))
            if keeps(changed):
                case = changed
    return case


def renamed(case: dict[str, Any], controls: list[BuiltControl]) -> dict[str, Any]:
    """``case`` with made-up names for those of real companies, in objects and expectations alike."""
    changed: dict[str, Any] = json.loads(_with_names(json.dumps(case)))
    changed["rule"], changed["case"] = case["rule"], case["case"]
    if _with_names(repr(verdicts(case, controls))) != repr(verdicts(changed, controls)):
        raise ValueError(f"{case['rule']}/{case['case']}: other names make another verdict")
    return changed


def _with_names(text: str) -> str:
    for pattern, name in _NAMES:
        text = pattern.sub(name, text)
    return text


def verdicts(case: dict[str, Any], controls: list[BuiltControl]) -> list[Any]:
    return [(control.id, differences(case, control), our_verdict(case, control)) for control in controls]


def noise_of(value: Any, keys: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    """Paths of what may go, outermost first; below one that stays, its parts."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        if key in NOISE or (keys and keys[-1] in ("annotations", "labels")):
            yield (*keys, key)
        yield from noise_of(child, (*keys, key))


def secrets_of(value: Any, keys: tuple[Key, ...] = ()) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Paths of texts that look like a credential or carry an account number, and what may stand there instead."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from secrets_of(child, (*keys, key))
    is_name = not keys or keys[-1] in ("name", "namespace", "image", "imageID")
    if isinstance(value, str) and not is_name and _SECRET.search(value):
        yield keys, _HARMLESS
    if isinstance(value, str) and _ACCOUNT.search(value):
        yield keys, _ACCOUNT.sub("111122223333", value)


def without(body: Any, keys: tuple[Key, ...]) -> Any:
    body = copy.deepcopy(body)
    parent = body
    for key in keys[:-1]:
        if not (isinstance(parent, list) or (isinstance(parent, dict) and key in parent)):
            return body
        parent = parent[key]
    if isinstance(parent, dict):
        parent.pop(keys[-1], None)
    return body


def replaced(body: Any, keys: tuple[Key, ...], text: str) -> Any:
    body = copy.deepcopy(body)
    parent = body
    for key in keys[:-1]:
        parent = parent[key]
    parent[keys[-1]] = text
    return body


def with_object(case: dict[str, Any], number: int, body: Any) -> dict[str, Any]:
    objects = list(case["objects"])
    objects[number] = body
    return {**case, "objects": objects}


if __name__ == "__main__":
    sys.exit(main())
