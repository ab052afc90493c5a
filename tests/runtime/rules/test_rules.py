"""Every rule on what the kernel once said: it fires on one recording, and is silent on the other."""

import ast
import json
import lzma
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from scenarios import MADE_BY_HAND, SCENARIOS

from leadline.model import event as of
from leadline.model.alert import Detection
from leadline.model.container import Container
from leadline.model.event import Event, Executed
from leadline.model.profile import COMPLETE, Profile
from leadline.runtime.baseline import Baseline
from leadline.runtime.catalogue import all_rules, blind_rules
from leadline.runtime.detecting import Detector
from leadline.runtime.learning import Recorder
from leadline.runtime.rule import Rule, page_of
from leadline.scans.observing.redacting import redacted_event
from leadline.scans.observing.rule_page import rule_text
from leadline.sources.ebpf.btf import ObjectTypes
from leadline.sources.ebpf.event_source import RecordReader
from leadline.sources.ebpf.loading import read_object

RECORDED = json.loads(lzma.decompress((Path(__file__).parent / "recorded.json.xz").read_bytes()))
READER = RecordReader(ObjectTypes(read_object("x86_64")))
RULES = {rule.id: rule for rule in all_rules()}
POD = Container("c1", name="main", namespace="shop", mounts=("/mnt/volume",))
HEAD = (5, 1, 7, 10, 1, 0, "x")


def events_of(rule: str, which: str) -> list[Event]:
    raw = (bytes.fromhex(one) for one in RECORDED[rule][which])
    return [redacted_event(event) for event in map(READER.event, raw) if event is not None]


def detected(rule: Rule, events: Iterable[Event], known: Baseline | None = None) -> list[Detection]:
    detector = Detector([rule])
    if known is not None:
        detector.baselines[POD.id] = known
    programs: dict[int, str] = {}
    found: list[Detection] = []
    for event in events:
        if isinstance(event, Executed):
            programs[event.exe_id] = event.path
        found += detector.see(event, POD, programs.get(event.exe_id, ""))
    assert detector.why == {}
    return found


def learned(events: Iterable[Event]) -> Baseline:
    recorder = Recorder(POD)
    for event in events:
        recorder.add(event)
    return Baseline(recorder.profile())


def baseline_for(rule: Rule) -> Baseline | None:
    return learned(events_of(rule.id, "silent")) if rule.waits else None


def test_every_rule_is_fed_or_named_as_blind():
    seen = {type(event) for id in RECORDED for which in ("fires", "silent") for event in events_of(id, which)}
    # The kernel of the recordings has no modules and no io_uring; probes send both where it has.
    # The agent makes events of system calls of what it learns, and the webhook those of ways into pods.
    others = {of.ModuleChanged, of.RingUsed, of.CallUsed, of.PodEntered}
    assert {rule.event for rule in RULES.values()} - seen - others == set()
    every = {name for rule in RULES.values() for name in rule.needs}
    assert blind_rules(every) == {}
    of_webhook = {id for id in RULES if "fed by" in rule_text(RULES[id], "text", 80)}
    assert of_webhook == {"R2000", "R2001"}
    assert set(blind_rules(())) == set(RULES) - of_webhook


def test_every_rule_is_recorded_or_says_why_not():
    assert set(RULES) == set(SCENARIOS) | set(MADE_BY_HAND)
    assert set(RECORDED) == set(SCENARIOS)


@pytest.mark.parametrize("id", list(SCENARIOS))
def test_a_rule_fires_on_what_it_is_about(id: str):
    rule = RULES[id]
    found = detected(rule, events_of(id, "fires"), baseline_for(rule))
    assert found, [event for event in events_of(id, "fires") if isinstance(event, rule.event)]
    assert {one.rule for one in found} == {id}
    assert all(one.message and one.chain for one in found)


@pytest.mark.parametrize("id", list(SCENARIOS))
def test_a_rule_is_silent_about_what_is_usual(id: str):
    rule = RULES[id]
    assert [one.message for one in detected(rule, events_of(id, "silent"), baseline_for(rule))] == []


@pytest.mark.parametrize("id", [id for id in SCENARIOS if RULES[id].takes == 3 and not RULES[id].waits])
def test_no_rule_fails_where_a_profile_is_there(id: str):
    events = events_of(id, "fires")
    detected(RULES[id], events, learned(events))


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_the_page_of_a_rule_is_whole(rule: Rule):
    page = page_of(rule)
    assert page.what.endswith(".")
    assert page.why.endswith(".")
    assert len(page.first) == 3
    assert all(step.endswith((".", "?")) for step in page.first)
    assert page.false_positives
    assert all(link.startswith("https://") for link in page.links)
    assert page.links
    assert rule.needs
    assert len(rule.mitre) == 2


MADE: dict[str, tuple[Event, Event]] = {
    # It has no condition: whatever is such an event is an alert.
    "R1002": (of.ModuleChanged(*HEAD, call="load", name="evil"), of.Opened(*HEAD, path="/lib/modules/x.ko")),
    "R2000": (
        of.PodEntered(*HEAD, call="exec", user="eve", command=("sh",)),
        of.PodEntered(*HEAD, call="portForward"),
    ),
    "R2001": (
        of.PodEntered(*HEAD, call="portForward", user="eve", ports=(80,)),
        of.PodEntered(*HEAD, call="exec"),
    ),
    "RL002": (
        of.Executed(*HEAD, path="/bin/x", environment=("LD_PRELOAD",)),
        of.Executed(*HEAD, path="/usr/bin/java", environment=("LD_PRELOAD",)),
    ),
    "RL006": (of.Executed(*HEAD, path="/bin/sh", tty="pts0"), of.Executed(*HEAD, path="/bin/sh")),
    "RL056": (
        of.Executed(*HEAD, path="/bin/tar", arguments=("tar", "cf", "-", "/etc")),
        of.Executed(*HEAD, path="/bin/tar", arguments=("tar", "cf", "/tmp/x.tar", "/etc")),
    ),
}


@pytest.mark.parametrize("id", MADE)
def test_a_rule_without_a_recording_fires_and_is_silent(id: str):
    fires, silent = MADE[id]
    first = of.Executed(1, 1, 6, 99, 0, 0, "app", of.FIRST_PROCESS, path="/app")
    assert len(detected(RULES[id], [first, fires])) == 1
    assert detected(RULES[id], [first, silent]) == []


USED = Profile(
    POD, COMPLETE, (), syscalls=("bpf", "unshare", "setns", "mount", "userfaultfd"), capabilities=("NET_RAW",)
)
LEARNED: dict[str, Event] = {
    "R0009": of.BpfLoaded(*HEAD),
    "R1006": of.NamespaceChanged(*HEAD, call="unshare", namespaces=("user",)),
    "RL001": of.NamespaceChanged(*HEAD, call="setns", namespaces=("user",)),
    "RL018": of.RawSocketMade(*HEAD, family="packet"),
    "RL024": of.Mounted(*HEAD, source="none", target="/tmp/m"),
    "RL044": of.PageFaultsTaken(*HEAD),
}
"""Rules whose silent recording has no event that they judge: what makes them silent is a profile that has it."""


@pytest.mark.parametrize("id", LEARNED)
def test_a_rule_is_silent_about_what_the_profile_has(id: str):
    first = of.Executed(1, 1, 7, 10, 1, 0, "app", of.FIRST_PROCESS, path="/app")
    rule, event = RULES[id], LEARNED[id]
    assert len(detected(rule, [first, event])) == 1
    assert len(detected(rule, [first, event], Baseline(Profile(POD, COMPLETE, ())))) == 1
    assert detected(rule, [first, event], Baseline(USED)) == []


@pytest.mark.parametrize("id", ["R0009", "R1006", "RL001", "RL024"])
def test_a_rule_is_silent_about_the_runtime_on_its_way_in(id: str):
    """No program of the container is known to have done it."""
    assert detected(RULES[id], [LEARNED[id]]) == []


@pytest.mark.parametrize("id", list(SCENARIOS))
def test_a_rule_that_is_silent_was_asked(id: str):
    """Of a rule for named programs it is enough that other programs did the same."""
    rule = RULES[id]
    if id not in LEARNED and id not in ORDINARY:
        assert any(isinstance(event, rule.event) for event in events_of(id, "silent"))


@pytest.mark.parametrize(
    ("id", "event"), [("R0003", of.CallUsed(*HEAD, call="mount")), ("R1030", of.RingUsed(*HEAD))]
)
def test_a_rule_about_what_is_new_asks_the_profile(id: str, event: Event):
    first = of.Executed(5, 1, 7, 10, 1, 0, "app", of.FIRST_PROCESS, path="/app")
    known = Profile(POD, COMPLETE, (), syscalls=("mount", "io_uring_enter"))
    assert len(detected(RULES[id], [first, event], Baseline(Profile(POD, COMPLETE, ())))) == 1
    assert detected(RULES[id], [first, event], Baseline(known)) == []
    assert detected(RULES[id], [first, event]) == []


SCRIPT = "while :; do echo served >> /var/log/app/a.log; mv /var/log/app/a.log /var/log/app/b.log; : > /var/log/app/a.log; sleep 60; done"
FIRST = of.Executed(
    5, 1, 7, 10, 1, 0, "sh", of.FIRST_PROCESS, path="/bin/busybox", arguments=("/bin/sh", "-c", SCRIPT)
)
WGET = of.Executed(
    6, 1, 7, 11, 10, 0, "wget", path="/bin/busybox", arguments=("wget", "-q", "http://127.0.0.1:8080/")
)
HOOK = ("/bin/sh", "-c", "echo ends >> /var/log/app/a.log")
JOB = ("/bin/sh", "-c", "backup --all > /var/log/backup.log 2>&1")
ORDINARY = {
    "RL008": [FIRST, WGET, of.Redirected(7, 1, 7, 12, 9, 0, "httpd", port=49178)],
    "RL012": [
        FIRST,
        of.Opened(7, 1, 7, 10, 1, 0, "sh", path="/var/log/app/a.log", open_flags=0o1101),
        of.Opened(7, 1, 7, 12, 10, 0, "cp", path="/var/log/app/b.log", open_flags=0o1101),
    ],
    "RL014": [
        FIRST,
        *(
            of.Executed(7, 1, 7, 13, 1, 0, "sh", path="/bin/busybox", arguments=words)
            for words in (HOOK, JOB)
        ),
    ],
}
"""What a script of busybox does that serves and rotates its own log: forks of one tool beside others of the same file, hooks, jobs."""


@pytest.mark.parametrize("id", ORDINARY)
def test_what_pods_do_every_day_is_no_alarm(id: str):
    assert [one.message for one in detected(RULES[id], ORDINARY[id])] == []


def test_what_a_shell_empties_that_was_started_later_is():
    later = of.Executed(
        7, 1, 7, 13, 10, 0, "sh", path="/bin/busybox", arguments=("sh", "-c", ": > /var/log/app/a.log")
    )
    emptied = of.Opened(8, 1, 7, 13, 10, 0, "sh", path="/var/log/app/a.log", open_flags=0o1101)
    assert len(detected(RULES["RL012"], [FIRST, later, emptied])) == 1
    assert len(detected(RULES["RL014"], [FIRST, later])) == 1


def packet_socket_by(path: str, flags: int = 0) -> list[Detection]:
    made = of.RawSocketMade(6, 1, 7, 10, 1, 0, "dhclient", family="packet")
    return detected(
        next(
            rule
            for rule in RULES.values()
            if rule.event is of.RawSocketMade and rule.check.__name__ == "packet_socket"
        ),
        [Executed(*HEAD, flags, path=path, arguments=("dhclient",)), made],
    )


def test_a_name_lets_a_program_of_the_image_pass_and_no_other():
    assert packet_socket_by("/sbin/dhclient") == []
    assert packet_socket_by("/sbin/dhclient", of.UPPER)
    assert packet_socket_by("/tmp/dhclient")
    assert packet_socket_by("/mnt/volume/dhclient")


def test_no_rule_passes_over_a_program_for_its_name_alone():
    """Who names a tool to find it says ``tool in``; who names it to let it pass says ``is_known_as``."""
    found = {
        node.name
        for file in (Path(__file__).parents[3] / "src/leadline/runtime/rules").glob("*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and re.search(r"\.tool in\b", ast.unparse(node))
    }
    assert found == {
        "miner",
        "reverse_shell_by_words",
        "runtime_tool",
        "sensitive_file",
        "token_access",
        "decoded_payload",
    }
