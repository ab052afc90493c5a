"""Rules that users wrote, on events as the agent writes them."""

import json
import re
import signal
import sys
import time
import types
from pathlib import Path

import pytest

from leadline.errors import LeadlineError, SourceError
from leadline.model.container import Container
from leadline.model.event import FIRST_PROCESS, UPPER, Connected, Executed, Opened
from leadline.programs.serving.deadline import deadline
from leadline.runtime.cel_rules import cel_rules
from leadline.runtime.detecting import NOT_JUDGED, Detector
from leadline.scans.observing import own_rules as own_rules_module
from leadline.scans.observing.lines import event_line
from leadline.scans.observing.own_rules import own_rules, summary, tried
from leadline.scans.observing.rule_page import rule_named

WEB = Container("c1", name="web", namespace="shop")
PYTHON = '''
"""Our job must never run make.

First:
- Look at the build.
"""
from leadline.model.event import Executed
from leadline.runtime.rule import Actor, rule

@rule("SHOP-1", "Make ran", score=5, needs=("exec",))
def make(event: Executed, actor: Actor) -> str | None:
    return f"{actor.tool} ran" if actor.tool == "make" else None
'''
CEL = """
apiVersion: kubescape.io/v1
kind: Rules
metadata: {name: ours}
spec:
  rules:
  - name: Port of the database
    enabled: true
    id: SHOP-2
    severity: 7
    profileDependency: 2
    expressions:
      message: "event.comm + ' connected to ' + event.dstAddr"
      uniqueId: "event.comm"
      ruleExpression:
      - {eventType: network, expression: "event.pktType == 'OUTGOING' && event.dstPort == 5432 && !net.is_private_ip(event.dstAddr)"}
      - {eventType: exec, expression: "event.upperlayer && !ap.was_executed(event.containerId, event.exepath)"}
  - {name: Off, enabled: false, id: SHOP-3, expressions: {ruleExpression: [{eventType: nonsense, expression: "("}]}}
"""


def events_file(folder: Path) -> str:
    first = Executed(1, 1, 7, 1, 0, 0, "app", FIRST_PROCESS, path="/app", name="/app", arguments=("app",))
    events = [
        (first, "/app"),
        (
            Executed(2, 1, 8, 9, 1, 0, "make", UPPER, path="/usr/bin/make", arguments=("make",)),
            "/usr/bin/make",
        ),
        (Opened(3, 1, 8, 9, 1, 0, "make", path="/etc/shadow", open_flags=0o2000000), "/usr/bin/make"),
        (Connected(4, 1, 7, 1, 0, 0, "app", 0, "connects", "8.8.8.8", 5432, 0, "TCP"), "/app"),
        (Connected(5, 1, 7, 1, 0, 0, "app", 0, "connects", "10.0.0.8", 5432, 0, "TCP"), "/app"),
    ]
    file = folder / "events.jsonl"
    lines = [event_line(event, WEB, exe, float(number)) for number, (event, exe) in enumerate(events)]
    file.write_bytes(b"".join(lines) + b"not an event\n")
    return str(file)


def test_a_rule_in_python_is_tried_on_recorded_events(tmp_path: Path):
    (tmp_path / "ours.py").write_text(PYTHON)
    found = tried(own_rules([str(tmp_path / "ours.py")]), events_file(tmp_path))
    assert [one.message for one in found.detections] == ["make ran"]
    assert [one.path for one in found.detections[0].chain] == ["/usr/bin/make", "/app"]
    assert (found.events, found.unreadable, found.failures) == (5, 1, {})


def test_objects_with_cel_are_tried_on_recorded_events(tmp_path: Path):
    pytest.importorskip("cel_expr_python")
    (tmp_path / "ours.yaml").write_text(CEL)
    found = tried(own_rules([str(tmp_path / "ours.yaml")]), events_file(tmp_path))
    assert found.failures == {}
    # Of an execution there is no dstAddr, so that the message cannot be made: the title says what happened.
    assert [(one.rule, one.message) for one in found.detections] == [
        ("SHOP-2", "Port of the database"),
        ("SHOP-2", "app connected to 8.8.8.8"),
    ]


LINK = """
kind: Rules
spec:
  rules:
  - id: SHOP-4
    name: Someone waits
    expressions:
      ruleExpression:
      - {eventType: exec, expression: "event.exepath == '/bin/busybox' && event.args[0].endsWith('/sleep')"}
  - id: SHOP-5
    name: Never
    expressions: {ruleExpression: [{eventType: exec, expression: "event.exepath.endsWith('/sleep')"}]}
"""


def test_a_program_that_a_link_leads_to_has_its_own_path_and_the_name_of_the_link_among_its_arguments(
    tmp_path: Path,
):
    pytest.importorskip("cel_expr_python")
    (tmp_path / "ours.yaml").write_text(LINK)
    waits = Executed(1, 1, 7, 9, 0, 0, "sleep", path="/bin/busybox", arguments=("/bin/sleep", "1"))
    (tmp_path / "events.jsonl").write_bytes(event_line(waits, WEB, "/bin/busybox", 1.0))
    found = tried(own_rules([str(tmp_path / "ours.yaml")]), str(tmp_path / "events.jsonl"))
    assert [one.rule for one in found.detections] == ["SHOP-4"]
    assert found.failures == {}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("x.py", "import nowhere_at_all", "does not load: ModuleNotFoundError"),
        ("x.py", "x = 1", "has no rules"),
        ("x.yaml", "a: 1", "has no objects of the kind Rules"),
        ("x.yaml", "a: [", "x.yaml:"),
        ("x.yaml", CEL.replace("event.pktType ==", "event.pktType =="[:5] + "("), "SHOP-2: invalid CEL"),
        ("x.yaml", CEL.replace("eventType: network", "eventType: thunder"), "unknown event type thunder"),
        ("x.py", "#" * (4 << 20) + "\n", "x.py: it is larger than 4 MiB"),
        ("x.yaml", CEL + "#" * (4 << 20), "x.yaml: it is larger than 4 MiB"),
        (
            "x.py",
            PYTHON.replace("score=5", "score=50"),
            "ValueError: SHOP-1: the score 50 is not from 0 to 10",
        ),
        ("x.yaml", CEL.replace("severity: 7", "severity: 70"), "SHOP-2: the severity 70 is not from 0 to 10"),
        ("x.yaml", CEL.replace("severity: 7", "severity: high"), "SHOP-2 is malformed: could not convert"),
        ("x.yaml", "kind: Rules\nspec: [1]", "x.yaml: spec.rules is not a list of rules"),
        ("x.yaml", "kind: Rules\nspec: {rules: 3}", "x.yaml: spec.rules is not a list of rules"),
        ("x.yaml", "kind: Rules\nspec: {rules: [3]}", r"x.yaml: spec.rules\[0\] is not a rule"),
        ("x.yaml", "kind: Rules\nspec: {rules: [{id: A}]}", "x.yaml: rule A has no expressions"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, name: str, text: str, why: str):
    if "CEL" in why or "event type" in why:
        pytest.importorskip("cel_expr_python")
    (tmp_path / name).write_text(text)
    with pytest.raises(LeadlineError, match=why) as caught:
        own_rules([str(tmp_path / name)])
    assert "\n" not in str(caught.value.args[0])


def test_a_line_of_an_event_is_read_back(tmp_path: Path):
    lines = [json.loads(line) for line in Path(events_file(tmp_path)).read_bytes().splitlines()[:-1]]
    assert lines[0]["isFirstProcess"] is True
    assert lines[1]["isInUpperLayer"] is True


HANGS = (
    PYTHON
    + """

@rule("SHOP-9", "Never ends", score=5, needs=("exec",))
def endless(event: Executed, actor: Actor) -> str | None:
    while True:
        try:
            actor.tool
        except Exception:
            pass
"""
)


def test_a_rule_that_never_ends_costs_itself_alone(tmp_path: Path):
    (tmp_path / "ours.py").write_text(HANGS)
    found = tried(own_rules([str(tmp_path / "ours.py")]), events_file(tmp_path), deadline)
    assert [one.message for one in found.detections] == [NOT_JUDGED, "make ran"]
    assert list(found.failures) == ["SHOP-9"]
    assert "for an event of shop/web, and is not asked" in found.failures["SHOP-9"]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize(
    "line",
    [
        '{"time":Infinity,"event":"executed"}',
        '{"time":1e300,"event":"executed"}',
        '{"time":NaN,"event":"executed"}',
        '{"time":1,"event":' + "[" * 100_000,
        '{"time":1,"event":["executed"]}',
        '{"time":1,"event":"opened","openFlags":[{}],"path":"/x"}',
        '{"time":1,"event":"opened","openFlags":5,"path":"/x"}',
        '{"time":1,"event":"executed","container":[]}',
        '{"time":1,"event":"executed","container":{"id":5}}',
        "[1]",
        "null",
        "\x00",
    ],
)
def test_a_line_that_is_no_event_is_counted_and_costs_no_other(tmp_path: Path, line: str):
    (tmp_path / "ours.py").write_text(PYTHON)
    events = Path(events_file(tmp_path))
    events.write_bytes(line.encode() + b"\n" + events.read_bytes())
    rules = own_rules([str(tmp_path / "ours.py")])
    found = tried(rules, str(events))
    assert [one.message for one in found.detections] == ["make ran"]
    assert found.events + found.unreadable == 7
    assert "could not be read as" in summary(rules, found)


def test_events_are_read_as_a_whole_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ours.py").write_text(PYTHON)
    rules, events = own_rules([str(tmp_path / "ours.py")]), events_file(tmp_path)
    size = Path(events).stat().st_size
    monkeypatch.setattr(own_rules_module, "LARGEST_EVENTS", size)
    assert tried(rules, events).events == 5
    monkeypatch.setattr(own_rules_module, "LARGEST_EVENTS", size - 1)
    with pytest.raises(SourceError, match=f"events.jsonl: it is larger than {size - 1:,} bytes"):
        tried(rules, events)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("event.exepth == '/usr/bin/make'", "an event of the type exec has no field exepth"),
        ("event.exepath", "the expression gives '/app', neither true nor false"),
    ],
)
def test_an_expression_without_a_verdict_says_why(tmp_path: Path, expression: str, why: str):
    pytest.importorskip("cel_expr_python")
    row = {
        "id": "SHOP-4",
        "expressions": {"ruleExpression": [{"eventType": "exec", "expression": expression}]},
    }
    (tmp_path / "ours.json").write_text(json.dumps({"kind": "Rules", "spec": {"rules": [row]}}))
    events = Path(events_file(tmp_path))
    events.write_bytes(events.read_bytes().splitlines()[0])
    found = tried(own_rules([str(tmp_path / "ours.json")]), str(events))
    assert found.detections == ()
    assert found.failures == {"SHOP-4": f"ValueError: {why}"}


def test_an_error_of_the_language_names_its_place(tmp_path: Path):
    pytest.importorskip("cel_expr_python")
    (tmp_path / "ours.yaml").write_text(CEL.replace("event.upperlayer", "k8s.is_ours()"))
    with pytest.raises(SourceError) as caught:
        own_rules([str(tmp_path / "ours.yaml")])
    said = str(caught.value.args[0])
    assert said.endswith(
        "ours.yaml: rule SHOP-2: invalid CEL: line 1, column 1: undeclared reference to 'k8s'"
    )


def test_a_rule_that_no_event_reached_is_not_shown_as_silent(tmp_path: Path):
    (tmp_path / "ours.py").write_text(PYTHON)
    rules = (
        *own_rules([str(tmp_path / "ours.py")]),
        rule_named("R0001"),
        rule_named("R0003"),
        rule_named("RL018"),
    )
    events = events_file(tmp_path)
    assert tried(rules, events).unasked == {
        "R0001": "it waits for a complete profile, and recorded events have none",
        "R0003": "it waits for a complete profile, and recorded events have none",
        "RL018": "no event of the type rawSocket was read",
    }
    Path(events).write_bytes(b"")
    assert tried(rules, events).unasked["SHOP-1"] == "no event of the type executed was read"


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("event.args.all(x, event.args.all(y, x == y))", "all within a loop"),
        (r"r'\' == '' || event.args.map(x, event.args.map(y, x + y)).size() > 0 // '", "map within a loop"),
        ("event.args.exists(x, x.replace('a', 'bb') == '')", "replace within a loop"),
        ("event.path.replace('a', 'bb').replace('b', 'cc') == ''", "more than 1 call that makes texts"),
        ("event.args.map(x, x + x + x + x + x + x).size() > 0", "more than 4 times + within loops"),
        (
            "event.args.exists(a, matches(a, '(.?){300}b$'))",
            "matches within a loop; use event.args.join(' ')",
        ),
        (
            "event.args.map(a, event.path).join(event.path).matches('a')",
            "loops beside a call that makes texts",
        ),
        ("[event.path].join(event.path).matches('a')", "matches beside a call that makes texts"),
        ("event.args.join('123456789').matches('a')", "matches beside a call that makes texts"),
        ("'event.args.join('+''+').matches(x)' == '' || [''].join('').matches('')", "matches beside"),
        (" || ".join(["event.path.matches('(a?){1000}c')"] * 9), "more than 8 calls of matches"),
        ("[1].map(x, x)" + ".map(x, x)" * 8 + " == [1]", "more than 8 loops"),
        (f"[{'1,' * 500}1].exists(x, x > 1)", "more than 400 commas"),
        (
            f"event.args.exists(a, {' || '.join(['a.contains(event.path)'] * 17)})",
            "more than 16 calls within loops",
        ),
        ("[" * 3000, "invalid CEL"),
        (f"event.path == '{'a' * 5000}'", "longer than 4096 characters"),
    ],
)
def test_an_expression_that_may_take_too_much_is_refused(expression: str, why: str):
    """The engine is not interrupted: what it may cost is bounded before."""
    with pytest.raises(SourceError, match=re.escape(why)):
        cel_rules(of_expression(expression), "ours")


@pytest.mark.parametrize(
    "expression",
    [
        "event.args.exists(x, x == 'all(map(') && 'event.args.all(x, [].all(y, true))' != ''",
        "event.args.exists(x, x.startsWith('a')) || ['/tmp/', '/dev/shm/'].exists(p, event.path.startsWith(p))",
        "event.args.join(' ').matches('(a*)*b') || event.comm + ':' + event.path == ''",
        "event.args.join().matches('x') || event.args.join(',').matches('y') && event.args.exists(a, a == 'z')",
        "event.path.split('/')[1] == 'tmp' && event.args.size() > 1 && event.comm in ['a', 'b']",
    ],
)
def test_what_rules_ask_in_earnest_is_not_refused(expression: str):
    (rule,) = cel_rules(of_expression(expression), "ours")
    assert rule.is_own


def test_what_passes_ends_soon_on_the_longest_texts_of_an_event():
    """The dearest that were found: 0.9 s of a processor for what would be 10,000 iterations of minutes elsewhere."""
    pytest.importorskip("cel_expr_python")
    longest = Executed(
        5, 1, 7, 10, 1, 0, "sh", path="/" + "a" * 5_000, arguments=("a" * 100_000,) + ("b",) * 1_000
    )
    expressions = (
        " || ".join(["event.path.matches('(a?){1000}c')"] * 2),
        f"event.args.exists(x, {' || '.join(['event.path.contains(x + x)'] * 2)})",
        f"[{'1,' * 390}1].map(x, event.path.upperAscii()).size() < 0",
    )
    for expression in expressions:
        detector = Detector(cel_rules(of_expression(expression), "ours"))
        began_s = time.process_time()
        detector.see(longest, WEB, "/bin/sh")
        assert time.process_time() - began_s < 5
        assert detector.failures == {}


def of_expression(expression: str) -> dict[str, object]:
    row = {
        "id": "SHOP-3",
        "expressions": {"ruleExpression": [{"eventType": "exec", "expression": expression}]},
    }
    return {"spec": {"rules": [row]}}


def test_an_engine_that_cannot_be_loaded_is_an_error_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Such as one whose own libraries are not there; what reads rules goes on with those in Python."""
    for name in [name for name in sys.modules if name.startswith("cel_expr_python")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cel_expr_python", types.ModuleType("cel_expr_python"))
    (tmp_path / "ours.yaml").write_text(CEL)
    with pytest.raises(
        SourceError, match="engine of rules in CEL cannot be loaded: cannot import name 'cel'"
    ):
        own_rules([str(tmp_path / "ours.yaml")])
