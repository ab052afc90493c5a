"""Rules that users wrote: Python files as the built-in ones, and objects of the kind ``Rules`` with CEL; and events to try them on."""

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model import event as of
from leadline.model.alert import Detection
from leadline.model.container import Container
from leadline.model.event import Event, Executed
from leadline.outputs.text.plain import count
from leadline.runtime.detecting import Detector, Within
from leadline.runtime.learning import flag_bits
from leadline.runtime.rule import Rule
from leadline.scans.observing.lines import MARKS
from leadline.sources.regular_file import read_given

LARGEST_FILE = 4 << 20
LARGEST_EVENTS = 256 << 20
_KINDS: Mapping[str, type[Event]] = {str(kind.__struct_config__.tag): kind for kind in Event.__subclasses__()}
_HEAD = {"atNs": 0, "nsId": 0, "exeId": 0}


def own_rules(paths: Iterable[str]) -> tuple[Rule, ...]:
    """Those of each file: ``.py``, which is run, or YAML or JSON with objects of the kind ``Rules``.

    Raises: ``UsageError``, ``SourceError`` with the file and what is wrong.
    """
    return tuple(
        rule for path in paths for rule in (_of_python(path) if path.endswith(".py") else _of_objects(path))
    )


def _of_python(path: str) -> list[Rule]:
    name = f"leadline_own_rules.{sha256(str(Path(path).absolute()).encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    read_given(path, LARGEST_FILE)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path} does not load: {type(error).__name__}: {error}") from error
    found = [replace(one, is_own=True) for one in vars(module).values() if isinstance(one, Rule)]
    if not found:
        raise UsageError(f"{path} has no rules", hint="docs/detections.md shows one")
    return found


def _of_objects(path: str) -> list[Rule]:
    from leadline.runtime.cel_rules import cel_rules
    from leadline.sources.yaml.parser import parse_documents

    found: list[Rule] = []
    for document in parse_documents(read_given(path, LARGEST_FILE)):
        if document.problem is not None:
            raise SourceError(f"{path}:{document.problem.line}: {document.problem.why}")
        body = document.body
        if isinstance(body, dict) and body.get("kind") == "Rules":
            found += cel_rules(body, path)
    if not found:
        raise UsageError(
            f"{path} has no objects of the kind Rules that are enabled", hint="docs/detections.md shows one"
        )
    return found


class Tried(msgspec.Struct, frozen=True):
    """What rules made of recorded events."""

    events: int
    unreadable: int
    """Lines that hold no event."""
    detections: tuple[Detection, ...]
    failures: Mapping[str, str]
    """Why a rule failed last or was too slow, by id."""
    unasked: Mapping[str, str]
    """Why a rule was asked about no event, by id: that it is silent says nothing."""


def tried(rules: Iterable[Rule], events: str, within: Within = nullcontext) -> Tried:
    """``events`` is a file of lines as the agent writes events. Raises: ``SourceError``."""
    content = read_given(events, LARGEST_EVENTS)
    rules = tuple(rules)
    detector = Detector(rules, within=within)
    kinds: set[type[Event]] = set()
    found: list[Detection] = []
    number = unreadable = 0
    for line in content.splitlines():
        if not line.strip():
            continue
        read = _event_of(line)
        if read is None:
            unreadable += 1
            continue
        number += 1
        kinds.add(type(read[0]))
        found += detector.see(*read)
    return Tried(number, unreadable, tuple(found), {**detector.why, **detector.slow}, _unasked(rules, kinds))


def _unasked(rules: Iterable[Rule], kinds: Collection[type[Event]]) -> dict[str, str]:
    reasons: dict[str, str] = {}
    asked: set[str] = set()
    for one in rules:
        if one.waits:
            reasons[one.id] = "it waits for a complete profile, and recorded events have none"
        elif one.event not in kinds:
            reasons[one.id] = f"no event of the type {one.event.__struct_config__.tag} was read"
        else:
            asked.add(one.id)
    return {id: why for id, why in reasons.items() if id not in asked}


def _event_of(line: bytes) -> tuple[Event, Container, str] | None:
    """The inverse of ``event_line``, as far as rules ask."""
    try:
        row: dict[str, Any] = json.loads(line)
        kind = _KINDS[row["event"]]
        container = msgspec.convert(row.get("container") or {"id": ""}, Container)
        exe = str(row.get("exe") or "")
        flags = sum(bit for bit, name in MARKS if row.get(name) is True)
        if kind is of.Opened:
            row["openFlags"] = flag_bits(row.get("openFlags") or ())
        # One program of a container is known by its path here: lines have no ids of files.
        program = str(row.get("path") or "") if kind is Executed else exe
        ids = {"exeId": hash(program) & 0x7FFFFFFF, "nsId": hash(container.id) & 0x7FFFFFFF}
        event = msgspec.convert(
            {**_HEAD, "atNs": int(float(row["time"]) * 1e9), **row, **ids, "flags": flags}, kind
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    return event, container, exe or program


def described(detections: Iterable[Detection]) -> Iterator[str]:
    for one in detections:
        yield f"{one.rule}  {one.container.name or one.container.id or 'no container'}  {one.message}"


def summary(rules: Iterable[Rule], found: Tried) -> str:
    """One line; an own rule may be several, one for each type of event, and counts once."""
    parts = [
        count(len({one.id for one in rules}), "rule"),
        count(found.events, "event"),
        count(len(found.detections), "detection"),
    ]
    if found.unreadable:
        parts.append(
            f"{count(found.unreadable, 'line')} could not be read as {'an event' if found.unreadable == 1 else 'events'}"
        )
    return ", ".join(parts)
