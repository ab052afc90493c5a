"""An installation of the first chart that people had, with its results and exceptions, is upgraded to this one; how long the API is away."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from installation import RELEASE, ROOT, SUMMARIES, Installation, failed_controls
from leadline_image import MAX_BUILD_S
from service_cluster import ServiceCluster
from workloads import privileged

pytestmark = [pytest.mark.cluster, pytest.mark.nightly("installs")]
OLD = "a000f40c"
REPOSITORY = "localhost/old"
AWAY_S = 10.0
RESULTS = f"/apis/spdx.softwarecomposition.kubescape.io/v1beta1/namespaces/shop/{SUMMARIES}"
EXCEPTION = {
    "apiVersion": "kubescape.io/v1beta1",
    "kind": "SecurityException",
    "metadata": {"name": "accepted", "namespace": "shop"},
    "spec": {
        "reason": "it debugs the node",
        "match": {"resources": [{"apiGroup": "apps", "kind": "Deployment", "name": "web"}]},
        "posture": [{"controlID": "C-0057", "action": "ignore"}],
    },
}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of that version."""
    run = subprocess.run(["git", "archive", OLD], cwd=ROOT, capture_output=True, check=False)
    if run.returncode:
        pytest.fail(f"the commit {OLD} is not here: {run.stderr.decode()}; fetch the whole history")
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(run.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def loaded(services: ServiceCluster, old: Path) -> None:
    """Its image, in the cluster; built once and kept."""
    kept = Path.home() / ".cache" / "leadline" / f"image-of-{OLD}.tar"
    if not kept.exists():
        unfinished = kept.with_suffix(f".{os.getpid()}")
        words = ("deploy/images/build.py", unfinished, "--base=debian", f"--reference={REPOSITORY}:test")
        subprocess.run([sys.executable, *words], cwd=old, check=True, timeout=MAX_BUILD_S)
        unfinished.rename(kept)
    services.load(kept, REPOSITORY)


class Asking:
    """Asks for results five times a second, and knows how long no answer came."""

    def __init__(self, cluster: ServiceCluster) -> None:
        self.longest_s, self.failures, self.answers = 0.0, list[str](), 0
        self._cluster, self._ends = cluster, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *of: object) -> None:
        self._ends.set()
        self._thread.join()

    def _ask(self) -> None:
        last = time.monotonic()
        while not self._ends.wait(0.2):
            try:
                self._cluster.kubectl("get", "--raw", RESULTS)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                self.failures.append(str(error))
            else:
                self.longest_s = max(self.longest_s, time.monotonic() - last)
                last = time.monotonic()
                self.answers += 1


def judged(installation: Installation, name: str) -> dict[str, Any]:
    """The summary of a Deployment that runs privileged."""
    key = f"deployment-{name}"
    installation.settled(SUMMARIES, "shop", lambda found: "C-0057" in failed_controls(found.get(key)))
    return installation.stored(SUMMARIES, "shop")[key]


def restarts(installation: Installation) -> dict[str, int]:
    return {
        f"{pod['metadata']['name']}/{one['name']}": one["restartCount"]
        for pod in installation.pods()
        for one in pod["status"].get("containerStatuses", ())
        if one["restartCount"]
    }


def test_an_old_installation_keeps_its_data_and_the_api_is_away_for_seconds(
    services: ServiceCluster,
    old: Path,
    loaded: None,
    installation: Installation,
    capsys: pytest.CaptureFixture[str],
) -> None:
    volume = Installation.with_volume(services)
    values = [*volume, f"image.repository={REPOSITORY}", "operator.settings.fullScan="]
    installation.install(*values, chart=old / "deploy" / "chart")
    services.apply(privileged("shop", "web"), privileged("shop", "till"), EXCEPTION)
    before = judged(installation, "till")
    services.until(lambda: accepted_findings(services) >= 1, 90)
    with Asking(services) as first:
        installation.upgrade("image.repository=localhost/leadline")
        installation.settled(SUMMARIES, "shop", lambda found: "deployment-till" in found)
    assert judged(installation, "till")["metadata"]["uid"] == before["metadata"]["uid"]
    services.until(lambda: accepted_findings(services) >= 1, 90)
    # What the old version had found goes on with its date.
    services.until(lambda: bool(services.get("findinghistories", "-n", "shop", check=False)), 90)
    services.apply(privileged("shop", "cart"))
    judged(installation, "cart")
    watching = subprocess.Popen(
        ["kubectl", f"--kubeconfig={services.admin()}", "-n", "shop", "get", SUMMARIES, "--watch-only", "-o", "name"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        with Asking(services) as second:
            installation.upgrade("podLabels.team=security")
            installation.settled(SUMMARIES, "shop", lambda found: "deployment-till" in found)
        services.apply(privileged("shop", "mail"))
        judged(installation, "mail")
    finally:
        watching.terminate()
        seen = watching.communicate()[0]
    with capsys.disabled():
        sys.stderr.write(
            f"\nthe API was away for {first.longest_s:.1f} s (upgrade of {OLD}) and {second.longest_s:.1f} s (new values);"
            f" {len(first.failures)} and {len(second.failures)} requests failed, {first.answers} and {second.answers} did not\n"
            f"failures: {json.dumps(sorted({*first.failures, *second.failures}))[:3000]}\nwatch: {seen!r}\n"
        )
    assert restarts(installation) == {}
    scrape = services.kubectl("get", "--raw", f"/api/v1/namespaces/{installation.namespace}/services/{RELEASE}-metrics:metrics/proxy/metrics")  # fmt: skip
    assert "leadline_store_up 1" in scrape
    assert services.get("scanruns", "posture-current")["status"]["phase"] == "Following"
    assert max(first.longest_s, second.longest_s) <= AWAY_S


def accepted_findings(cluster: ServiceCluster) -> int:
    found = cluster.get("securityexceptions", "accepted", "-n", "shop", check=False)
    return int(found.get("status", {}).get("posture", {}).get("matched") or 0)
