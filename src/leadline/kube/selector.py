"""Label selectors, compiled once and asked often.

Source: k8s.io/apimachinery, LabelSelectorAsSelector
(https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

Labels = Mapping[str, str]
Selector = Callable[[Labels], bool]
T = TypeVar("T")
CONTROLLER_LABELS = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
"""What controllers label their pods with besides what the template says
(https://kubernetes.io/docs/reference/labels-annotations-taints/)."""


def without_controller_labels(pairs: Any) -> Any:
    """The labels of ``pairs`` that a pod template can have; ``None`` where none is left."""
    if not isinstance(pairs, dict) or CONTROLLER_LABELS.isdisjoint(pairs):
        return pairs
    return {key: value for key, value in pairs.items() if key not in CONTROLLER_LABELS} or None


def compile_selector(selector: Any) -> Selector:
    """A test for labels. ``{}`` selects everything, ``None`` nothing, as does one that the API server refuses:

    an unknown operator, or ``In`` and ``NotIn`` without values.
    """
    if not isinstance(selector, dict):
        return _nothing
    wanted = selector.get("matchLabels")
    tests: list[Selector] = []
    if isinstance(wanted, dict) and wanted:
        tests.append(_equal(tuple((str(k), _label_text(v)) for k, v in wanted.items())))
    expressions = selector.get("matchExpressions")
    for expression in expressions if isinstance(expressions, list) else ():
        tests.append(_expression(expression) if isinstance(expression, dict) else _nothing)
    if not tests:
        return _everything
    if len(tests) == 1:
        return tests[0]
    return lambda labels: all(test(labels) for test in tests)


def compile_pairs(pairs: Any) -> Selector:
    """A test for a plain map of labels, as in a Service; an empty or absent map selects nothing."""
    if not isinstance(pairs, dict) or not pairs:
        return _nothing
    return _equal(tuple((str(k), _label_text(v)) for k, v in pairs.items()))


class SelectorIndex(Generic[T]):
    """Many selectors asked at once: which of them match these labels?

    A selector that demands a certain value of a label is filed under it, so that the time depends on the labels
    asked about and on what matches, not on how many selectors there are.
    """

    def __init__(self) -> None:
        self._by_pair: dict[tuple[str, str], list[tuple[int, Selector, T]]] = defaultdict(list)
        self._others: list[tuple[int, Selector, T]] = []
        self._count = 0

    def add(self, pairs: Any, selects: Selector, value: T) -> None:
        """Files ``value`` under its selector; ``pairs`` is the selector's plain map of labels, where it has one."""
        entry = (self._count, selects, value)
        self._count += 1
        if isinstance(pairs, dict) and pairs:
            key, wanted = next(iter(pairs.items()))
            self._by_pair[str(key), _label_text(wanted)].append(entry)
        else:
            self._others.append(entry)

    def matching(self, labels: Labels) -> list[T]:
        """The values whose selector matches, in the order they were added."""
        found = [entry for entry in self._others if entry[1](labels)]
        for key, value in labels.items():
            if isinstance(value, str) and (entries := self._by_pair.get((key, value))):
                found += [entry for entry in entries if entry[1](labels)]
        found.sort(key=lambda entry: entry[0])
        return [value for _, _, value in found]


def _everything(labels: Labels) -> bool:
    return True


def _nothing(labels: Labels) -> bool:
    return False


def _equal(wanted: tuple[tuple[str, str], ...]) -> Selector:
    return lambda labels: all(labels.get(key) == value for key, value in wanted)


def _expression(expression: dict[str, Any]) -> Selector:
    key = str(expression.get("key", ""))
    values = expression.get("values")
    among = frozenset(map(_label_text, values)) if isinstance(values, list) else frozenset()
    match expression.get("operator"):
        case "In":
            return lambda labels: _is_among(labels.get(key), among)
        case "NotIn" if among:
            return lambda labels: not _is_among(labels.get(key), among)
        case "Exists":
            return lambda labels: key in labels
        case "DoesNotExist":
            return lambda labels: key not in labels
        case _:
            return _nothing


def _is_among(value: Any, among: frozenset[str]) -> bool:
    return isinstance(value, str) and value in among


def _label_text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
