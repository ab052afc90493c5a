"""Facts of nodes and clouds in a scan: which files are taken, what becomes of them, and what is said where there are none."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from leadline.errors import SourceError
from leadline.model.report import PostureReport
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan

ROOT = Path(__file__).parents[3]
AKS = {
    "id": "/subscriptions/1/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/shop",
    "type": "Microsoft.ContainerService/ManagedClusters",
    "name": "shop",
    "apiServerAccessProfile": {"enablePrivateCluster": False, "authorizedIpRanges": None},
    "networkProfile": {"networkPlugin": "azure", "networkPolicy": "cilium"},
}
EKS = {
    "cluster": {
        "name": "shop",
        "resourcesVpcConfig": {"endpointPublicAccess": True, "endpointPrivateAccess": True},
    }
}
GKE = {
    "name": "shop",
    "selfLink": "https://container.googleapis.com/v1/projects/p/locations/l/clusters/shop",
    "privateClusterConfig": {"enablePrivateNodes": True},
}
SUBNETS = {"Subnets": [{"SubnetId": "subnet-1", "MapPublicIpOnLaunch": True}]}
REPOSITORIES = {
    "repositories": [{"repositoryName": "web", "imageScanningConfiguration": {"scanOnPush": True}}]
}
ROLE = {"AttachedPolicies": [{"PolicyName": "AmazonEC2ContainerRegistryReadOnly", "PolicyArn": "arn"}]}
ROLES = [{"roleDefinitionId": "/x", "roleDefinitionName": "AcrPush", "principalType": "ServicePrincipal"}]
REGISTRY = [
    {"name": "r", "format": "DOCKER", "vulnerabilityScanningConfig": {"enablementState": "SCANNING_ACTIVE"}}
]


def said(folder: Path, **answers: object) -> tuple[str, ...]:
    paths = []
    for name, answer in answers.items():
        path = folder / f"{name}.json"
        path.write_bytes(answer if isinstance(answer, bytes) else orjson.dumps(answer))
        paths.append(str(path))
    return tuple(paths)


def failed(report: PostureReport) -> set[str]:
    return {row.control.id for row in report.by_control if row.status == "failed"}


def passed(report: PostureReport) -> set[str]:
    return {row.control.id for row in report.by_control if row.status == "passed"}


@pytest.mark.parametrize(
    ("answer", "fails", "passes"),
    [
        (EKS, {"C-0228"}, set()),
        (SUBNETS, {"C-0229"}, set()),
        (REPOSITORIES, set(), {"C-0221"}),
        (ROLE, set(), {"C-0223"}),
        (AKS, {"C-0247", "C-0252"}, {"C-0240"}),
        (ROLES, {"C-0250"}, set()),
        (GKE, {"C-0228"}, {"C-0229"}),
        (REGISTRY, set(), {"C-0221"}),
    ],
    ids=["eks", "subnets", "ecr", "role", "aks", "acr", "gke", "artifact-registry"],
)
def test_the_answer_of_a_clouds_command_is_judged_by_its_fields(tmp_path, answer, fails, passes):
    report = posture_scan([], PostureOptions(cloud_facts=said(tmp_path, answer=answer)))
    assert (failed(report), passed(report)) == (fails, passes)
    assert report.unread == ()


def test_a_field_that_is_not_in_the_file_is_named_with_the_command_that_prints_it(tmp_path):
    report = posture_scan([], PostureOptions(cloud_facts=said(tmp_path, eks=EKS)))
    skips = {row.control.id: row.skip for row in report.by_control if not row.judged}
    assert "cluster.accessConfig.authenticationMode is not in the description of shop" in skips["C-0285"].why
    assert "aws eks describe-cluster" in skips["C-0285"].why
    assert (skips["C-0240"].kind, "az aks show" in skips["C-0240"].why) == ("no facts", True)
    assert (skips["C-0170"].kind, "leadline host facts" in skips["C-0170"].why) == ("no facts", True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "malformed"),
        (b'{"kind": "Pod"}', "unsupported"),
        (b"[]", "unsupported"),
        (b"[1]", "unsupported"),
    ],
)
def test_a_file_that_is_no_known_answer_is_unread_and_never_a_pass(tmp_path, content, reason):
    files = said(tmp_path, broken=content, eks=EKS)
    report = posture_scan([], PostureOptions(cloud_facts=files))
    assert [(one.where, one.reason) for one in report.unread] == [(files[0], reason)]


def test_a_file_that_is_not_there_is_unread(tmp_path):
    files = (str(tmp_path / "none.json"), *said(tmp_path, eks=EKS))
    assert [one.reason for one in posture_scan([], PostureOptions(cloud_facts=files)).unread] == ["missing"]
    with pytest.raises(SourceError):
        posture_scan([], PostureOptions(host_facts=(str(tmp_path / "none.json"),)))


def test_facts_come_beside_a_target_and_each_node_is_judged(tmp_path):
    (tmp_path / "web.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: a}]}\n"
    )
    nodes = said(tmp_path, n1=kubelet("n1", 0o644), n2=kubelet("n2", 0o600))
    report = posture_scan(
        [tmp_path / "web.yaml"], PostureOptions(host_facts=nodes, cloud_facts=said(tmp_path, eks=EKS))
    )
    assert {one.kind for one in report.resources} >= {"Pod", "KubeletInfo", "ClusterDescribe"}
    assert [f.resource.endswith("KubeletInfo/n1") for f in report.findings if f.control == "C-0170"] == [True]
    assert report.target.cloud == "EKS"


def kubelet(name: str, mode: int) -> dict:
    owner = {"uid": 0, "gid": 0, "username": "root", "groupname": "root"}
    config = {"path": "/var/lib/kubelet/config.yaml", "permissions": mode, "ownership": owner}
    return {
        "apiVersion": "hostdata.kubescape.cloud/v1beta1",
        "kind": "KubeletInfo",
        "metadata": {"name": name},
        "spec": {"configFile": config, "unread": []},
    }


def test_a_scan_without_facts_loads_nothing_that_reads_nodes_or_clouds():
    loaded = "{m for m in sys.modules if m.startswith(('leadline.sources.host', 'leadline.sources.cloud', 'leadline.scans.host'))}"
    program = (
        "import sys\nfrom leadline.programs.cli.main import main\n"
        f"main(['scan', 'examples/shop', '-f', 'lines'])\nprint(sorted({loaded} | ({{'leadline.model.host'}} & set(sys.modules))), file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.stderr.splitlines()[-1] == "[]"
