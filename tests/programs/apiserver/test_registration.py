"""Our APIServices: the CA goes into them, and ``leadline unregister`` takes them away."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority

from leadline.errors import ClusterError
from leadline.programs.serving.cluster import registration
from leadline.programs.serving.cluster.behind import own_service
from leadline.programs.serving.cluster.kube_api import KubeApi, KubeSettings
from leadline.programs.serving.cluster.registration import Leavings, names, trust, unregister
from leadline.programs.serving.own_certificate import OwnCertificate

PATH = "/apis/apiregistration.k8s.io/v1/apiservices"


class Services(ThreadingHTTPServer):
    """APIServices as kube-apiserver keeps them. ``is_stuck``: a deletion is taken, and never done."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.kept: dict[str, dict[str, Any]] = {
            name: {"metadata": {"resourceVersion": "1"}} for name in names()
        }
        self.conflicts = 0
        self.writes = 0
        self.is_stuck = False
        self.is_forbidden = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Requests(BaseHTTPRequestHandler):
    server: Services

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if "/clusterroles/" in self.path:
            self._say(200, {"metadata": {"name": name, "uid": "u-1"}})
        elif self.path.startswith(PATH):
            self._say(200 if name in self.server.kept else 404, self.server.kept.get(name, {}))
        elif any(kept.endswith(name) for kept in self.server.kept):
            self._say(200, {})
        else:
            # A group that is not served, as kube-apiserver words it.
            self._say(404, "404 page not found\n")

    def do_PATCH(self) -> None:
        change = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Content-Type"] == "application/apply-patch+yaml":
            name = self.path.rpartition("/")[2].partition("?")[0]
            self.server.kept[name] = change | {"metadata": {**change["metadata"], "resourceVersion": "1"}}
            self._say(201, self.server.kept[name])
            return
        kept = self.server.kept[self.path.rpartition("/")[2]]
        if self.server.conflicts or change["metadata"] != kept["metadata"]:
            self.server.conflicts -= 1
            self._say(409, {"message": "conflict"})
            return
        self.server.writes += 1
        kept["metadata"] = {"resourceVersion": str(int(kept["metadata"]["resourceVersion"]) + 1)}
        kept["spec"] = change["spec"]
        self._say(200, kept)

    def do_DELETE(self) -> None:
        name = self.path.rpartition("/")[2]
        if self.server.is_forbidden:
            self._say(403, {"message": "you may not"})
        elif not self.server.is_stuck:
            self.server.kept.pop(name, None)
            self._say(200, {})
        else:
            self._say(200, {})

    def _say(self, code: int, body: dict[str, Any] | str) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def services() -> Iterator[Services]:
    server = Services()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(services: Services, tmp_path: Path) -> KubeSettings:
    (tmp_path / "token").write_text("ours")
    return KubeSettings(services.url, Authority(tmp_path, "ca").file, tmp_path / "token")


def test_the_ca_is_written_once(services: Services, settings: KubeSettings, tmp_path: Path):
    own = OwnCertificate(tmp_path, "leadline.x.svc", "leadline-apiserver")

    async def scenario() -> None:
        kube = KubeApi(settings)
        assert await trust(kube, own.ca)
        assert await trust(kube, own.ca)
        await kube.close()

    services.conflicts = 1
    asyncio.run(scenario())
    assert services.writes == len(names())
    for kept in services.kept.values():
        assert base64.b64decode(kept["spec"]["caBundle"]) == own.ca.encode()


def test_an_apiservice_that_is_not_there_is_no_success(
    services: Services, settings: KubeSettings, tmp_path: Path
):
    services.kept.clear()

    async def scenario() -> bool:
        kube = KubeApi(settings)
        try:
            return await trust(kube, OwnCertificate(tmp_path, "leadline.x.svc", "leadline-apiserver").ca)
        finally:
            await kube.close()

    assert not asyncio.run(scenario())


def test_those_that_are_not_there_are_created_and_owned_by_the_role(
    services: Services, settings: KubeSettings, tmp_path: Path
):
    services.kept.clear()
    own = OwnCertificate(tmp_path, "leadline.x.svc", "leadline-apiserver")

    async def scenario() -> None:
        kube = KubeApi(settings)
        assert await trust(kube, own.ca, own_service("leadline.x.svc", "leadline-register"))
        assert await trust(kube, own.ca, own_service("leadline.x.svc", "leadline-register"))
        await kube.close()

    asyncio.run(scenario())
    assert tuple(sorted(services.kept)) == names()
    for name, made in services.kept.items():
        assert f"{made['spec']['version']}.{made['spec']['group']}" == name
        assert made["spec"]["service"] == {"name": "leadline", "namespace": "x", "port": 443}
        assert base64.b64decode(made["spec"]["caBundle"]) == own.ca.encode()
        (owner,) = made["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("ClusterRole", "leadline-register", "u-1")


@pytest.mark.parametrize("host", ["", "leadline", "leadline.x", "leadline..svc", ".x.svc", "a.b.example"])
def test_a_host_that_is_not_a_service_registers_nothing(host):
    assert own_service(host, "role") is None


def test_the_right_to_create_them_goes_first(services: Services, settings: KubeSettings, monkeypatch):
    monkeypatch.setattr(registration, "RIGHT_FORGOTTEN_S", 0.01)
    services.kept["leadline-register"] = {"metadata": {"resourceVersion": "1"}}
    services.is_forbidden = True
    with pytest.raises(ClusterError, match="clusterrolebinding leadline-register was not deleted"):
        asyncio.run(unregister(settings, 10, Leavings(binding="leadline-register")))
    services.is_forbidden = False
    asyncio.run(unregister(settings, 10, Leavings(binding="leadline-register")))
    assert services.kept == {}


def test_all_of_them_are_taken_away_and_a_second_time_is_fine(services: Services, settings: KubeSettings):
    asyncio.run(unregister(settings, 10))
    assert services.kept == {}
    asyncio.run(unregister(settings, 10))


def test_a_webhook_goes_before_them(services: Services, settings: KubeSettings):
    services.kept["guard"] = {"metadata": {"resourceVersion": "1"}}
    services.is_forbidden = True
    with pytest.raises(ClusterError, match="validatingwebhookconfiguration guard was not deleted"):
        asyncio.run(unregister(settings, 10, Leavings(webhook="guard")))
    services.is_forbidden = False
    asyncio.run(unregister(settings, 10, Leavings(webhook="guard")))
    assert services.kept == {}


def test_what_stays_is_said(services: Services, settings: KubeSettings):
    services.is_stuck = True
    with pytest.raises(ClusterError, match=r"still there after 0\.3 s"):
        asyncio.run(unregister(settings, 0.3))


def test_a_refusal_is_said(services: Services, settings: KubeSettings):
    services.is_forbidden = True
    with pytest.raises(ClusterError, match=r"leadline\.dev was not deleted: you may not"):
        asyncio.run(unregister(settings, 10))
