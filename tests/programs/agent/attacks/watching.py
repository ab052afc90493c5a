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

from msgspec import Struct
from outside import Outside
from places import Place, request
from stories import ADDRESSES, Step, missing

SOON_S = 2.0
PATIENCE_S = 30.0
"""So long a step is waited for, on however busy a machine; how soon it was seen is measured."""


class Watched(Struct):
    step: Step
    missing: list[dict[str, Any]]
    seconds: float
    """From the last of its events to the line that tells of it; the time that programs take to start is not the agent's."""


class Agent:
    def __init__(self, out: Path, child: "subprocess.Popen[str]") -> None:
        self.child = child
        self._out = out.open()
        self._rest = ""

    def lines(self) -> list[dict[str, Any]]:
        """What was written since the last call."""
        self._rest += self._out.read()
        whole, newline, self._rest = self._rest.rpartition("\n")
        return [json.loads(line) for line in (whole + newline).splitlines()]

    def end(self) -> None:
        self.child.terminate()
        self.child.wait(timeout=60)
        self._out.close()


@contextmanager
def agent(out: Path, *flags: str, environment: Mapping[str, str] | None = None) -> Iterator[Agent]:
    """``leadline agent --json``, once it watches."""
    command = [sys.executable, "-m", "leadline.programs.cli.main", "agent", "--json", *flags]
    with out.open("w") as file, (out.parent / "log").open("w+") as log:
        child = subprocess.Popen(command, stdout=file, stderr=log, text=True, env=environment)
        end = time.monotonic() + 120
        while "watching" not in (out.parent / "log").read_text():
            assert child.poll() is None, (out.parent / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        started = Agent(out, child)
        try:
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
        if new:
            seen += new
            last = max(time.time() - line["time"] for line in new)
            # An unseen step is over when its program has been started.
            if not missing(step, seen) and (
                step.events or any(line.get("event") == "executed" for line in seen)
            ):
                break
        time.sleep(0.02)
    return Watched(step, missing(step, seen), last)


def not_as_it_must_be(watched: Sequence[Watched]) -> list[str]:
    """A line for each step that was not seen whole, or not within two seconds. Prints how soon each was."""
    for one in watched:
        print(f"{one.step.id:26} {one.seconds:5.2f} s  {one.step.unseen}")
    unseen = [f"{one.step.id}: {one.missing}" for one in watched if one.missing]
    return unseen + [f"{one.step.id}: after {one.seconds:.1f} s" for one in watched if one.seconds > SOON_S]


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
