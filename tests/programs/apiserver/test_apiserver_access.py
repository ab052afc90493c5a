"""Who gets in at the server's own door, and what they may do."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from asgi import ROOT, summary
from certificates import Authority
from extension import Extension

pytestmark = pytest.mark.cluster
PATH = f"{ROOT}/namespaces/default/workloadconfigurationscansummaries"


def ask(
    extension: Extension,
    method: str = "GET",
    *,
    token: str = "",
    pair: tuple[Path, Path] | None = None,
    headers: dict[str, str] | None = None,
    body: Any = None,
    path: str = PATH,
) -> tuple[int, Any]:
    connection = http.client.HTTPSConnection(
        extension.address, extension.our_port, context=extension.tls(pair), timeout=30
    )
    sent = {"Content-Type": "application/json", **(headers or {})}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content[:1] in b"{[" else content
    finally:
        connection.close()


def front_proxy(extension: Extension) -> tuple[Path, Path]:
    return extension.folder / "proxy.crt", extension.folder / "proxy.key"


def test_a_reader_reads_and_does_not_write(extension: Extension):
    token = extension.token("reader")
    assert ask(extension, token=token)[0] == 200
    code, status = ask(extension, "POST", token=token, body=summary("a"))
    assert (code, status["reason"]) == (403, "Forbidden")
    assert "leadline:reader" in status["message"]


def test_a_writer_writes(extension: Extension):
    token = extension.token("writer")
    assert ask(extension, "POST", token=token, body=summary("by-writer"))[0] == 201
    assert ask(extension, "DELETE", token=token, path=f"{PATH}/by-writer")[0] == 200


def test_without_rights_nothing_is_shown(extension: Extension):
    assert ask(extension, token=extension.token("nobody"))[0] == 403
    assert ask(extension)[0] == 403


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 70_000])
def test_tokens_of_nobody_are_refused(extension: Extension, token: str):
    code, _ = ask(extension, token=token)
    assert code in (400, 401, 431)


def test_names_in_headers_count_for_nothing_without_the_certificate(extension: Extension):
    headers = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
    assert ask(extension, headers=headers)[0] == 403
    assert ask(extension, headers=headers, token=extension.token("nobody"))[0] == 403


def test_the_aggregator_speaks_for_others(extension: Extension):
    pair = front_proxy(extension)
    headers = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
    assert ask(extension, headers=headers, pair=pair)[0] == 200
    reader = {"X-Remote-User": "system:serviceaccount:leadline:reader"}
    assert ask(extension, headers=reader, pair=pair)[0] == 200
    assert ask(extension, "DELETE", headers=reader, pair=pair)[0] == 403
    assert ask(extension, headers={"X-Remote-User": "stranger"}, pair=pair)[0] == 403


def test_another_name_under_the_right_ca_is_refused(extension: Extension):
    pair = extension.proxy_authority.issue("somebody-else", "somebody-else")
    headers = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
    assert ask(extension, headers=headers, pair=pair)[0] == 401


def test_a_certificate_of_another_ca_ends_the_handshake(extension: Extension, tmp_path: Path):
    pair = Authority(tmp_path, "strange-ca").issue("proxy", "front-proxy-client")
    headers = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        ask(extension, headers=headers, pair=pair)


def test_a_client_certificate_of_the_cluster_is_no_aggregator(extension: Extension):
    extension.admin()
    pair = extension.folder / "user-admin.crt", extension.folder / "user-admin.key"
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        ask(extension, headers={"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}, pair=pair)
