"""The agent beside the attacked containers: what it saw of each step, how soon, and which alerts it raised."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attack_listeners import Outside
from msgspec import Struct
from places import Place, request
from stories import ADDRESSES, Step, missing

SOON_S = 2.0
PAUSE_S = 0.1
"""The agent reads five times a second at least."""
PATIENCE_S = 30.0
"""So long a step is waited for, on however busy a machine; how soon it was seen is measured."""


class Watched(Struct):
    step: Step
    missing: list[dict[str, Any]]
    seconds: float
    """From what happened to the line that tells of it, the longest; the time that programs take to start is not the agent's."""
    rules: tuple[str, ...]
    """Ids of those that raised an alert."""


class Agent:
    def __init__(self, out: Path, log: Path, child: "subprocess.Popen[str]") -> None:
        self.child = child
        self._log = log
        self._out = out.open()
        self._rest = ""

    def lines(self) -> list[dict[str, Any]]:
        """What was written since the last call."""
        self._rest += self._out.read()
        whole, newline, self._rest = self._rest.rpartition("\n")
        return [json.loads(line) for line in (whole + newline).splitlines()]

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until its log says ``text`` so often."""
        end = time.monotonic() + PATIENCE_S * 4
        while self._log.read_text().count(text) < times:
            assert self.child.poll() is None, self._log.read_text()
            assert time.monotonic() < end, f"{text}: {self._log.read_text()[-3000:]}"
            time.sleep(0.05)

    def end(self) -> None:
        self.child.terminate()
        self.child.wait(timeout=60)
        self._out.close()


@contextmanager
def agent(out: Path, *flags: str, environment: Mapping[str, str] | None = None) -> Iterator[Agent]:
    """``leadline agent --json``, once it watches."""
    command = [sys.executable, "-m", "leadline.programs.cli.main", "agent", "--json", *flags]
    told = out.with_suffix(".log")
    with out.open("w") as file, told.open("w") as log:
        child = subprocess.Popen(command, stdout=file, stderr=log, text=True, env=environment)
        started = Agent(out, told, child)
        try:
            started.wait_for("watching")
            yield started
        finally:
            started.end()


def attack(place: Place, pids: Mapping[str, int], agent: Agent, steps: Sequence[Step]) -> list[Watched]:
    """Every step by itself, one after another."""
    agent.lines()
    return [_watched(place.owner(step), pids[step.id], agent, step) for step in steps]


def _watched(owner: Mapping[str, str], pid: int, agent: Agent, step: Step) -> Watched:
    request(pid, step.script.replace("NODE_PID", str(os.getpid())))
    seen: list[dict[str, Any]] = []
    last, end = 0.0, time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        new = [line for line in agent.lines() if is_of(line, owner)]
        seen += new
        last = max([last, *(time.time() - line["time"] for line in new)])
        if not new and _is_over(step, seen):
            break
        time.sleep(PAUSE_S)
    rules = sorted({line["rule"] for line in seen if "alert" in line})
    return Watched(step, missing(step, seen), last, tuple(rules))


def _is_over(step: Step, seen: Sequence[Mapping[str, Any]]) -> bool:
    """All was seen that must be, or the program was started of which nothing else is seen."""
    is_started = any(line.get("event") == "executed" for line in seen)
    is_told = any("alert" in line for line in seen)
    return is_started and not missing(step, seen) and (is_told or bool(step.unseen))


def not_as_it_must_be(watched: Sequence[Watched], *, is_learned: bool = False) -> list[str]:
    """A line for each step that is not seen whole, not told of, or not within two seconds; prints what was seen of each.

    ``is_learned``: profiles are complete, so that rules about what is new tell of all steps.
    """
    for one in watched:
        print(f"{one.step.id:26} {one.seconds:5.2f} s  {' '.join(one.rules) or one.step.unseen}")
    faults = [f"{one.step.id}: not seen: {one.missing}" for one in watched if one.missing]
    faults += [f"{one.step.id}: after {one.seconds:.1f} s" for one in watched if one.seconds > SOON_S]
    untold = [one.step for one in watched if not one.rules and (is_learned or not one.step.unseen)]
    faults += [f"{step.id}: no alert" for step in untold]
    told = [one for one in watched if one.rules and one.step.unseen and not is_learned]
    return faults + [f"{one.step.id}: unseen, and told of by {', '.join(one.rules)}" for one in told]


def is_of(line: Mapping[str, Any], owner: Mapping[str, str]) -> bool:
    container = line.get("container") or {}
    return all(container.get(field) == value for field, value in owner.items())


def listen(outside: Outside, pids: Mapping[str, int], steps: Sequence[Step]) -> None:
    for step in steps:
        outside.open(pids[step.id], addresses_of(step, pids[step.id]))


def addresses_of(step: Step, pid: int) -> list[tuple[str, str]]:
    """The listeners of a step; the API server's address is what the container was told."""
    environment = Path(f"/proc/{pid}/environ").read_text().split("\0")
    told = dict(one.split("=", 1) for one in environment if "=" in one)
    found = []
    for kind in step.outside:
        address = ADDRESSES[kind]
        if kind == "api":
            address = f"{told['KUBERNETES_SERVICE_HOST']}:443"
        found.append((kind, address))
    return found
