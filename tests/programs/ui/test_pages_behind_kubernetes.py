"""The pages as an aggregated API of a real kube-apiserver: kubectl is the login, and Kubernetes decides what each user sees."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority
from extension import PLACE, Extension, outer_address
from extension import SERVICE as ACCOUNT
from processes import free_port

ROOT = Path(__file__).parents[3]
BASE = "/apis/ui.leadline.dev/v1alpha1/pages"
SERVICE = "leadline-ui"
RBAC = "rbac.authorization.k8s.io"
RUNS = "scanruns.leadline.dev"
MINE, OTHER = "pages-mine", "pages-other"
POD = """apiVersion: v1
kind: Pod
metadata: {{name: one, namespace: {namespace}}}
spec: {{containers: [{{name: main, image: nginx, securityContext: {{privileged: true}}}}]}}
"""
ALL_RESULTS: dict[str, object] = {
    "apiGroups": ["spdx.softwarecomposition.kubescape.io"],
    "resources": ["*"],
    "verbs": ["get", "list"],
}


class Pages:
    """``leadline ui`` as it runs in a pod, and ``kubectl proxy`` of three users."""

    def __init__(self, cluster: Extension) -> None:
        self._cluster = cluster
        self.port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._proxies: dict[str, int] = {}

    def start(self) -> None:
        cluster, address = self._cluster, outer_address()
        ca = Authority(cluster.folder, "ui-ca")
        host = f"{SERVICE}.{PLACE}.svc"
        certificate, key = ca.issue("ui", host, hosts=(host, address))
        words = [
            "--store=kube",
            f"--kubeconfig={cluster.admin()}",
            f"--certificate={certificate}",
            f"--key={key}",
            f"--ca={ca.file}",
            f"--host={address}",
            f"--port={self.port}",
            f"--kube={cluster.url}",
            f"--kube-ca={cluster.authority_file}",
            f"--token-file={cluster.folder / 'our-token'}",
        ]
        command = [sys.executable, "-m", "leadline.programs.cli.main", "ui", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        with (cluster.folder / "ui.log").open("wb") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        cluster.apply(*self._objects(address))
        cluster.kubectl(
            "wait", "--for=condition=Available", "--timeout=120s", "apiservice", "v1alpha1.ui.leadline.dev"
        )

    def stop(self) -> None:
        for one in self._processes:
            one.terminate()
            one.wait(60)
        self._cluster.kubectl("delete", "apiservice", "v1alpha1.ui.leadline.dev")

    def ask(self, user: str, path: str, accept: str = "text/html") -> tuple[int, str]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.proxy(user)}{path}", headers={"Accept": accept}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def proxy(self, user: str) -> int:
        if user not in self._proxies:
            port = self._proxies[user] = free_port()
            command = ["kubectl", f"--kubeconfig={self._cluster.user(user)}", "proxy", f"--port={port}"]
            self._processes.append(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            self._cluster.until(lambda: _answers(port), 60)
        return self._proxies[user]

    def _objects(self, address: str) -> Iterator[dict[str, object]]:
        place = {"name": SERVICE, "namespace": PLACE}
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": place,
            "spec": {"ports": [{"port": 443, "targetPort": self.port}]},
        }
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**place, "labels": {"kubernetes.io/service-name": SERVICE}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"port": self.port, "name": ""}],
        }
        yield {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1alpha1.ui.leadline.dev"},
            "spec": {
                "group": "ui.leadline.dev",
                "version": "v1alpha1",
                "groupPriorityMinimum": 1000,
                "versionPriority": 15,
                "service": {**place, "port": 443},
            },
        }
        reads_pages: dict[str, object] = {
            "apiGroups": ["ui.leadline.dev"],
            "resources": ["pages"],
            "verbs": ["get", "list", "watch"],
        }
        writes_its_ca: dict[str, object] = {
            "apiGroups": ["apiregistration.k8s.io"],
            "resources": ["apiservices"],
            "resourceNames": ["v1alpha1.ui.leadline.dev"],
            "verbs": ["get", "patch"],
        }
        yield _role("be-trusted", writes_its_ca)
        yield _binding("be-trusted", "be-trusted", f"system:serviceaccount:{PLACE}:{ACCOUNT}")
        yield _role("see-pages", reads_pages)
        yield _role("see-results", ALL_RESULTS)
        for user in ("ann", "bea"):
            yield _binding(f"pages-{user}", "see-pages", user)
        yield _binding("results-ann", "see-results", "ann")
        yield _binding("results-bea", "see-results", "bea", MINE)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/version", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _role(name: str, rule: dict[str, object]) -> dict[str, object]:
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": [rule]}


def _binding(name: str, role: str, user: str, namespace: str = "") -> dict[str, object]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": user, "apiGroup": RBAC}],
    }


@pytest.fixture(scope="module")
def pages(extension: Extension, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    # Others share this cluster: what is stored is of namespaces of our own, and goes with them.
    manifests = tmp_path_factory.mktemp("pages") / "pods.yaml"
    manifests.write_text("---\n".join(POD.format(namespace=namespace) for namespace in (MINE, OTHER)))
    for namespace in (MINE, OTHER):
        extension.namespace(namespace)
    runs = set(extension.kubectl("get", RUNS, "-o", "name").split())
    scan = ["scan", str(manifests), "-q", "--store", "kube", "--kubeconfig", extension.admin()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "leadline.programs.cli.main", *scan],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    served = Pages(extension)
    try:
        served.start()
        extension.until(lambda: "Reading:" not in served.ask("ann", f"{BASE}/overview")[1], 120)
        yield served
    finally:
        served.stop()
        extension.kubectl("delete", "namespace", MINE, OTHER)
        ours = set(extension.kubectl("get", RUNS, "-o", "name").split()) - runs
        extension.kubectl("delete", *sorted(ours))


def test_kubernetes_decides_who_sees_what(extension: Extension, pages: Pages) -> None:
    code, everything = pages.ask("ann", f"{BASE}/overview")
    assert (code, OTHER in everything) == (200, True)
    assert "namespaces that you may not read" not in everything
    code, part = pages.ask("bea", f"{BASE}/overview")
    assert (code, OTHER in part) == (200, False)
    assert re.search(r"in 1 of \d+ namespaces", part)
    code, refused = pages.ask("cid", f"{BASE}/overview")
    assert (code, json.loads(refused)["reason"]) == (403, "Forbidden")
    whole, some = (
        json.loads(pages.ask(user, f"{BASE}/findings.json")[1])["page"]["lead"] for user in ("ann", "bea")
    )
    assert int(some.split()[0]) < int(whole.split()[0])


def test_the_aggregator_leaves_links_and_the_policy_as_they_are(extension: Extension, pages: Pages) -> None:
    _, text = pages.ask("ann", f"{BASE}/overview")
    links = re.findall(r"""(?:href|src|action)="([^"]*)""", text)
    assert links
    assert not [one for one in links if one.startswith(("/", "http"))]
    with urllib.request.urlopen(f"http://127.0.0.1:{pages.proxy('ann')}{BASE}/overview") as answer:
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_kubectl_lists_the_pages(extension: Extension, pages: Pages) -> None:
    assert "overview" in extension.kubectl("get", "pages.ui.leadline.dev")


def test_changes_come_through_the_aggregator(extension: Extension, pages: Pages) -> None:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{pages.proxy('ann')}{BASE}?watch=true", timeout=60
    ) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.readline() == b": here\n"
        name = extension.kubectl(
            "-n",
            MINE,
            "get",
            "workloadconfigurationscans.spdx.softwarecomposition.kubescape.io",
            "-o",
            "name",
        ).split()[0]
        extension.kubectl("-n", MINE, "delete", name)
        for line in stream:
            if line.startswith(b"event: changed"):
                return
