"""The operator as a process, beside pods that really run, with the registry that their node pulled from."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import NotReadyError
from whole_cluster import IMAGE, write_image
from whole_extension import WholeExtension

from image_archives import layer
from leadline.packages.reference import read_reference
from leadline.sources.registry.auth import credentials_for
from leadline.sources.registry.options import Credential, PullSecret
from registry_process import Registry, is_here, real_registry
from vulnerabilities.matching.made_database import advisory, build_of

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
ROOT = Path(__file__).parents[3]
PASSWORD = "hunter2-of-the-node"
APK = {
    "etc/os-release": b"ID=alpine\nVERSION_ID=3.19.1\n",
    "lib/apk/db/installed": b"P:openssl\nV:3.1.0-r0\nA:x86_64\n\n",
}


@pytest.fixture
def cluster(whole_extension: WholeExtension) -> WholeExtension:
    return whole_extension


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    if not is_here():
        pytest.skip("needs docker-registry")
    with real_registry(tmp_path_factory.mktemp("registry"), "robot", PASSWORD) as found:
        yield found


def busybox(folder: Path) -> bytes:
    """The layer of the node's own image."""
    import tarfile

    archive = folder / "busybox.tar"
    write_image(archive)
    with tarfile.open(archive) as tar:
        name = json.load(tar.extractfile("manifest.json"))[0]["Layers"][0]  # type: ignore[arg-type]
        content = tar.extractfile(name)
        assert content is not None
        return content.read()


def deployment(name: str, image: str) -> dict[str, Any]:
    labels = {"app": name}
    spec = {
        "terminationGracePeriodSeconds": 0,
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [{"name": "main", "image": image, "command": ["/bin/sleep", "86400"]}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


# A key of a pull secret's auths, for images of HOST/team/app: the kubelet itself says which of them fit.
KEYS = (
    "{host}",
    "http://{host}",
    "https://{host}/v1/",
    "https://{host}/v2/team",
    "{host}/team",
    "{host}/team/app",
    "{host}/te",
    "{host}/other",
    "{host}/team/app/more",
    "127.0.*.1:{port}",
    "*.0.0.1:{port}",
    "*.0.1:{port}",
    "*:{port}",
    "127.0.0.?:{port}",
    "127.0.0.[0-9]:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.*.*",
)


def test_pull_secrets_fit_where_they_fit_for_the_kubelet(
    cluster: WholeExtension, registry: Registry, tmp_path: Path
) -> None:
    registry.push_image("team/app", "keys", [busybox(tmp_path), layer({"keys": b"1"})], Env=["PATH=/bin"])
    cluster.namespace("keys")
    reference = read_reference(f"{registry.host}/team/app:keys")
    assert reference is not None
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    ours: dict[str, bool] = {}
    for number, key in enumerate(KEYS):
        written = key.format(host=registry.host, port=registry.host.rpartition(":")[2])
        config = json.dumps({"auths": {written: {"auth": auth}}}).encode()
        found = credentials_for(reference, (PullSecret("keys/k", config),), {})
        ours[key] = any(isinstance(one, Credential) for one in found)
        data = {".dockerconfigjson": base64.b64encode(config).decode()}
        metadata = {"name": f"k{number}", "namespace": "keys"}
        container = {"name": "main", "image": reference.full, "imagePullPolicy": "Always"}
        spec = {
            "terminationGracePeriodSeconds": 0,
            "imagePullSecrets": [{"name": f"k{number}"}],
            "containers": [{**container, "command": ["/bin/sleep", "86400"]}],
        }
        kind = "kubernetes.io/dockerconfigjson"
        cluster.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data},
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec},
        )

    def outcomes() -> dict[str, bool | None]:
        pods = json.loads(cluster.kubectl("get", "pods", "-n", "keys", "-o", "json"))["items"]
        return {KEYS[int(one["metadata"]["name"][1:])]: _is_pulled(one) for one in pods}

    cluster.until(lambda: None not in outcomes().values(), 300)
    assert ours == outcomes()


def _is_pulled(pod: dict[str, Any]) -> bool | None:
    """``None`` where that is not known yet."""
    (status,) = pod["status"].get("containerStatuses") or [{}]
    if "running" in status.get("state", {}):
        return True
    reason = status.get("state", {}).get("waiting", {}).get("reason", "")
    return False if reason in ("ErrImagePull", "ImagePullBackOff") else None


def scans(cluster: WholeExtension) -> dict[str, dict[str, Any]]:
    """The status of each image by its name."""
    path = "/apis/leadline.dev/v1alpha1/imagescans"
    items = json.loads(cluster.kubectl("get", "--raw", path))["items"]
    return {item["spec"]["sources"][0]["name"].partition("@")[0]: item["status"] for item in items}


def are_done(cluster: WholeExtension, *images: str) -> bool:
    """Pods of other tests may run other images beside."""
    found = scans(cluster)
    return all(found.get(image, {}).get("phase") == "Done" for image in images)


def number_of(cluster: WholeExtension, workload: str) -> int:
    """Vulnerabilities in what its container runs."""
    key = ("get", "vulnerabilitymanifestsummaries", "-n", "shop", f"deployment-{workload}-main", "-o", "json")
    severities = json.loads(cluster.kubectl(*key))["spec"]["severities"]
    return sum(row["all"] for row in severities.values())


def try_exceptions(cluster: WholeExtension, registry: Registry) -> None:
    """Only a cluster that runs pods shows labels, owners and digests as they are."""
    one = {"vulnerability": {"id": "CVE-2026-1"}, "status": "affected"}
    about = {"kind": "Deployment", "name": "web", "apiGroup": "apps"}
    known = {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "SecurityException",
        "metadata": {"name": "known", "namespace": "shop"},
        "spec": {"reason": "known", "match": {"resources": [about]}, "vulnerabilities": [one]},
    }

    assert (number_of(cluster, "web"), number_of(cluster, "other")) == (1, 1)
    cluster.apply(known)
    cluster.until(lambda: number_of(cluster, "web") == 0, 180)
    assert number_of(cluster, "other") == 1
    image = f"{registry.host}/team/app:1"
    assert scans(cluster)[image]["vulnerabilities"]["accepted"] == 0
    shown = (
        "get",
        "securityexception",
        "-n",
        "shop",
        "known",
        "-o",
        "jsonpath={.status.vulnerabilities.matched}",
    )
    cluster.until(lambda: cluster.kubectl(*shown) == "1", 60)
    known["spec"]["match"] = {"images": [image]}  # type: ignore[index]
    cluster.apply(known)
    cluster.until(lambda: number_of(cluster, "other") == 0, 60)
    assert scans(cluster)[image]["vulnerabilities"]["accepted"] == 1
    cluster.kubectl("delete", "securityexception", "-n", "shop", "known")
    cluster.until(lambda: number_of(cluster, "web") + number_of(cluster, "other") == 2, 60)


def test_every_image_of_pods_that_run_comes_to_a_result_or_a_reason(
    cluster: WholeExtension, registry: Registry, tmp_path: Path
) -> None:
    registry.push_image("team/app", "1", [busybox(tmp_path), layer(APK)], Env=["PATH=/bin"])
    database, log = tmp_path / "vulnerabilities.db", tmp_path / "log"
    build_of(database, {"feed": [advisory("CVE-2026-1", "Alpine:3.19", "openssl", fixed="3.1.1-r0")]})
    cluster.namespace("shop")
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    config = json.dumps({"auths": {registry.host: {"auth": auth}}}).encode()
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "pull", "namespace": "shop"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": base64.b64encode(config).decode()},
        },
        deployment("web", f"{registry.host}/team/app:1"),
        deployment("other", f"{registry.host}/team/app:1"),
        deployment("local", IMAGE),
    )
    crds = str(ROOT / "deploy" / "crds")
    cluster.kubectl("apply", "-f", crds)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", crds)
    for name in ("web", "other", "local"):
        cluster.kubectl("rollout", "status", "-n", "shop", f"deployment/{name}", "--timeout=300s")
    config = tmp_path / "operator.json"
    config.write_text(json.dumps({"images": {"mirrors": {"127.0.0.1": ["127.0.0.1"]}}}))
    command = [
        *(sys.executable, "-m", "leadline.programs.cli.main", "operator", "--kubeconfig", cluster.admin()),
        *("--config", str(config)),
        *("--images-database", str(database), "--images-pull-secrets", "--full-scan", ""),
        *("--images-node-blobs", f"{cluster.folder}/containerd/io.containerd.content.v1.content/blobs"),
    ]
    with log.open("wb") as written:
        operator = subprocess.Popen(
            command, stderr=written, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, cwd=tmp_path
        )
        try:
            cluster.until(lambda: are_done(cluster, f"{registry.host}/team/app:1", IMAGE), 240)
            key = ["get", "vulnerabilitymanifestsummaries", "-n", "shop", "deployment-web-main", "-o", "json"]
            cluster.until(lambda: bool(cluster.kubectl(*key, check=False)), 60)
            try_exceptions(cluster, registry)
        except NotReadyError:
            print(log.read_text("utf-8", "replace")[-4000:])
            raise
        finally:
            operator.terminate()
            operator.wait(60)
    found = scans(cluster)
    assert found[f"{registry.host}/team/app:1"]["vulnerabilities"]["criticalIds"] == []
    assert sum(found[f"{registry.host}/team/app:1"]["vulnerabilities"]["found"].values()) == 1
    # It was never pulled from anywhere: only the node has it.
    assert found[IMAGE]["imageId"].startswith("sha256:")
    severities = json.loads(cluster.kubectl(*key))["spec"]["severities"]
    assert sum(row["all"] for row in severities.values()) == 1
    for shown in (log.read_text(), cluster.kubectl("get", "imagescans,scanruns", "-o", "yaml")):
        assert PASSWORD not in shown
        assert auth not in shown
