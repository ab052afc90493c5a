"""A server that is killed, a server that is away, a kube-apiserver that is away."""

import http.client
import json
import signal
import threading
from typing import Any

import pytest
from asgi import summary
from extension import GROUPS, Extension
from kube_watch import Watcher
from test_apiserver_access import ask

pytestmark = pytest.mark.cluster
PLURAL = "workloadconfigurationscansummaries"
SPC = "/apis/spdx.softwarecomposition.kubescape.io/v1beta1"


def test_a_killed_server_has_lost_nothing_it_acknowledged(private_extension: Extension):
    extension = private_extension
    space = extension.namespace("killing")
    path = f"{SPC}/namespaces/{space}/{PLURAL}"
    token = extension.token("writer")
    acknowledged: dict[str, Any] = {}
    refused: list[int] = []

    def write(worker: int) -> None:
        for number in range(10_000):
            name = f"w{worker}-{number}"
            try:
                code, made = ask(extension, "POST", token=token, body=summary(name), path=path)
            except (OSError, http.client.HTTPException, ValueError):
                return  # killed before the whole answer came: nothing was acknowledged
            if code == 201:
                acknowledged[name] = made["metadata"]["resourceVersion"]
            else:
                refused.append(code)

    for round_ in range(3):
        writers = [threading.Thread(target=write, args=(10 * round_ + n,)) for n in range(4)]
        for writer in writers:
            writer.start()
        enough = 50 * (round_ + 1)
        extension.until(lambda wanted=enough: len(acknowledged) >= wanted, 60)
        extension.stop_ours(signal.SIGKILL)
        for writer in writers:
            writer.join()
        extension.start_ours()
    # A busy machine may let the server ask for time, and nothing else.
    assert set(refused) <= {429, 503}
    _, listed = ask(extension, token=token, path=path)
    found = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in listed["items"]}
    assert acknowledged.items() <= found.items()
    assert len(set(found.values())) == len(found)
    with Watcher(
        extension, "-n", space, "wait", f"{PLURAL}/w0-0", "--for=delete", "--timeout=60s"
    ) as waiting:
        owner = extension.kubectl("-n", space, "delete", PLURAL, "w0-0")
        assert "deleted" in owner
        assert waiting.code() == 0


def test_a_namespace_can_go_while_we_are_away_once_we_are_unregistered(private_extension: Extension):
    extension = private_extension
    space = extension.namespace("leaving")
    extension.kubectl("-n", space, "create", "-f", "-", content=json.dumps(summary("web")))
    extension.stop_ours()
    extension.kubectl("delete", "namespace", space, "--wait=false")
    for group, version in GROUPS:
        extension.kubectl("delete", "apiservice", f"{version}.{group}")
    extension.until(
        lambda: "namespace/leaving" not in extension.kubectl("get", "namespaces", "-o", "name"), 90
    )
    extension.start_ours()
    extension.register()
    extension.until(lambda: "web" not in extension.kubectl("get", PLURAL, "-A", "-o", "name"), 30)
    assert "deleted 1 objects of namespaces that are gone" in extension.our_log


def test_without_kube_apiserver_nobody_gets_in(private_extension: Extension):
    extension = private_extension
    known, unknown = extension.token("reader"), extension.token("reader", seconds=3600)
    assert ask(extension, token=known)[0] == 200
    extension.pause_api()
    try:
        code, status = ask(extension, token=unknown)
        assert (code, status["reason"]) == (503, "ServiceUnavailable")
        headers = {"X-Remote-User": "somebody-new"}
        pair = extension.folder / "proxy.crt", extension.folder / "proxy.key"
        assert ask(extension, headers=headers, pair=pair)[0] == 503
        assert ask(extension, path="/readyz")[0] == 200
    finally:
        extension.resume_api()
    assert ask(extension, token=unknown)[0] == 200
