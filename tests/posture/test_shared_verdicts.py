"""Equal parts of verdicts are kept once, and only equal ones."""

from typing import Any

import pytest

from leadline.model.control import Remove, Review, Set, Violation
from leadline.model.finding import Finding
from leadline.model.resource import resource_of
from leadline.posture.verdicts import Reason, SharedParts, SubjectVerdict, Verdict


def verdict(name: str, *violations: Violation) -> Verdict:
    pod = resource_of({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}})
    findings = tuple(Finding("C-0001", pod.id, one, ("other",)) for one in violations)
    judged = tuple(map(str.upper, ("c-0001",)))
    reasons = (("C-0002", Reason("no " + "node")),)
    return Verdict(SubjectVerdict(pod, findings, judged, reasons))


def test_equal_parts_are_one():
    shared = SharedParts()
    made = [verdict(name, Set("spec." + "x", False), Remove("spec." + "y")) for name in "ab"]
    first, second = (shared.of(one) for one in made)
    assert [first, second] == made
    assert first.own.judged is second.own.judged
    assert first.own.reasons is second.own.reasons
    for one, other in zip(first.findings, second.findings, strict=True):
        assert one.violation is other.violation


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Set("a", True), Set("a", 1)),
        (Set("a", 0), Set("a", False)),
        (Set("a", 1), Set("a", 1.0)),
        (Set("a", {"b": True}), Set("a", {"b": 1})),
        (Set("a", None, "x"), Set("a", None, "y")),
        (Remove("a"), Review("a")),
        (Review("a", "", "advice"), Review("a")),
    ],
)
def test_what_only_seems_equal_stays_apart(one: Violation, other: Violation):
    shared = SharedParts()
    kept: list[Any] = [shared.of(verdict("a", part)).findings[0].violation for part in (one, other)]
    assert list(map(repr, kept)) == list(map(repr, (one, other)))
