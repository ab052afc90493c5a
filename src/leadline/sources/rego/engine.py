"""Evaluates users' Rego in a child process with limits. A rule that brings the child down costs that rule alone."""

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from leadline.foreign_errors import in_words
from leadline.posture.languages.rego import RegoAnswer, RegoProblem, RegoQuestion
from leadline.sources.child_process import (
    NOT_STARTED,
    Child,
    Command,
    Fate,
    Limits,
    Outcome,
    closed_environment,
)
from leadline.sources.confinement import Confinement, Modes, offered_modes, python_folders
from leadline.sources.rego import worker as rego_child
from leadline.untyped import MALFORMED

LIMITS = Limits(timeout_s=30.0, memory_bytes=2 << 30)
"""For each rule; a rule that compares all objects with all is slow in any engine."""
_OBJECTS_A_LINE = 500


def has_rego() -> bool:
    return importlib.util.find_spec("regorus") is not None


class RegoEngine:
    """Answers one question after the other; closed by leaving its ``with`` block."""

    def __init__(
        self, environment: Mapping[str, str], limits: Limits = LIMITS, modes: Modes | None = None
    ) -> None:
        """``modes`` are how the child is confined; ``None`` for what the kernel offers."""
        self._environment = closed_environment(environment)
        self._modes = modes
        self._limits = limits
        self._child: Child | None = None
        self._numbers: dict[int, int] = {}
        self._objects: list[Any] = []
        self._sent = 0

    def evaluate(self, question: RegoQuestion) -> RegoAnswer:
        try:
            output, fate = self._ask(question)
        except OSError as error:
            return RegoAnswer(problem=RegoProblem(f"the engine cannot be started: {in_words(error)}"))
        except (TypeError, ValueError, RecursionError) as error:
            return RegoAnswer(problem=RegoProblem(f"an object cannot be handed to the engine: {error}"))
        if fate == "ended":
            try:
                return msgspec.json.decode(output, type=RegoAnswer)
            except MALFORMED as error:
                return RegoAnswer(
                    problem=RegoProblem(f"the engine's answer is unreadable: {in_words(error)}")
                )
        assert self._child is not None
        outcome = self._child.end(b"", fate)
        self.close()
        return RegoAnswer(problem=RegoProblem(_unfinished(outcome, self._limits)))

    def _ask(self, question: RegoQuestion) -> tuple[bytes, Fate]:
        rule = question.rule
        request = {
            "file": rule.file,
            "source": rule.source,
            "counting_file": rule.counting_file,
            "counting": rule.counting,
            "input": [
                [self._number(part) for part in item] if isinstance(item, tuple) else self._number(item)
                for item in question.objects
            ],
            "data": {
                "postureControlInputs": question.settings,
                "dataControlInputs": {"cloudProvider": question.cloud},
            },
        }
        if self._child is None:
            self._child = Child(self._command(), self._limits)
            self._sent = 0
        while self._sent < len(self._objects):
            part = self._objects[self._sent : self._sent + _OBJECTS_A_LINE]
            output, fate = self._child.ask(_line({"objects": part}))
            if fate != "ended":
                return output, fate
            self._sent += len(part)
        return self._child.ask(_line(request))

    def _command(self) -> Command:
        if self._modes is None:
            self._modes = offered_modes()
        confinement = Confinement(self._modes, programs=python_folders())
        argv = (sys.executable, "-P", str(Path(rego_child.__file__)))
        return Command(argv, "/", self._environment, confinement=confinement)

    @property
    def confinement(self) -> str:
        """How the child is confined; empty where none was started."""
        return "" if self._modes is None else f"Rego: {self._modes.text}"

    def _number(self, body: Any) -> int:
        """The number under which the child knows an object, which stays referred to and so keeps its identity."""
        number = self._numbers.get(id(body))
        if number is None:
            number = self._numbers[id(body)] = len(self._objects)
            self._objects.append(body)
        return number

    def close(self) -> None:
        if self._child is not None:
            self._child.__exit__(None, None, None)
            self._child = None

    def __enter__(self) -> "RegoEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _line(request: Any) -> bytes:
    """JSON for whatever an object holds: numbers of any size, keys that are not texts, halves of characters."""
    return json.dumps(request, default=str).encode()


def _unfinished(outcome: Outcome, limits: Limits) -> str:
    reasons: dict[Fate, str] = {
        "out of time": f"not finished after {limits.timeout_s:g} s",
        "out of memory": f"needs more than {limits.memory_bytes >> 20} MiB of memory",
        "too much output": f"reports more than {limits.output_bytes >> 20} MiB",
    }
    if outcome.fate in reasons:
        return reasons[outcome.fate]
    if "memory allocation" in outcome.complaint:
        return reasons["out of memory"]
    if outcome.code in NOT_STARTED:
        return "the engine cannot be started"
    last = outcome.complaint.splitlines()[-1] if outcome.complaint else f"exit code {outcome.code}"
    return f"the engine stopped ({last})"
