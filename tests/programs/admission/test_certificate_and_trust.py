"""The webhook's certificate is renewed while it runs, and the API server is kept trusting it."""

import asyncio
import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from leadline.programs.admission.main import PATH, renew_where_due, trust
from leadline.programs.serving.kube import KubeError
from leadline.programs.serving.own_certificate import OwnCertificate
from leadline.programs.serving.tls_server import Socket, Tls

NOW = datetime.now(UTC)
NAME = "guard"
HOST = "leadline-admission.leadline.svc"


def is_verified(tls: Tls, ca: str) -> bool:
    """Whether a client that trusts ``ca`` alone takes what the server shows now."""
    client = ssl.create_default_context(cadata=ca)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        client.wrap_bio(to_client, to_server, server_hostname=HOST),
        tls.entrance.wrap_bio(to_server, to_client, server_side=True),
    )
    try:
        for side in sides * 2:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    except ssl.SSLError:
        return False
    return True


def test_it_is_renewed_while_the_server_runs(tmp_path: Path):
    own = OwnCertificate(tmp_path, HOST, "leadline-admission", NOW - timedelta(days=61))
    first = own.ca
    tls = Tls(Socket("", 0, own.certificate, own.key), "")
    renew_where_due(own, tls, NOW - timedelta(days=2), is_trusted=True)
    assert own.ca == first
    assert is_verified(tls, first)
    renew_where_due(own, tls, NOW, is_trusted=True)
    assert own.ca != first
    # Not before the API server has had time to learn of the new CA.
    renew_where_due(own, tls, NOW + timedelta(seconds=1), is_trusted=False)
    assert is_verified(tls, first)
    for seconds in (10, 20):
        renew_where_due(own, tls, NOW + timedelta(seconds=seconds), is_trusted=True)
    assert is_verified(tls, own.ca)
    assert not is_verified(tls, first)


class Cluster:
    """Holds one configuration, as ``Kube`` is asked for it."""

    def __init__(self, *bundles: str) -> None:
        hooks = [
            {"name": f"h{i}", "clientConfig": {"caBundle": one} if one else {}}
            for i, one in enumerate(bundles)
        ]
        self.held: dict[str, Any] | None = {"metadata": {"resourceVersion": "1"}, "webhooks": hooks}
        self.conflicts = 0
        self.writes = 0

    async def get(self, path: str) -> dict[str, Any] | None:
        assert path == f"{PATH}/{NAME}"
        return self.held

    async def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert self.held is not None
        if self.conflicts:
            self.conflicts -= 1
            raise KubeError(409, "conflict")
        assert body["metadata"] == {"resourceVersion": "1"}
        self.writes += 1
        self.held["webhooks"] = body["webhooks"]
        return self.held

    def bundles(self) -> list[list[x509.Certificate]]:
        assert self.held is not None
        texts = (base64.b64decode(one["clientConfig"]["caBundle"]) for one in self.held["webhooks"])
        return [x509.load_pem_x509_certificates(text) for text in texts]


@pytest.fixture
def ca(tmp_path: Path) -> str:
    return OwnCertificate(tmp_path, HOST, "leadline-admission").ca


def trusted(cluster: Cluster, ca: str) -> bool:
    return asyncio.run(trust(cluster, NAME, ca))  # type: ignore[arg-type]


def test_every_webhook_of_the_configuration_gets_our_ca_once(ca: str):
    cluster = Cluster("", "bm9uc2Vuc2U=")
    cluster.conflicts = 2
    assert trusted(cluster, ca)
    ours = x509.load_pem_x509_certificate(ca.encode())
    assert cluster.bundles() == [[ours], [ours]]
    assert trusted(cluster, ca)
    assert cluster.writes == 1


def test_the_ca_of_another_replica_stays(ca: str, tmp_path: Path):
    (tmp_path / "other").mkdir()
    other = OwnCertificate(tmp_path / "other", HOST, "leadline-admission").ca
    cluster = Cluster(base64.b64encode(other.encode()).decode())
    assert trusted(cluster, ca)
    assert len(cluster.bundles()[0]) == 2


def test_without_a_configuration_no_one_trusts_us(ca: str):
    cluster = Cluster()
    assert not trusted(cluster, ca)
    cluster.held = None
    assert not trusted(cluster, ca)
    stuck = Cluster("")
    stuck.conflicts = 99
    assert not trusted(stuck, ca)
