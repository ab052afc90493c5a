"""Six users who send large dry runs all the time open no gate for a seventh, and keep none closed.

``LEADLINE_LOAD_PODS`` says how many pods of either sort the seventh sends.
"""

import http.client
import json
import os
import ssl
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from extension import Extension
from reviews import PRIVILEGED, Body, container, deployment, judge, pod, with_metadata
from webhook_process import WebhookProcess

from leadline.programs.admission.rules import rules_of

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
PLACE = "crowded"
NAME = "leadline-admission-load"
USERS = 6
THREADS = 2
"""Of each user."""
PODS = int(os.environ.get("LEADLINE_LOAD_PODS", "10"))
WITHIN_S = 2.0
LEAST_WITHIN = 0.95
LARGE_BYTES = 900_000


class Client:
    """One user at the real API server, over one connection at a time."""

    def __init__(self, cluster: Extension, user: str) -> None:
        self._cluster = cluster
        self._tls = ssl.create_default_context(cafile=cluster.authority_file)
        cluster.user(user)
        self._tls.load_cert_chain(cluster.folder / f"user-{user}.crt", cluster.folder / f"user-{user}.key")

    def send(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        connection = http.client.HTTPSConnection(
            self._cluster.host, self._cluster.port, context=self._tls, timeout=60
        )
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def configuration(webhook: WebhookProcess) -> Body:
    def one(name: str, path: str, policy: str, *, guarded: bool) -> Body:
        return {
            "name": name,
            "admissionReviewVersions": ["v1"],
            "failurePolicy": policy,
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": PLACE}},
            "clientConfig": {"url": f"https://localhost:{webhook.port}{path}"},
            "rules": rules_of(judge().asked, guarded=guarded),
        }

    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [
            one("admission.leadline.dev", "/validate/guarded", "Fail", guarded=True),
            one("others.admission.leadline.dev", "/validate", "Ignore", guarded=False),
        ],
    }


@pytest.fixture(scope="module")
def cluster(extension: Extension, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extension]:
    extension.namespace(PLACE)
    names = [*(f"heavy-{number}" for number in range(USERS)), "seventh"]
    for name in names:
        extension.kubectl("create", "rolebinding", name, "-n", PLACE, "--clusterrole=edit", f"--user={name}")
    large = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "large", "namespace": PLACE},
        "data": {"a": "x"},
    }
    extension.kubectl("create", "-f", "-", content=json.dumps(large))
    arguments = (f"--kubeconfig={extension.admin()}", f"--webhook={NAME}", "--enforce", "--timeout-s=4")
    with WebhookProcess(tmp_path_factory.mktemp("load"), *arguments, own_host="localhost") as webhook:
        extension.apply(configuration(webhook))
        try:
            webhook.until(lambda: webhook.number("leadline_admission_trusted") == 1)
            seventh = Client(extension, "seventh")
            webhook.until(lambda: "C-0057" in create(seventh, "first", **PRIVILEGED)[1])
            yield extension
        finally:
            extension.kubectl("delete", "validatingwebhookconfiguration", NAME)
            extension.kubectl("delete", "namespace", PLACE, "--wait=false")


def create(client: Client, name: str, **fields: Any) -> tuple[int, str]:
    body = with_metadata(pod(container(**fields)), name=name, namespace=PLACE)
    return client.send("POST", f"/api/v1/namespaces/{PLACE}/pods?dryRun=All", json.dumps(body).encode())


def large_config_map() -> tuple[str, str, bytes]:
    text = "".join(f"key{i}: some words of a setting number {i}\n" for i in range(LARGE_BYTES // 45))
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "large", "namespace": PLACE},
        "data": {f"part-{i}": text[i * 9_000 : (i + 1) * 9_000] for i in range(100)},
    }
    path = f"/api/v1/namespaces/{PLACE}/configmaps/large?dryRun=All"
    return "PUT", path, json.dumps(body).encode()


def large_deployment() -> tuple[str, str, bytes]:
    env = [{"name": f"V{i}", "value": "x" * 380} for i in range(2_000)]
    body = with_metadata(deployment(container(env=env)), name="large", namespace=PLACE)
    return "POST", f"/apis/apps/v1/namespaces/{PLACE}/deployments?dryRun=All", json.dumps(body).encode()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(large_config_map, id="ConfigMap", marks=pytest.mark.nightly("matrices")),
        pytest.param(large_deployment, id="Deployment"),
    ],
)
def test_while_six_users_send_large_dry_runs_a_seventh_is_judged_as_ever(cluster: Extension, sent: Any):
    method, path, body = sent()
    ended = threading.Event()
    numbers: list[int] = []

    def crowd(client: Client) -> None:
        while not ended.is_set():
            numbers.append(client.send(method, path, body)[0])

    clients = [Client(cluster, f"heavy-{number}") for number in range(USERS)]
    threads = [threading.Thread(target=crowd, args=(one,)) for one in clients for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    seventh = Client(cluster, "seventh")
    bad: list[int] = []
    good: list[tuple[int, float]] = []
    try:
        deadline = time.monotonic() + 30
        while len(numbers) < USERS and time.monotonic() < deadline:
            ended.wait(0.05)
        for number in range(PODS):
            bad.append(create(seventh, f"bad-{number}", **PRIVILEGED)[0])
            began = time.perf_counter()
            code, said = create(seventh, f"good-{number}")
            good.append((code if "not judged" not in said else 0, time.perf_counter() - began))
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    took = sorted(seconds for _, seconds in good)
    print(
        f"{len(numbers)} large dry runs {dict(Counter(numbers))}; "
        f"good pods: median {statistics.median(took):.2f} s, slowest {took[-1]:.2f} s"
    )
    assert len(numbers) > USERS
    assert 201 not in bad
    assert sum(code == 201 and seconds < WITHIN_S for code, seconds in good) >= LEAST_WITHIN * PODS, good
