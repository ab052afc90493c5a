"""The forty steps of ``stories.toml``, and which of the events that a step must produce were not seen."""

import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from msgspec import Struct, convert

HERE = Path(__file__).parent
_TEXT = tomllib.loads((HERE / "stories.toml").read_text("utf-8"))
ADDRESSES: Mapping[str, str] = _TEXT["outside"]
"""Listeners to ``ADDRESS:PORT``."""


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    story: str
    name: str
    does: str
    script: str
    events: tuple[dict[str, Any], ...] = ()
    needs: frozenset[str] = frozenset()
    outside: tuple[str, ...] = ()
    unseen: str = ""

    @property
    def id(self) -> str:
        return f"{self.story}.{self.name}"


def all_steps() -> list[Step]:
    """In the order of the file."""
    return [
        convert({"story": story, "name": name, **step}, Step)
        for story, steps in _TEXT.items()
        if story != "outside"
        for name, step in steps.items()
        if isinstance(step, dict)
    ]


def steps_of(*ids: str) -> list[Step]:
    known = {step.id: step for step in all_steps()}
    return [known[id] for id in ids]


def missing(step: Step, seen: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Events that the step must produce and that are not among ``seen``."""
    events = list(seen)
    return [wanted for wanted in step.events if not any(_is(event, wanted) for event in events)]


def _is(event: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(_equals(event.get(field), value) for field, value in wanted.items())


def _equals(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):
        found = " ".join(found)
    if isinstance(wanted, str):
        return isinstance(found, str) and fnmatchcase(found, wanted)
    return bool(found == wanted)
