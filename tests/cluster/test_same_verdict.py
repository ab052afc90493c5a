"""What is judged from a manifest is judged the same after the server has filled in its defaults."""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane
from dry_run import DryRun

from leadline.model.finding import Finding
from leadline.model.resource import Resource, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts
from leadline.posture.verdicts import Judgement
from leadline.sources.cluster.connection import connect
from leadline.sources.cluster.discovery import discover_kinds
from leadline.sources.cluster.trim import SharedParts, trim
from leadline.sources.manifests.reader import read_manifests

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests" / "posture" / "controls"
REFERENCE = ROOT.parent / "shared" / "reference" / "fixtures"
EXAMPLES = ROOT / "examples"

PAGE = ROOT / "docs" / "decisions" / "server-defaults.md"

Verdict = tuple[str, str, str, str]
"""Control, kind, the object's namespace and name, and the path."""


@pytest.fixture(scope="module")
def server(api_server: ControlPlane) -> Iterator[DryRun]:
    cluster = connect(kubeconfig=api_server.admin(), environ={})
    served = discover_kinds(cluster)
    cluster.close()
    dry_run = DryRun(api_server, served)
    yield dry_run
    dry_run.close()


def compare(server: DryRun, resources: Sequence[Resource]) -> tuple[int, set[Verdict]]:
    """How many objects the server took, and the verdicts that only one side has."""
    written = [r for r in resources if isinstance(r.body.get("metadata"), dict) and r.name]
    server.prepare(r.body for r in written)
    pairs = [(r, stored) for r in written if (stored := server.stored(deepcopy(r.body))) is not None]
    for _, stored in pairs:
        trim(stored, SharedParts())
    before = verdicts([r for r, _ in pairs])
    after = verdicts([resource_of(stored) for _, stored in pairs])
    return len(pairs), before ^ after


def verdicts(resources: Sequence[Resource]) -> set[Verdict]:
    facts = Facts(is_whole=True)
    judgement = judge(resources, load_controls(), facts=facts)
    return {verdict_of(finding, judgement) for finding in judgement.findings}


def verdict_of(finding: Finding, judgement: Judgement) -> Verdict:
    """Admission puts the token's volume and mount among those written, so their places are not compared.

    Nor is which of the two names of the service account's field was written: the server keeps both.
    """
    resource, holder = judgement.by_id[finding.resource], judgement.by_id[finding.on]
    path = re.sub(r"([vV]olume(?:Mount)?s)\[\d+\]", r"\1[]", finding.path)
    path = re.sub(r"serviceAccount$", "serviceAccountName", path)
    name = f"{resource.namespace or 'default'}/{resource.name}"
    return finding.control, resource.kind, name, f"{holder.kind}/{holder.name} {path}"


def listed_differences() -> set[tuple[str, str]]:
    """(control, kind) of each line of the page."""
    lines = re.findall(r"^- ([CL]-\d{4}) ([^:]+):", PAGE.read_text(), re.M)
    return {(control, kind.strip()) for control, kinds in lines for kind in kinds.split(",")}


def differences(server: DryRun, step: int) -> dict[tuple[str, str], list[str]]:
    """Where verdicts differ, by control and kind, over the examples and each ``step``-th of the other folders."""
    different: dict[tuple[str, str], list[str]] = {}
    for folder, pattern, least in (
        (EXAMPLES, "*", 25),
        (OWN, "*/*/*.yaml", 300 // step),
        (REFERENCE, "*/*/input", 500 // step),
    ):
        if not folder.is_dir():
            pytest.skip(f"{folder.name} is not there")
        taken = 0
        for target in sorted(folder.glob(pattern))[:: 1 if folder == EXAMPLES else step]:
            count, verdicts_of_one_side = compare(server, read_manifests([str(target)]).resources)
            taken += count
            for control, kind, name, path in verdicts_of_one_side:
                different.setdefault((control, kind), []).append(
                    f"{target.relative_to(folder)}: {name} {path}"
                )
        assert taken >= least
    return different


def test_only_the_listed_verdicts_change_with_the_defaults_of_the_server(server: DryRun) -> None:
    listed = listed_differences()
    found = differences(server, 6)
    assert {key: lines for key, lines in found.items() if key not in listed} == {}
    assert found


@pytest.mark.nightly("matrices")
def test_over_all_cases_every_listed_verdict_changes_and_no_other(server: DryRun) -> None:
    listed = listed_differences()
    found = differences(server, 1)
    assert {key: lines for key, lines in found.items() if key not in listed} == {}
    assert listed - found.keys() == set()


def test_the_objects_compared_are_not_the_same_bytes(server: DryRun) -> None:
    """Else the comparison would prove nothing."""
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    server.prepare([body])
    stored = server.stored(deepcopy(body))
    assert stored is not None
    assert stored["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert stored["spec"]["serviceAccountName"] == "default"
