"""Label selectors, compiled once and asked often.

Source: k8s.io/apimachinery, LabelSelectorAsSelector
(https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors).
"""

from collections.abc import Callable, Mapping
from typing import Any

Labels = Mapping[str, str]
Selector = Callable[[Labels], bool]
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
"""What controllers label their pods with in addition to what the template says
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


def first_pair(pairs: Any) -> tuple[str, str] | None:
    """A label and value that a plain map of labels demands; ``None`` where it demands none."""
    if not isinstance(pairs, dict) or not pairs:
        return None
    key, value = next(iter(pairs.items()))
    return str(key), _label_text(value)


def _everything(labels: Labels) -> bool:
    return True


def _nothing(labels: Labels) -> bool:
    return False


def _equal(wanted: tuple[tuple[str, str], ...]) -> Selector:
    items = dict(wanted).items()
    return lambda labels: items <= labels.items()


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
