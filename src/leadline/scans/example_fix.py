"""A control's example before and after the control's own edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from leadline.errors import ManifestError
from leadline.kube.field_path import parse_path
from leadline.kube.merge_key import entry_of
from leadline.model.control import Control, Missing, Remove, Review, Set
from leadline.model.finding import Finding
from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.engine import Facts, judge
from leadline.sources.yaml.edit import RemoveAt, SetAt, apply_edits

_OLD_SERVER = "v1.20.0"
"""For controls about faults of Kubernetes itself, which later servers do not have."""


class ExampleFix(Struct, frozen=True):
    """What a control makes of its own example."""

    before: str
    after: str
    """The same text as ``before`` where nothing can be fixed by an edit."""
    decide: tuple[tuple[str, str], ...] = ()
    """What a person has to look at, as path and object: ``("rules[0].verbs[0]", "ClusterRole/reader")``."""
    create: tuple[str, ...] = ()
    """Objects that have to be added, in words."""

    @property
    def is_edit(self) -> bool:
        return self.before != self.after

    def lines(self) -> Iterator[tuple[str, str]]:
        """Every line of both texts, marked ``-``, ``+`` or blank, in the order of a unified diff."""
        from difflib import unified_diff

        before, after = self.before.split("\n"), self.after.split("\n")
        if not self.is_edit:
            yield from ((" ", line) for line in before)
            return
        whole = len(before) + len(after)
        for number, line in enumerate(unified_diff(before, after, n=whole, lineterm="")):
            if number > 2:
                yield line[:1], line[1:]


def example_fix(control: Control, example: str, settings: Mapping[str, tuple[str, ...]]) -> ExampleFix:
    """``example`` judged by ``control`` and changed as its violations say; unchanged where it finds none.

    ``settings`` are those in force. Edits that cannot be written are left out.
    """
    findings = _findings(control, example, settings)
    removals: dict[tuple[int, str], None] = {}
    edits: list[RemoveAt | SetAt] = []
    for finding in findings:
        document = finding.place.origin.document
        if isinstance(finding.violation, Set):
            edits.append(SetAt(finding.path, finding.violation.value, document))
        elif isinstance(finding.violation, Remove):
            removals[document, entry_of(finding.path)] = None
    last_first = sorted(removals, key=lambda removal: _order(removal[1]), reverse=True)
    edits += [RemoveAt(path, document) for document, path in last_first if path]
    return ExampleFix(
        example,
        _edited(example, edits),
        tuple(dict.fromkeys(_place(f) for f in findings if isinstance(f.violation, Review))),
        tuple(dict.fromkeys(f.violation.what for f in findings if isinstance(f.violation, Missing))),
    )


def _findings(control: Control, example: str, settings: Mapping[str, tuple[str, ...]]) -> tuple[Finding, ...]:
    from leadline.sources.yaml.parser import parse_documents

    resources = [
        resource_of(document.body, Origin(path="example.yaml", document=document.index))
        for document in parse_documents(example.encode())
        if isinstance(document.body, dict)
    ]
    if not resources or control.check is None:
        return ()
    for version in ("", _OLD_SERVER):
        facts = Facts(is_whole=bool(version), server_version=version, cloud=control.cloud)
        findings = judge(resources, [control], settings=settings, facts=facts).findings
        if findings:
            return findings
    return ()


def _edited(text: str, edits: list[RemoveAt | SetAt]) -> str:
    for edit in edits:
        try:
            text = apply_edits(text, [edit])
        except ManifestError:
            continue
    return text


def _order(path: str) -> list[tuple[int, str]]:
    """Sorts indexes by number, so that what stands later in a list is removed first."""
    return [(step, "") if isinstance(step, int) else (0, step) for step in parse_path(path)]


def _place(finding: Finding) -> tuple[str, str]:
    place: Resource = finding.place
    return finding.path, f"{place.kind}/{place.name}"
