import contextlib
import json
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from certificates import Authority
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import ClusterError
from leadline.sources.cluster.connection import Cluster, LostError, Patience, async_client, connect
from leadline.sources.cluster.kubeconfig import Access, choose_access
from leadline.sources.cluster.sign_in import tls_of
from list_server import Fault, ListServer, Row

RESTORE = "restore it, or sign in again"
ANEW = "ask the cluster's administrator for a new one"
UNSENDABLE = (
    "main: the credentials cannot be used: the token or the user's name holds what no HTTP header may"
)
IMPATIENT = Patience(attempts=2, first_wait_s=0.0, longest_wait_s=0.0, connect_s=5.0, silence_s=5.0)


@pytest.fixture
def server() -> Iterator[ListServer]:
    with ListServer((Row("", "v1", "Pod", "pods"),)) as running:
        yield running


def write(path: Path, context: str = "", **entries: Any) -> Path:
    """A kubeconfig; ``entries``: clusters, users and contexts by name."""
    content: dict[str, Any] = {"current-context": context}
    for name, field in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
        content[name] = [{"name": key, field: value} for key, value in entries.get(name, {}).items()]
    path.write_text(yaml.safe_dump(content))
    return path


def one(
    path: Path, server: str = "https://cluster.example", user: dict[str, Any] | None = None, **fields: Any
) -> str:
    contexts = {"main": {"cluster": "c", "user": "u"}}
    written = write(
        path, "main", clusters={"c": {"server": server, **fields}}, users={"u": user or {}}, contexts=contexts
    )
    return str(written)


def told(context: str = "", kubeconfig: str = "", **environ: str) -> str:
    with pytest.raises(ClusterError) as caught:
        choose_access(context, kubeconfig, environ)
    return str(caught.value)


def test_the_first_file_to_name_a_thing_decides_it(tmp_path: Path) -> None:
    contexts = {"main": {"cluster": "c", "user": "u"}}
    first = write(tmp_path / "first", clusters={"c": {"server": "https://first.example"}})
    second = write(
        tmp_path / "second", "main", clusters={"c": {"server": "https://second.example"}}, contexts=contexts
    )
    third = write(tmp_path / "third", "other", users={"u": {"token": "from-third"}})
    access = choose_access("", "", {"KUBECONFIG": f"{first}:{tmp_path / 'absent'}:{second}:{third}"})
    assert (access.context, access.server.server) == ("main", "https://first.example")
    assert access.user is not None
    assert access.user.token == "from-third"


def test_a_named_file_goes_before_the_environment_and_the_home(tmp_path: Path) -> None:
    home = tmp_path / "home" / ".kube"
    home.mkdir(parents=True)
    one(home / "config", "https://home.example")
    by_environment = one(tmp_path / "env", "https://env.example")
    named = one(tmp_path / "named", "https://named.example")
    environ = {"HOME": str(tmp_path / "home")}
    assert choose_access("", "", environ).server.server == "https://home.example"
    assert (
        choose_access("", "", {**environ, "KUBECONFIG": by_environment}).server.server
        == "https://env.example"
    )
    assert (
        choose_access("", named, {**environ, "KUBECONFIG": by_environment}).server.server
        == "https://named.example"
    )


def test_file_names_are_relative_to_the_file_that_holds_them(tmp_path: Path) -> None:
    user = {"client-certificate": "me.crt", "client-key": "/keys/me.key", "tokenFile": "sub/token"}
    entries = {"certificate-authority": "ca.crt"}
    access = choose_access("", one(tmp_path / "config", user=user, **entries), {})
    assert access.server.ca_file == str(tmp_path / "ca.crt")
    assert access.user.certificate_file == str(tmp_path / "me.crt")
    assert access.user.key_file == "/keys/me.key"
    assert access.user.token_file == str(tmp_path / "sub" / "token")


def test_proxy_server_name_and_impersonation_are_kept(tmp_path: Path) -> None:
    user = {"as": "boss", "as-groups": ["a", "b"], "as-uid": "7", "as-user-extra": {"why": ["test"]}}
    fields = {"proxy-url": "http://proxy.example:3128", "tls-server-name": "inner.example"}
    access = choose_access("", one(tmp_path / "config", user=user, **fields), {})
    assert (access.proxy, access.tls_server_name) == ("http://proxy.example:3128", "inner.example")
    assert access.impersonate == (
        ("Impersonate-User", "boss"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-why", "test"),
    )


def test_no_cluster_at_all_is_one_line(tmp_path: Path) -> None:
    assert told(HOME=str(tmp_path)) == (
        f"no cluster is configured: no context in {tmp_path}/.kube/config; scan files instead: leadline scan PATH"
    )


def test_who_asks_for_stored_results_is_not_told_to_scan_files(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        async_client(environ={"HOME": str(tmp_path)})
    assert caught.value.hint.startswith("name one with --kubeconfig")


def test_an_unknown_context_names_those_there_are(tmp_path: Path) -> None:
    path = one(tmp_path / "config")
    assert told("prod", path) == f"no context prod in {path}; there are: main"


def test_a_file_without_a_current_context_asks_for_one(tmp_path: Path) -> None:
    path = write(tmp_path / "config", contexts={"a": {"cluster": "c"}})
    assert told("", str(path)) == f"no current context in {path}; name one: --context NAME"


def test_a_context_without_a_server_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "config", "a", contexts={"a": {"cluster": "gone"}})
    assert told("", str(path)) == f"context a in {path} names no cluster with a server"


def test_a_named_file_that_is_absent_is_told(tmp_path: Path) -> None:
    path = tmp_path / "absent"
    assert told("", str(path)) == f"no such kubeconfig: {path}; scan files instead: leadline scan PATH"
    folder = f"kubeconfig {tmp_path} is a folder; name the file, often ~/.kube/config"
    assert told("", str(tmp_path)) == folder


def test_a_sign_in_that_kubernetes_gave_up_is_told(tmp_path: Path) -> None:
    path = one(tmp_path / "config", user={"auth-provider": {"name": "gcp"}})
    assert told("", path).startswith(
        "context main signs in by auth-provider, which Kubernetes gave up in 1.26; "
    )


@pytest.mark.parametrize(
    "content",
    [
        "- a list",
        "clusters: 5",
        "contexts: {a: b}",
        "a: [",
        "!!python/object/new:os.system [x]",
        "\x00",
        "a: &a [*a, *b]",
    ],
)
def test_a_malformed_file_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    message = told("", str(path))
    assert str(path) in message
    assert "\n" not in message


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v))
)
def test_any_shape_of_entries_is_told_or_taken(tmp_path_factory: pytest.TempPathFactory, shape: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any-config"
    entry = {"name": "x", "cluster": shape, "user": shape, "context": shape}
    odd = {
        "name": shape,
        "cluster": {"server": shape},
        "user": {"exec": shape, "as-groups": shape},
        "context": {"cluster": shape},
    }
    entries = [entry, odd, {**odd, "name": "x"}, shape]
    content = {"current-context": shape, "clusters": entries, "users": entries, "contexts": entries}
    path.write_text(json.dumps(content))
    with contextlib.suppress(ClusterError):
        assert isinstance(choose_access("x", str(path), {}), Access)
    with contextlib.suppress(ClusterError):
        assert isinstance(choose_access("", str(path), {}), Access)


def a_plugin(answer: str, **fields: Any) -> dict[str, Any]:
    script = f"import os, sys; print({answer})"
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", script],
        **fields,
    }


TOKEN = """'{"status": {"token": "t"}}'"""


def test_a_plugin_is_asked_again_when_its_token_is_refused(server: ListServer, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    script = f"open({str(asked)!r}, 'a').write('x'); print({TOKEN})"
    plugin = {**a_plugin(TOKEN), "args": ["-c", script]}
    server.faults.append(("/version", Fault(401)))
    connect(
        kubeconfig=one(tmp_path / "config", server.url, {"exec": plugin}), environ={}, patience=IMPATIENT
    ).close()
    assert asked.read_text() == "xx"


def test_a_plugin_gets_its_environment_and_what_it_needs_to_know(server: ListServer, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = f"import os; open({str(seen)!r}, 'w').write(os.environ['MINE'] + os.environ['KUBERNETES_EXEC_INFO']); print({TOKEN})"
    plugin = {
        **a_plugin(TOKEN, env=[{"name": "MINE", "value": "yes "}], provideClusterInfo=True),
        "args": ["-c", script],
    }
    connect(
        kubeconfig=one(tmp_path / "config", server.url, {"exec": plugin}), environ={}, patience=IMPATIENT
    ).close()
    mine, _, told_json = seen.read_text().partition(" ")
    assert mine == "yes"
    assert json.loads(told_json) == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "spec": {"interactive": True, "cluster": {"server": server.url, "insecure-skip-tls-verify": False}},
    }


BY_HAND = "; run it by hand to see what it says"


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ({"apiVersion": "x/v9", "command": "a"}, "exec of {user} names no command with a known apiVersion; client.authentication.k8s.io/v1 is one"),
        ({**a_plugin("''"), "command": "/no/such/plugin", "installHint": "get it\nthere"}, "exec of {user}: /no/such/plugin cannot be started: no such file or directory; get it there"),
        ({**a_plugin("''"), "command": "no-such-plugin"}, "exec of {user}: no-such-plugin cannot be started: no such file or directory; install it, or name it with its folder"),
        ({**a_plugin("''"), "command": "./config"}, "exec of {user}: {folder}/config cannot be started: permission denied; install it, or name it with its folder"),
        (a_plugin("''", env=[{"name": "A=B\0", "value": ""}]), "exec of {user}: {python} cannot be started: illegal environment variable name; install it, or name it with its folder"),
        (a_plugin("sys.exit(7)"), "exec of {user}: {python} could not sign in: exit code 7" + BY_HAND),
        (a_plugin("'not json'"), "exec of {user}: {python} gave no credentials that can be read" + BY_HAND),
        (a_plugin("'[]'"), "exec of {user}: {python} gave no credentials that can be read" + BY_HAND),
        (a_plugin("""'{"status": {}}'"""), "exec of {user}: {python} gave neither a token nor a certificate" + BY_HAND),
        (a_plugin("""'{"status": {"token": "t", "expirationTimestamp": "soon"}}'"""), "exec of {user}: {python} gave no credentials that can be read" + BY_HAND),
        (a_plugin("""'{"status": {"clientCertificateData": "hunter2", "clientKeyData": "hunter2"}}'"""), "exec of {user}: {python}: clientCertificateData is not a certificate in PEM; " + ANEW),
    ],
)  # fmt: skip
def test_a_plugin_that_fails_is_one_line(
    server: ListServer, tmp_path: Path, plugin: dict[str, Any], message: str
) -> None:
    path = one(tmp_path / "config", server.url, {"exec": plugin})
    expected = message.format(user=f"user u of {path}", folder=tmp_path, python=sys.executable)
    with pytest.raises(ClusterError) as caught:
        connect(kubeconfig=path, environ={}, patience=IMPATIENT)
    assert str(caught.value) == expected


def test_a_plugin_may_say_until_when_without_a_zone(server: ListServer, tmp_path: Path) -> None:
    plugin = a_plugin("""'{"status": {"token": "t", "expirationTimestamp": "2999-01-01T00:00:00"}}'""")
    path = one(tmp_path / "config", server.url, {"exec": plugin})
    connect(kubeconfig=path, environ={}, patience=IMPATIENT).close()
    assert server.requests == ["/version"]


def test_a_proxy_is_taken_from_the_environment_that_is_given_and_not_for_this_machine(
    server: ListServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy"), "http://127.0.0.1:9")
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    connect(kubeconfig=one(tmp_path / "config", server.url), environ=proxies, patience=IMPATIENT).close()
    assert server.requests == ["/version"]
    there = one(tmp_path / "config", server.url, **{"proxy-url": "http://127.0.0.1:9"})
    with pytest.raises(ClusterError, match="connection refused"):
        connect(kubeconfig=there, environ={}, patience=IMPATIENT)
    elsewhere = one(tmp_path / "config", "http://api.cluster.example")
    with pytest.raises(ClusterError, match="connection refused"):
        connect(kubeconfig=elsewhere, environ=proxies, patience=IMPATIENT)
    through = {"http_proxy": server.url}
    connect(kubeconfig=elsewhere, environ=through, patience=IMPATIENT).close()
    assert server.requests[-1] == "http://api.cluster.example/version"


def test_a_refused_connection_is_one_line(tmp_path: Path) -> None:
    with ListServer(()) as server:
        url = server.url
    with pytest.raises(ClusterError) as caught:
        connect(kubeconfig=one(tmp_path / "config", url), environ={}, patience=IMPATIENT)
    assert str(caught.value) == (
        f"cannot reach the cluster of context main at {url.removeprefix('http://')}: connection refused; "
        "scan files instead: leadline scan PATH"
    )


@pytest.mark.parametrize("url", ["", "not a url", "ftp://x", "https://", "http://[::1"])
def test_a_server_address_that_is_none_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(ClusterError):
        connect(kubeconfig=one(tmp_path / "config", url), environ={}, patience=IMPATIENT)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates and keys, good and bad."""
    folder = tmp_path_factory.mktemp("keys")
    authority = Authority(folder, "ca")
    for name in ("mine", "other"):
        authority.issue(name, "someone")
    key = load_pem_private_key((folder / "mine.key").read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))
    (folder / "locked.key").write_bytes(encrypted)
    (folder / "broken").write_bytes(b"-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n")
    (folder / "empty").write_bytes(b"")
    return folder


MINE = {"client-certificate": "{keys}/mine.crt", "client-key": "{keys}/mine.key"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"client-certificate": "gone.crt"}, "client-certificate of user u of {path} names a file that is not there: {folder}/gone.crt; " + RESTORE),
        ({"client-certificate": "{keys}/empty"}, "client-certificate of user u of {path} is not a certificate in PEM; " + ANEW),
        ({"client-certificate": "{keys}/broken"}, "client-certificate of user u of {path} is not a certificate in PEM; " + ANEW),
        ({"client-certificate": "{keys}/mine.key"}, "client-certificate of user u of {path} is not a certificate in PEM; " + ANEW),
        ({"client-certificate": "{keys}"}, "client-certificate of user u of {path} cannot be read: {keys}: is a directory"),
        ({"client-certificate": "a\0b"}, "client-certificate of user u of {path} cannot be read: {folder}/a\0b: embedded null byte"),
        ({"client-certificate-data": "aHVudGVyMg=="}, "client-certificate-data of user u of {path} is not a certificate in PEM; " + ANEW),
        ({"client-certificate-data": "!"}, "client-certificate-data of user u of {path} is not Base64; " + RESTORE),
        ({"client-certificate": "{keys}/mine.crt"}, "client-certificate of user u of {path} is not a private key in PEM; " + RESTORE),
        ({**MINE, "client-key": "gone.key"}, "client-key of user u of {path} names a file that is not there: {folder}/gone.key; " + RESTORE),
        ({**MINE, "client-key": "{keys}/empty"}, "client-key of user u of {path} is not a private key in PEM; " + RESTORE),
        ({**MINE, "client-key": "{keys}/other.key"}, "client-key of user u of {path} does not belong to the certificate in client-certificate of user u of {path}; " + RESTORE),
        ({**MINE, "client-key": "{keys}/locked.key"}, "client-key of user u of {path} is encrypted and needs a password; decrypt it: openssl pkey"),
        ({**MINE, "client-key-data": "aHVudGVyMg=="}, "client-key-data of user u of {path} is not a private key in PEM; " + RESTORE),
        ({"certificate-authority": "gone"}, "certificate-authority of cluster c of {path} names a file that is not there: {folder}/gone; " + RESTORE),
        ({"certificate-authority": "{keys}/mine.key"}, "certificate-authority of cluster c of {path} is not a certificate in PEM; " + ANEW),
        ({"certificate-authority": "{keys}/empty"}, "certificate-authority of cluster c of {path} is not a certificate in PEM; " + ANEW),
        ({"certificate-authority-data": "aHVudGVyMg=="}, "certificate-authority-data of cluster c of {path} is not a certificate in PEM; " + ANEW),
        ({"tokenFile": "gone"}, "tokenFile of user u of {path} names a file that is not there: {folder}/gone; " + RESTORE),
        ({"tokenFile": "{keys}/empty"}, "tokenFile of user u of {path} holds no token: {keys}/empty; " + RESTORE),
        ({"token": "hun\nter2"}, UNSENDABLE),
        ({"tokenFile": "config"}, UNSENDABLE),
        ({"token": "t", "as": "a\rb"}, UNSENDABLE),
    ],
)  # fmt: skip
def test_credentials_that_make_no_request_are_one_line_that_names_their_field(
    server: ListServer, tmp_path: Path, keys: Path, fields: dict[str, str], message: str
) -> None:
    written = {name: value.replace("{keys}", str(keys)) for name, value in fields.items()}
    of_cluster = {name: value for name, value in written.items() if name.startswith("certificate")}
    of_user = {name: value for name, value in written.items() if name not in of_cluster}
    path = one(tmp_path / "config", server.url, of_user, **of_cluster)
    with pytest.raises(ClusterError) as caught:
        connect(kubeconfig=path, environ={}, patience=IMPATIENT)
    assert str(caught.value) == message.format(path=path, folder=tmp_path, keys=keys)
    assert "hunter2" not in str(caught.value)
    assert server.requests == []


def test_between_certificates_there_may_be_names_in_any_language(tmp_path: Path, keys: Path) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_text("# Überprüft\n" + (keys / "ca.crt").read_text(), "utf-8")
    fields = {"certificate-authority": "ca.crt"}
    user = {name: value.replace("{keys}", str(keys)) for name, value in MINE.items()}
    access = choose_access("", one(tmp_path / "config", user=user, **fields), {})
    assert tls_of(access, tmp_path).cert_store_stats()["x509_ca"] == 1


def test_a_server_with_a_certificate_of_another_is_asked_once_and_told(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "gone").mkdir()
    old = Authority(tmp_path / "gone", "ca", EXPIRED)
    for authority, why in (
        (Authority(tmp_path, "stranger"), "unable to get local issuer certificate"),
        (old, "certificate has expired"),
    ):
        with contextlib.ExitStack() as stack:
            server = ListServer(())
            server.speak_tls(*authority.issue("server", "server", hosts=("127.0.0.1",)))
            stack.enter_context(server)
            trusted = keys / "ca.crt" if authority is not old else old.file
            path = one(tmp_path / "config", server.url, **{"certificate-authority": str(trusted)})
            with pytest.raises(ClusterError) as caught:
                connect(kubeconfig=path, environ={}, patience=Patience(first_wait_s=1e9))
            assert str(caught.value) == (
                f"cannot reach the cluster of context main at {server.url.removeprefix('https://')}: "
                f"its certificate is not trusted: {why}; certificate-authority of cluster c of {path} says whom to trust"
            )


EXPIRED = datetime(2001, 2, 3, 4, 5, tzinfo=UTC)


def test_credentials_that_are_refused_are_said_to_have_expired(server: ListServer, tmp_path: Path) -> None:
    def claims(moment: float) -> str:
        return "h." + urlsafe_b64encode(json.dumps({"exp": moment}).encode()).decode().rstrip("=") + ".s"

    certificate, key = Authority(tmp_path, "ca", EXPIRED).issue("old", "someone")
    by_certificate = {"client-certificate": str(certificate), "client-key": str(key)}
    server.faults += [("/version", Fault(401))] * 4
    path = tmp_path / "config"
    for user, more in (
        (
            {"token": claims(EXPIRED.timestamp())},
            f": token of user u of {path} expired at 2001-02-03 04:05 UTC",
        ),
        (by_certificate, f": client-certificate of user u of {path} expired at 2001-02-03 04:05 UTC"),
        ({"token": claims(99_999_999_999)}, ""),
        ({"token": "opaque"}, ""),
    ):
        with pytest.raises(ClusterError) as caught:
            connect(kubeconfig=one(path, server.url, user), environ={}, patience=IMPATIENT)
        assert str(caught.value) == (
            f"the cluster of context main at {server.url.removeprefix('http://')} does not accept the credentials"
            f"{more}; sign in again, or choose another --context"
        )


def test_a_server_that_never_answered_is_given_up_sooner_than_one_that_did(tmp_path: Path) -> None:
    with ListServer(()) as server:
        url = server.url
    waits: list[float] = []
    patience = Patience(attempts=6, first_attempts=2, first_wait_s=0.0)
    cluster = Cluster(
        choose_access("", one(tmp_path / "config", url), {}), httpx2.Client(base_url=url), patience
    )
    with pytest.raises(LostError):
        cluster.ask("/version", on_wait=lambda seconds, why: waits.append(seconds))
    cluster.close()
    assert len(waits) == 1
