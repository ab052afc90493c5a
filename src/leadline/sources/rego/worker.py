"""The child process in which users' Rego is evaluated: one JSON request a line in, one JSON answer a line out.

It is started by path and imports nothing of Leadline but ``rego_functions``. The engine cannot be stopped once it evaluates, so
the caller ends this process when a rule takes too long.

Requests: ``{"objects": [...]}`` adds to the objects that inputs point into, answered by ``{}``;
``{"file", "source", "counting_file", "counting", "input", "data"}`` evaluates a rule, where ``input`` lists
numbers of objects, or ``[subject, binding, role]`` for an RBAC subject. The answer has the fields of
``leadline.posture.languages.rego.Answer``.

Sources: https://github.com/kubescape/regolibrary (the form of a result),
https://www.openpolicyagent.org/docs/latest/policy-reference/ (the language and its functions).
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

_CAUTILS = Path(__file__).with_name("cautils.rego")
_KEPT_INPUTS = 4
"""Most rules look at one of few sets of objects; a set that is ready costs nothing to evaluate again."""
_MOST_BLAMED = 100
"""Objects that may break a rule one by one before it is given up."""
_MOST_TRIED = 5000
# A fact without a body ends a line of its own; the engine wants a body.
_FACT = re.compile(r'^(?![^\n]*:?=)([A-Za-z_]\w*\((?:[^()"\n]|"[^"\n]*")*\))[ \t]*(?=#|$)', re.MULTILINE)
_PLACE = re.compile(r"--> (.+?):(\d+):(\d+)\n")
_REASON = re.compile(r"^error: (.+)", re.MULTILINE)
# From here on the engine quotes what it looked at, which may be a secret.
_VALUE = re.compile(r" \(path \[|\.? Got |\b(?:Set|Object|Array|String|Number)\(")
_WHY_LENGTH = 200
_INSIDE = re.compile(r"^relatedObjects\[(\d+)\]\.?")
_ODD_VERB = re.compile(r"%(?![sdv%])")
_QUOTED = re.compile(r"""\[(['"])(.*?)\1\]""")
_OBJECT_FIELDS = ("k8sapiobjects", "externalobjects")

Json = dict[str, Any]


class RuleError(Exception):
    def __init__(self, why: str, file: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(why)
        self.problem = {"why": why, "file": file, "line": line, "column": column}


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr
    sys.path.insert(0, str(Path(__file__).parents[3]))
    evaluator = Evaluator()
    for line in sys.stdin:
        request = json.loads(line)
        answer: Json = {}
        if "objects" in request:
            evaluator.objects += request["objects"]
        else:
            answer = evaluator.answer(request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Evaluator:
    def __init__(self) -> None:
        self.objects: list[Any] = []
        self._inputs: dict[str, Input] = {}

    def answer(self, request: Json) -> Json:
        try:
            seen = self._input(request["input"])
            blamed: list[tuple[int, str]] = []
            reports = self._reports(request, seen, blamed)
            counted = None
            if request["counting"]:
                counting = request | {"source": request["counting"], "file": request["counting_file"]}
                counts = self._reports(counting, seen, blamed)
                counted = sorted({at for report in counts for at in _alert(report, seen)["on"]})
            alerts = [_alert(report, seen) for report in reports]
        except RuleError as error:
            return {"problem": error.problem}
        answer: Json = {"alerts": [a for a in alerts if a["on"]], "unjudged": blamed, "counted": counted}
        lost = next((report for report, a in zip(reports, alerts, strict=True) if not a["on"]), None)
        if lost is not None:
            names_some = any(_folded(lost["alertobject"]).get(field) for field in _OBJECT_FIELDS)
            why = (
                "it reports an object that is not among those it was given"
                if names_some
                else "it reports no object: a person has to look"
            )
            answer["problem"] = {"why": why, "file": request["file"]}
        return answer

    def _input(self, items: list[Any]) -> "Input":
        key = json.dumps(items)
        found = self._inputs.pop(key, None)
        if found is None:
            found = Input([self._object(item) for item in items])
        self._inputs[key] = found
        if len(self._inputs) > _KEPT_INPUTS:
            del self._inputs[next(iter(self._inputs))]
        return found

    def _object(self, item: Any) -> Any:
        if isinstance(item, int):
            return self.objects[item]
        subject, binding, role = (self.objects[number] for number in item)
        return {**subject, "relatedObjects": [binding, role]}

    def _reports(self, request: Json, seen: "Input", blamed: list[tuple[int, str]]) -> list[Json]:
        """What the rule reports; objects that break it are added to ``blamed`` and left out."""
        try:
            return _answered(seen.engine, request)
        except RuleError as error:
            if "could not find function" in str(error) or not 1 < len(seen.items) <= _MOST_TRIED:
                raise
            faults = _faults(request, seen.items)
            if not faults or len(faults) > _MOST_BLAMED or len(faults) == len(seen.items):
                raise
        blamed += [fault for fault in faults.items() if fault not in blamed]
        rest = Input([item for at, item in enumerate(seen.items) if at not in faults])
        return _answered(rest.engine, request)


class Input:
    """The objects a rule sees, loaded once, and found again in what it reports."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items
        self.engine = _engine(items)
        self._named: dict[tuple[Any, Any], list[int]] = defaultdict(list)
        for at, item in enumerate(items):
            if isinstance(item, dict):
                self._named[_text(item.get("kind")), _name(item, "name")].append(at)

    def find(self, reported: Any) -> int | None:
        """The position of an object, which a rule may have cut down to its identity."""
        if not isinstance(reported, dict):
            return None
        candidates = self._named.get((_text(reported.get("kind")), _name(reported, "name")), [])
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        for at in candidates:
            if self.items[at] == reported:
                return at
        place = _name(reported, "namespace")
        near = [at for at in candidates if _name(self.items[at], "namespace") == place]
        return (near or candidates)[0]


def _engine(items: list[Any]) -> Any:
    import regorus  # type: ignore[import-untyped]

    from leadline.sources.rego.builtins import normalized_image

    engine = regorus.Engine()
    engine.set_gather_prints(True)
    engine.add_extension("image.parse_normalized_name", 1, normalized_image)
    engine.add_policy("cautils", _CAUTILS.read_text("utf-8"))
    engine.set_input_json(_json(items))
    return engine


def _json(value: Any) -> str:
    """What the engine accepts: it knows no halves of characters."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def _compiled(prepared: Any, request: Json) -> tuple[Any, str]:
    """An engine with the rule in it, and the rule's package. Rego as of version 1, else as before it."""
    from leadline.sources.rego.builtins import sprintf

    source, faults = request["source"], []
    dialects = [(False, source), (False, _FACT.sub(r"\1 if true", source))]
    dialects += [(True, source), (True, _FACT.sub(r"\1 { true }", source))]
    for is_old, text in dict.fromkeys(dialects):
        engine = prepared.clone()
        if _ODD_VERB.search(source):
            engine.add_extension("sprintf", 2, sprintf)
        engine.set_rego_v0(is_old)
        try:
            package = engine.add_policy(request["file"], text)
            engine.add_data_json(json.dumps(request["data"]))
        except (RuntimeError, ValueError) as error:
            faults.append(_rule_error(error, request))
        else:
            return engine, package
    # The dialect that it is written in is the one that its parser got further in.
    raise max(faults, key=lambda fault: (fault.problem["line"], fault.problem["column"]))


def _evaluated(request: Json, engine: Any, package: str) -> list[Json]:
    try:
        answer = json.loads(engine.eval_query_as_json(package))
    except (RuntimeError, ValueError) as error:
        raise _rule_error(error, request) from error
    rows = answer.get("result") or []
    value = rows[0]["expressions"][0]["value"] if rows else None
    if not isinstance(value, dict) or not any(isinstance(v, list) for v in value.values()):
        raise RuleError("it reports nothing at all: a rule has `deny contains report if { ... }`")
    reports: list[Json] = []
    for name, listed in value.items():
        for report in listed if isinstance(listed, list) else ():
            fields = _folded(report) if isinstance(report, dict) else {}
            if isinstance(fields.get("alertobject"), dict):
                reports.append(fields)
            elif name == "deny":
                raise RuleError("what it reports has no alertObject")
    return reports


def _answered(prepared: Any, request: Json) -> list[Json]:
    """What the rule reports; where the engine's own function gives up, ours replaces it."""
    from leadline.sources.rego import builtins as rego_functions

    try:
        return _evaluated(request, *_compiled(prepared, request))
    except RuleError as error:
        functions = next(
            (found for words, found in rego_functions.STAND_INS.items() if words in str(error)), None
        )
        if functions is None:
            raise
    prepared = prepared.clone()
    for function in functions:
        prepared.add_extension(*function)
    return _evaluated(request, *_compiled(prepared, request))


def _faults(request: Json, items: list[Any]) -> dict[int, str]:
    """The objects that break the rule when they are alone, and how."""
    engine = _engine([])
    faults = {}
    for at, item in enumerate(items):
        alone = engine.clone()
        alone.set_input_json(_json([item]))
        try:
            _answered(alone, request)
        except RuleError as error:
            line = error.problem["line"]
            faults[at] = f"{error}{f' (line {line})' if line else ''}"
        if len(faults) > _MOST_BLAMED:
            break
    return faults


def _rule_error(error: Exception, request: Json) -> RuleError:
    text = str(error).partition("\n\nStack backtrace")[0]
    reason, place = _REASON.search(text), _PLACE.search(text)
    why = reason[1] if reason else text.strip().partition("\n")[0]
    why = _VALUE.split(why, maxsplit=1)[0].strip(" :.")[:_WHY_LENGTH]
    if place is None or place[1] != request["file"]:
        return RuleError(why, request["file"])
    line = int(place[2])
    lines = request["source"].split("\n")
    column = _column(lines[line - 1], int(place[3])) if line <= len(lines) else 0
    return RuleError(why, request["file"], line, column)


def _column(line: str, column: int) -> int:
    """The engine counts a tab as four columns."""
    for at, character in enumerate(line, 1):
        column -= 3 if character == "\t" and column > at else 0
    return column


def _alert(report: Json, seen: Input) -> Json:
    alert_object = _folded(report["alertobject"])
    plain, outer = alert_object.get("k8sapiobjects"), alert_object.get("externalobjects")
    on: dict[int, None] = {}
    related: list[Any] = []
    for found in (
        *(plain if isinstance(plain, list) else ()),
        *(outer if isinstance(outer, list) else [outer]),
    ):
        at = seen.find(found)
        inside = found.get("relatedObjects") if isinstance(found, dict) else None
        parts = inside if isinstance(inside, list) else []
        if at is None:
            # An object made by the rule represents the first one that it was made from.
            at = next((known for part in parts if (known := seen.find(part)) is not None), None)
        if at is not None:
            on[at] = None
            related += _parts(report, at, parts, seen)
    own = _paths(report, lambda path: not _INSIDE.match(path))
    others = report.get("relatedobjects")
    for entry in others if isinstance(others, list) else ():
        at = seen.find(entry.get("object")) if isinstance(entry, dict) else None
        if at is not None and any(paths := _paths(entry, lambda path: True)):
            related.append([at, -1, *paths])
    return {"on": list(on), "delete": own[0], "fix": own[1], "review": own[2], "related": related}


def _parts(report: Json, at: int, parts: list[Any], seen: Input) -> list[Any]:
    """The paths that lead into the objects an RBAC subject was joined from."""
    found = []
    for number, part in enumerate(parts):
        paths = _paths(report, lambda path, n=number: (m := _INSIDE.match(path)) and int(m[1]) == n)
        if any(paths):
            is_joined = "relatedObjects" in seen.items[at]
            place = at if is_joined else seen.find(part)
            if place is not None:
                found.append([place, number if is_joined else -1, *paths])
    return found


def _paths(entry: Json, wanted: Any) -> tuple[list[str], list[list[Any]], list[str]]:
    """Paths to delete, to write and to look at, without the object they lead into."""
    fields = _folded(entry)

    def listed(name: str) -> list[str]:
        value = fields.get(name)
        texts = [path for path in value if isinstance(path, str)] if isinstance(value, list) else []
        return [_written(path) for path in texts if path and wanted(path)]

    fixes = fields.get("fixpaths")
    fix = [
        [_written(row["path"]), row.get("value")]
        for row in (fixes if isinstance(fixes, list) else ())
        if isinstance(row, dict) and isinstance(row.get("path"), str) and row["path"] and wanted(row["path"])
    ]
    return listed("deletepaths"), fix, [*listed("reviewpaths"), *listed("failedpaths")]


def _written(path: str) -> str:
    """A path without the object it leads into, and without quotes around its keys."""
    return _QUOTED.sub(r"[\2]", _INSIDE.sub("", path))


def _folded(entry: Json) -> Json:
    """Fields by their name in lower case: results were always read without regard to it."""
    return {name.lower(): value for name, value in entry.items()}


def _name(item: Json, field: str) -> str:
    metadata = item.get("metadata")
    value = metadata.get(field) if isinstance(metadata, dict) else None
    return _text(value if value is not None else item.get(field))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


if __name__ == "__main__":
    main()
