"""What edits have done, as the objects and findings before and after show it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leadline.kube.field_path import has_path, parse_path, value_at, with_value, without
from leadline.model.control import Remove
from leadline.model.resource import Resource
from leadline.outputs.text.json_text import json_text
from leadline.posture.verdicts import Judgement
from leadline.scans.fixing.wanted_edits import Key, WantedEdit

Pair = tuple[str, str]
"""Control and object."""
_CHECKSUM = "checksum/"
"""Begins annotations in which charts write a hash of what else they render."""


def not_gone(edits: Sequence[WantedEdit], before: Judgement, after: Judgement) -> dict[Key, str]:
    """The edits after which a finding that they answer is still there."""
    asked: Counter[Pair] = Counter(pair for edit in edits for pair in edit.pairs)
    were, are = _by_pair(before), _by_pair(after)
    wrong: dict[Key, str] = {}
    for pair, number in asked.items():
        if len(are.get(pair, ())) <= len(were.get(pair, ())) - number:
            continue
        answering = [edit.key for edit in edits if pair in edit.pairs]
        for key in [key for key in answering if key in are[pair]] or answering:
            wrong[key] = f"{pair[0]} still fails after it"
    return wrong


def brought(before: Judgement, after: Judgement) -> Iterator[tuple[str, str]]:
    """Each object that fails a control more often than before, and that control."""
    were, are = _by_pair(before), _by_pair(after)
    for pair, keys in are.items():
        if len(keys) > len(were.get(pair, ())):
            yield pair[1], pair[0]


def changed_more(
    edits: Sequence[WantedEdit], before: Mapping[str, Resource], after: Mapping[str, Resource]
) -> Iterator[str]:
    """The ids of rendered objects that differ by more than ``edits``, and of all objects that are gone or new.

    An edit of a plain file has proven by itself that it changes nothing else.
    """
    asked: dict[str, list[WantedEdit]] = {}
    for edit in edits:
        asked.setdefault(edit.on, []).append(edit)
    for id, old in before.items():
        new = after.get(id)
        is_more = old.origin.rendered_from and new and not _is_asked(old.body, new.body, asked.get(id, ()))
        if new is None or is_more:
            yield id
    yield from (id for id in after if id not in before)


def _by_pair(judgement: Judgement) -> dict[Pair, set[Key]]:
    found: dict[Pair, set[Key]] = {}
    for finding in judgement.findings:
        found.setdefault((finding.control, finding.resource), set()).add(finding.edit)
    return found


def _is_asked(old: dict[str, Any], new: dict[str, Any], edits: Sequence[WantedEdit]) -> bool:
    """Whether the two are the same once all ``edits`` are made to both."""
    if old == new:
        return True
    return json_text(_sorted(_edited(old, old, edits))) == json_text(_sorted(_edited(new, old, edits)))


def _edited(body: dict[str, Any], old: dict[str, Any], edits: Sequence[WantedEdit]) -> Any:
    edited: Any = body
    for edit in edits:
        if not isinstance(edit.change, Remove):
            try:
                edited = with_value(edited, edit.path, edit.change.value)
            except ValueError:
                continue
    removals = [parse_path(edit.path) for edit in edits if isinstance(edit.change, Remove)]
    for steps in sorted(
        removals, key=lambda steps: [(s, "") if isinstance(s, int) else (0, s) for s in steps], reverse=True
    ):
        is_item = isinstance(steps[-1], int)
        # An item that was removed has given its index to the next one.
        if not is_item or (has_path(edited, steps) and value_at(edited, steps) == value_at(old, steps)):
            edited = without(edited, steps)
    return edited


def _sorted(value: Any) -> Any:
    """For comparison: keys in order, without empty parents, nulls and checksums."""
    if isinstance(value, dict):
        rows = ((str(k), _sorted(v)) for k, v in sorted(value.items(), key=lambda item: str(item[0])))
        return {k: v for k, v in rows if v not in (None, {}, []) and not k.startswith(_CHECKSUM)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
