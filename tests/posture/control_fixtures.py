"""Reads the fixtures of controls: manifests whose first lines say what is expected.

``tests/posture/controls/<family>/<name>/fails-*.yaml`` and ``passes-*.yaml``, or ``.Dockerfile``::

    # fails: spec.initContainers[0].securityContext.privileged
    # fails: ClusterRole/reader rules[0].verbs[0]
    # settings: insecure_capabilities=SYS_ADMIN,NET_ADMIN
    # cloud: EKS
    # server: v1.24.1
    # signatures: registry.example/shop/web:1=trusted, registry.example/shop/other:1=unsigned

A fixture that stands for all that a cluster holds begins with ``# whole cluster``, and is judged as complete.
A ``fails`` line holds the path of one finding, after ``Kind/name`` of the object it starts from where the
file has several. ``# fails:`` alone stands for a finding without a path.
"""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from leadline.kube.field_path import value_at, with_value, without
from leadline.model.control import BuiltControl, Remove, Set, is_placeholder
from leadline.model.finding import Finding
from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.edits import edits_of
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts
from leadline.posture.verdicts import Judgement
from leadline.sources.manifests.dockerfiles import dockerfile_object

ROOT = Path(__file__).parent / "controls"


@dataclass
class Fixture:
    path: Path
    documents: list[dict[str, Any]]
    expected: list[str]
    settings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)

    @property
    def fails(self) -> bool:
        return self.path.name.startswith("fails")


def fixtures_of(control: BuiltControl) -> list[Fixture]:
    paths = (ROOT / family_of(control) / control.name).glob("*.*")
    return [read_fixture(path) for path in sorted(paths) if path.suffix in (".yaml", ".Dockerfile")]


def documents_in(text: str, *, is_dockerfile: bool) -> list[dict[str, Any]]:
    if is_dockerfile:
        return [dockerfile_object(text.encode(), "f.Dockerfile")]
    return [d for d in yaml.safe_load_all(text) if d is not None]


def family_of(control: BuiltControl) -> str:
    return control.module.split(".")[-2]


def read_fixture(path: Path) -> Fixture:
    text = path.read_text()
    heads = [line[2:] for line in text.splitlines() if line.startswith("# ")]
    said = [head.partition(":")[::2] for head in heads if ":" in head]
    settings = [value.strip().partition("=") for key, value in said if key == "settings"]
    facts = {key: value.strip() for key, value in said}
    return Fixture(
        path,
        documents_in(text, is_dockerfile=path.suffix == ".Dockerfile"),
        sorted(value.strip() for key, value in said if key == "fails"),
        {
            name.strip(): tuple(v.strip() for v in values.split(",") if v.strip())
            for name, _, values in settings
        },
        Facts(
            assume_complete=text.startswith("# whole cluster\n"),
            cloud=facts.get("cloud", ""),
            server_version=facts.get("server", ""),
            signatures=signatures_in(facts["signatures"]) if "signatures" in facts else None,
        ),
    )


def signatures_in(written: str) -> dict[str, str]:
    pairs = (pair.strip().rpartition("=") for pair in written.split(","))
    return {image: state for image, _, state in pairs}


def judged(control: BuiltControl, documents: list[dict[str, Any]], fixture: Fixture) -> Judgement:
    resources = [resource_of(d, Origin(path="f.yaml", document=i)) for i, d in enumerate(documents)]
    return judge(resources, [control], settings=fixture.settings, facts=fixture.facts)


def written(finding: Finding, judgement: Judgement, documents: list[dict[str, Any]]) -> str:
    place = judgement.by_id[finding.on]
    if len(documents) == 1 or (not finding.path and finding.on == finding.resource):
        return finding.path if len(documents) == 1 else f"{place.kind}/{place.name}".strip()
    return f"{place.kind}/{place.name} {finding.path}".strip()


def fixed(documents: list[dict[str, Any]], judgement: Judgement) -> list[dict[str, Any]]:
    """The documents after every edit that the findings propose."""
    findings = judgement.findings
    result = {}
    for on in {f.on for f in findings}:
        body = judgement.by_id[on].body
        edits = edits_of((f.violation for f in findings if f.on == on), body)
        result[id(body)] = made(copy.deepcopy(body), edits)
    return [result.get(id(document), document) for document in documents]


def made(body: Any, edits: tuple[Remove | Set, ...]) -> Any:
    for edit in edits:
        body = with_value(body, edit.path, edit.value) if isinstance(edit, Set) else without(body, edit.path)
    return body


def has_only_edits(findings: tuple[Finding, ...]) -> bool:
    """Whether every finding can be fixed by an edit that needs no one's knowledge."""
    return bool(findings) and all(
        isinstance(f.violation, Remove)
        or (isinstance(f.violation, Set) and not is_placeholder(f.violation.value))
        for f in findings
    )


__all__ = [
    "Fixture",
    "Resource",
    "documents_in",
    "fixed",
    "fixtures_of",
    "has_only_edits",
    "judged",
    "read_fixture",
    "value_at",
    "written",
]
