"""Label selectors of exceptions, with all that Kubernetes allows and nothing else.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from typing import Any

import msgspec

from leadline.foreign_errors import in_words
from leadline.model.waiver import LabelRequirement
from leadline.packages.late_pattern import late_pattern
from leadline.sources.waivers.exception_spec import Selector

_LONGEST = 300
_NAME = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_KEY = late_pattern(rf"([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_NAME}")
_VALUE = late_pattern(rf"({_NAME})?")


class NotUsableError(ValueError):
    """The entry cannot be used; its text says why."""


def requirements_of(selector: Selector, where: str) -> tuple[LabelRequirement, ...]:
    """``where``: the field that holds it. Raises ``NotUsableError`` for one that the API server refuses."""
    found = []
    for key, value in (selector.match_labels or {}).items():
        found.append(LabelRequirement(_key(key, f"{where}.matchLabels"), "In", (_value(value, where),)))
    for number, one in enumerate(selector.match_expressions or ()):
        place = f"{where}.matchExpressions[{number}]"
        values = tuple(_value(value, place) for value in one.values or ())
        needs_values = one.operator in ("In", "NotIn")
        if needs_values != bool(values):
            raise NotUsableError(f"{place}: {one.operator} {'needs' if needs_values else 'takes no'} values")
        found.append(LabelRequirement(_key(one.key, place), one.operator, values))
    return tuple(found)


def selector_of(value: Any, where: str) -> tuple[LabelRequirement, ...]:
    """Of a selector as it was parsed. Raises: ``NotUsableError``."""
    try:
        return requirements_of(msgspec.convert(value, Selector), where)
    except msgspec.ValidationError as error:
        raise NotUsableError(no_longer_than(f"{where}: {in_words(error)}")) from error


def no_longer_than(text: str) -> str:
    """Cut where someone wrote too much."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _key(text: str, where: str) -> str:
    if not _KEY.fullmatch(text):
        raise NotUsableError(f"{where}: {text[:80]} is not a valid label key")
    return text


def _value(text: str, where: str) -> str:
    if not _VALUE.fullmatch(text):
        raise NotUsableError(f"{where}: {text[:80]} is not a valid label value")
    return text
