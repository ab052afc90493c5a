"""Rules that users wrote, on events as the agent writes them."""

import json
import signal
from pathlib import Path

import pytest

from leadline.errors import LeadlineError
from leadline.model.container import Container
from leadline.model.event import FIRST_PROCESS, UPPER, Connected, Executed, Opened
from leadline.programs.serving.deadline import deadline
from leadline.scans.observing.lines import event_line
from leadline.scans.observing.own_rules import own_rules, tried

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


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("x.py", "import nowhere_at_all", "does not load: ModuleNotFoundError"),
        ("x.py", "x = 1", "has no rules"),
        ("x.yaml", "a: 1", "has no objects of the kind Rules"),
        ("x.yaml", "a: [", "x.yaml:"),
        ("x.yaml", CEL.replace("event.pktType ==", "event.pktType =="[:5] + "("), "SHOP-2: invalid CEL"),
        ("x.yaml", CEL.replace("eventType: network", "eventType: thunder"), "unknown event type thunder"),
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
    assert [one.message for one in found.detections] == ["make ran"]
    assert list(found.failures) == ["SHOP-9"]
    assert found.failures["SHOP-9"].startswith("one event took it ")
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
