"""What is judged from a manifest is judged the same after the server has filled in its defaults."""

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
from leadline.sources.cluster import connect
from leadline.sources.cluster_discovery import discover_kinds
from leadline.sources.cluster_trim import SharedParts, trim
from leadline.sources.manifests import read_manifests

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests" / "posture" / "controls"
REFERENCE = ROOT.parent / "shared" / "reference" / "fixtures"
EXAMPLES = ROOT / "examples"

Verdict = tuple[str, str, str]
"""Control, object, path."""

TRUE_DIFFERENCES: dict[str, str] = {}
"""Control to why the server's defaults do change its verdict; each has its line in docs/decisions."""


@pytest.fixture(scope="module")
def server(api_server: ControlPlane) -> DryRun:
    cluster = connect(kubeconfig=api_server.admin(), environ={})
    served = discover_kinds(cluster)
    cluster.close()
    return DryRun(api_server, served)


def groups_of(folder: Path, pattern: str) -> Iterator[Path]:
    return iter(sorted(folder.glob(pattern)))


def compare(server: DryRun, resources: Sequence[Resource]) -> tuple[int, list[str]]:
    """How many objects the server took, and one line for each verdict that only one side has."""
    written = [r for r in resources if isinstance(r.body.get("metadata"), dict) and r.name]
    server.prepare(r.body for r in written)
    pairs = [(r, stored) for r in written if (stored := server.stored(deepcopy(r.body))) is not None]
    for _, stored in pairs:
        trim(stored, SharedParts())
    before = verdicts([r for r, _ in pairs])
    after = verdicts([resource_of(stored) for _, stored in pairs])
    lines = [f"only from the file: {verdict}" for verdict in sorted(before - after)]
    lines += [f"only from the cluster: {verdict}" for verdict in sorted(after - before)]
    return len(pairs), lines


def verdicts(resources: Sequence[Resource]) -> set[Verdict]:
    return {
        verdict_of(finding)
        for finding in judge(resources, load_controls()).findings
        if finding.control not in TRUE_DIFFERENCES
    }


def verdict_of(finding: Finding) -> Verdict:
    resource = finding.resource
    name = f"{resource.namespace or 'default'}/{resource.kind}/{resource.name}"
    place = finding.place
    return finding.control, name, f"{place.kind}/{place.name} {finding.path}"


@pytest.mark.parametrize(
    ("folder", "pattern", "least"),
    [
        pytest.param(EXAMPLES, "*", 15, id="examples"),
        pytest.param(OWN, "*/*/*.yaml", 200, id="our fixtures"),
        pytest.param(REFERENCE, "*/*/input", 400, id="reference fixtures"),
    ],
)
def test_defaults_of_the_server_change_no_verdict(
    server: DryRun, folder: Path, pattern: str, least: int
) -> None:
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    taken = 0
    different: dict[str, list[str]] = {}
    for target in groups_of(folder, pattern):
        count, lines = compare(server, read_manifests([str(target)]).resources)
        taken += count
        if lines:
            different[str(target.relative_to(folder))] = lines
    assert different == {}
    assert taken >= least


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
