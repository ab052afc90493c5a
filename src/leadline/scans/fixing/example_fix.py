"""A control's example before and after the control's own edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff

from msgspec import Struct

from leadline.errors import ManifestError
from leadline.model.control import BuiltControl, Missing, Review, Set
from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.edits import edits_of
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.verdicts import Judgement
from leadline.sources.yaml.edit import RemoveAt, SetAt, apply_edits
from leadline.sources.yaml.parser import parse_documents

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
        before, after = self.before.split("\n"), self.after.split("\n")
        if not self.is_edit:
            yield from ((" ", line) for line in before)
            return
        whole = len(before) + len(after)
        for number, line in enumerate(unified_diff(before, after, n=whole, lineterm="")):
            if number > 2:
                yield line[:1], line[1:]


def example_fix(control: BuiltControl, example: str, settings: Mapping[str, tuple[str, ...]]) -> ExampleFix:
    """``example`` judged by ``control`` and changed as its violations say; unchanged where it finds none.

    ``settings`` are those in force. Edits that cannot be written are left out.
    """
    judgement = _judged(control, example, settings)
    findings = judgement.findings if judgement else ()
    objects = judgement.by_id if judgement else {}
    edits: list[RemoveAt | SetAt] = []
    for on in dict.fromkeys(finding.on for finding in findings):
        document = objects[on].origin.document
        for edit in edits_of((f.violation for f in findings if f.on == on), objects[on].body):
            if isinstance(edit, Set):
                edits.append(SetAt(edit.path, edit.value, document))
            else:
                edits.append(RemoveAt(edit.path, document))
    return ExampleFix(
        example,
        _edited(example, edits),
        tuple(
            dict.fromkeys((f.path, _name(objects[f.on])) for f in findings if isinstance(f.violation, Review))
        ),
        tuple(dict.fromkeys(f.violation.what for f in findings if isinstance(f.violation, Missing))),
    )


def _judged(control: BuiltControl, example: str, settings: Mapping[str, tuple[str, ...]]) -> Judgement | None:
    """The first judgement with findings; ``None`` where there is none."""
    resources = [
        resource_of(document.body, Origin(path="example.yaml", document=document.index))
        for document in parse_documents(example.encode())
        if isinstance(document.body, dict)
    ]
    if not resources or control.check is None:
        return None
    signed = [dict.fromkeys(_images(resources), state) for state in ("unsigned", "not trusted")]
    for facts in (
        Facts(cloud=control.cloud),
        Facts(is_whole=True, server_version=_OLD_SERVER, cloud=control.cloud),
        *(Facts(signatures=states) for states in signed),
    ):
        judgement = judge(resources, [control], settings=settings, facts=facts)
        if judgement.findings:
            return judgement
    return None


def _images(resources: Sequence[Resource]) -> Iterator[str]:
    """Of all containers: an example cannot show what their registries would say of them."""
    for resource in resources:
        for workload in Inventory((resource,)).workloads:
            yield from (container.image for container in workload.containers)


def _edited(text: str, edits: list[RemoveAt | SetAt]) -> str:
    for edit in edits:
        try:
            text = apply_edits(text, [edit])
        except ManifestError:
            continue
    return text


def _name(resource: Resource) -> str:
    return f"{resource.kind}/{resource.name}"
