"""``leadline scan --submit``: what leaves, when, to whom, and what is believed of an answer."""

import gzip
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import zstandard
from certificates import Authority
from tests.programs.provider.provider_parts import Provider, report, served

from image_archives import docker_archive, layer
from leadline.programs.cli.main import main
from leadline.programs.cli.scanning import submitting
from leadline.programs.serving import provider_client
from leadline.scans.submitting.sending import Call

SECRET = "hunter2-of-the-shop"
POD = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: shell, namespace: shop, annotations: {{note: {SECRET}}}}}
spec:
  containers:
  - name: shell
    image: registry.example/{SECRET}:1
    args: [--password={SECRET}]
    env: [{{name: DB_PASSWORD, value: {SECRET}}}]
    securityContext: {{privileged: true}}
"""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in (
        "LEADLINE_SUBMIT_TOKEN",
        "LEADLINE_SUBMIT_TOKEN_FILE",
        "HTTP_PROXY",
        "http_proxy",
        "COLUMNS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(provider_client, "FIRST_S", 0.01)
    Path("pod.yaml").write_text(POD)


class Answering(ThreadingHTTPServer):
    """Answers as ``answer`` says, and keeps what it was asked."""

    def __init__(self, answer: Callable[[str], tuple[int, bytes, dict[str, str]]]) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def _answered(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked.append((f"{self.command} {self.path}", dict(self.headers.items()), body))
                status, content, headers = answer(self.path)
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answered  # noqa: N815 names of the library

            def log_message(self, format: str, *words: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def answering(answer: Callable[[str], tuple[int, bytes, dict[str, str]]]) -> Iterator[Answering]:
    server = Answering(answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    return (main(list(words)), *capfd.readouterr())


def test_a_report_arrives_and_the_checkpoint_is_kept(capfd, monkeypatch, tmp_path):
    provider = Provider(tmp_path / "provider")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", provider.token)
    with served(provider) as url:
        code, _, err = run(capfd, "scan", "pod.yaml", "--submit", f"{url}/shop", "-f", "lines")
        open_there = provider.place.tables.open_count(provider.source)
        assert code == 0
        assert f"submitting {open_there} findings to {url[7:]} as shop\n" in err
        assert f"submitted: {open_there} new, 0 gone, {open_there} open at {url[7:]}\n" in err
        assert f" for {open_there} findings: " in err
        (kept,) = (tmp_path / "state" / "leadline" / "submit").glob("*.json")
        assert "provider.example/default/shop\n1\n" in json.loads(kept.read_text())["checkpoint"]
        code, _, err = run(capfd, "scan", "pod.yaml", "--submit", f"{url}/shop", "-q", "-f", "lines")
        assert (code, err) == (0, f"submitting {open_there} findings to {url[7:]} as shop\n")
        assert provider.source.entries == 2
    sent = b"".join(entry.head + entry.record for entry in provider.ingest._log(provider.source).entries())
    assert SECRET.encode() not in sent
    assert str(tmp_path).encode() not in sent
    provider.close()


def test_absolute_paths_are_shortened(capfd, tmp_path):
    run(
        capfd,
        "scan",
        str(tmp_path / "pod.yaml"),
        "--submit",
        "https://p.example/shop",
        "--submit-dry-run",
        "dry",
        "-q",
    )
    assert str(tmp_path) not in Path("dry/body.json").read_text()


def test_what_was_not_looked_at_does_not_count_as_gone(capfd, monkeypatch, tmp_path):
    """A file that is broken now, another folder, one namespace of several."""
    provider = Provider(tmp_path / "provider")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", provider.token)
    Path("deploy/shop").mkdir(parents=True)
    Path("deploy/shop/pod.yaml").write_text(POD)
    Path("deploy/other.yaml").write_text(POD.replace("namespace: shop", "namespace: other"))
    with served(provider) as url:
        words = ("--submit", f"{url}/shop", "-q", "-f", "lines")
        assert run(capfd, "scan", "deploy", *words)[0] == 0
        before = provider.open()
        for narrow in (("deploy", "-n", "other"), ("deploy/shop",), ("pod.yaml",)):
            code, _, err = run(capfd, "scan", *narrow, *words)
            assert code == 5
            assert "This report is about something else than those before" in err
        Path("deploy/shop/pod.yaml").write_text("kind: Pod\napiVersion: v1\nmetadata: [\n")
        for target in ("deploy", str(tmp_path / "deploy")):
            assert run(capfd, "scan", target, *words)[0] == 0
            assert provider.open() == before
        code, _, err = run(capfd, "scan", "workload", "shop/Pod/shell", "deploy", *words)
        assert (code, err.count("\n")) == (2, 1)
        Path("deploy/shop/pod.yaml").unlink()
        assert run(capfd, "scan", "deploy", *words)[0] == 0
        assert provider.open() < before
    provider.close()


def test_a_scan_that_judges_nothing_says_that_nothing_was_sent(capfd, monkeypatch):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    Path("empty").mkdir()
    with answering(lambda path: (200, b"{}", {})) as server:
        code, _, err = run(
            capfd, "scan", "empty", "--allow-empty", "-q", "-f", "lines", "--submit", f"{server.url}/shop"
        )
    assert (code, server.asked) == (0, [])
    assert err == f"nothing was judged, so nothing was submitted to {server.url[7:]}\n"


def test_pseudonyms_leave_no_real_name_in_what_is_sent(capfd):
    Path("secret-folder").mkdir()
    names = ("secret-folder", "secret-pod", "secret-space", "secret-box", "secret-broken")
    Path("secret-folder/secret-pod.yaml").write_text(
        POD.replace("shell", "secret-box").replace(
            "name: secret-box, namespace: shop", "name: secret-pod, namespace: secret-space"
        )
    )
    Path("secret-folder/secret-broken.yaml").write_text("kind: Pod\napiVersion: v1\nmetadata: [\n")
    words = (
        "scan",
        "secret-folder",
        "-n",
        "secret-space",
        "--submit",
        "https://p.example/shop",
        "-q",
        "-f",
        "lines",
    )
    bodies = []
    for folder in ("one", "two"):
        assert run(capfd, *words, "--redact", "names.key", "--submit-dry-run", folder)[0] == 0
        bodies.append(json.loads(Path(folder, "body.json").read_text()))
        text = Path(folder, "body.json").read_text()
        assert not [name for name in (*names, SECRET) if name in text]
    # The same name has the same pseudonym, so that what is open stays the same.
    marks = [{one["fingerprint"] for one in body["findings"]} for body in bodies]
    assert marks[0] == marks[1] != set()
    assert bodies[0]["measured"]["scope"] == bodies[1]["measured"]["scope"]
    run(capfd, *words, "--submit-dry-run", "plain")
    plain = json.loads(Path("plain/body.json").read_text())
    assert marks[0].isdisjoint(one["fingerprint"] for one in plain["findings"])


def test_a_dry_run_writes_the_exact_bytes_and_sends_nothing(capfd, monkeypatch):
    def answer(path: str) -> tuple[int, bytes, dict[str, str]]:
        return 500, b"", {}

    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    monkeypatch.setattr("leadline.programs.cli.commands.scan._now", lambda: "2027-01-31T10:00:00Z")
    with answering(answer) as server:
        words = ("scan", "pod.yaml", "--submit", f"{server.url}/shop", "-f", "lines")
        code, _, err = run(capfd, *words, "--submit-dry-run", "dry")
        assert (code, server.asked) == (0, [])
        assert "nothing was sent" in err
        memory = Path("state/leadline/submit")
        key, note = _verifier_and_note()
        memory.mkdir(parents=True)
        (memory / f"{submitting._mark(submitting.destination(f'{server.url}/shop'))}.json").write_text(
            json.dumps({"verifier": key, "checkpoint": note})
        )
        assert run(capfd, *words)[0] == 5
        line, headers, body = server.asked[0]
    assert body == Path("dry/body.zst").read_bytes()
    assert zstandard.decompress(body, max_output_size=1 << 20) == Path("dry/body.json").read_bytes()
    request = Path("dry/request.txt").read_text()
    assert request.startswith(f"POST {server.url}/v1/sources/shop/report\n")
    assert line == "POST /v1/sources/shop/report"
    assert "leadline_token" not in request
    for name in ("Content-Type", "Content-Encoding"):
        assert f"{name}: {headers[name]}\n" in request


def _verifier_and_note() -> tuple[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from leadline.api.provider.note import Verifier

    key = Ed25519PrivateKey.generate()
    return Verifier("provider.example", key.public_key().public_bytes_raw()).line, ""


def test_without_the_flag_nothing_leaves(capfd, monkeypatch, tmp_path):
    """Neither a token, nor an earlier submission, nor a file that comes with the code is consent."""
    provider = Provider(tmp_path / "provider")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", provider.token)
    with served(provider) as url:
        run(capfd, "scan", "pod.yaml", "--submit", f"{url}/shop", "-q")
        Path("leadline.toml").write_text(f'submit = "{url}/shop"\n')
        run(capfd, "scan", "pod.yaml", "-q")
        run(capfd, "scan", ".", "-q", "--trust-config")
        monkeypatch.setenv("LEADLINE_SUBMIT", f"{url}/shop")
        run(capfd, "scan", "pod.yaml", "-q")
        assert provider.source.entries == 1
    provider.close()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--submit", ""], "leave --submit away"),
        (["--submit", "ftp://p.example/shop"], "invalid provider URL"),
        (["--submit", "https://p.example"], "names no source"),
        (["--submit", "https://p.example/a/../b"], "invalid provider URL"),
        (["--submit", "http://p.example/shop"], "in clear text"),
        (["--submit", "https://me:pass@p.example/shop"], "must not contain a user or a password"),
        (["--submit", "https://[::1/shop"], "invalid provider URL"),
        (["--submit", "https://p.example/shop"], "a token of the source is missing"),
        (
            ["--submit", "https://p.example/shop", "--encrypt", "age1x"],
            "--submit and --encrypt exclude each other",
        ),
        (["--submit", "https://p.example/shop", "--watch"], "leave out --watch and --fix"),
        (["--submit-dry-run", "dry"], "belongs to --submit"),
        (["--submit-ca", "ca.pem"], "belongs to --submit"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_scanned(capfd, words: list[str], why: str):
    code, out, err = run(capfd, "scan", "pod.yaml", *words)
    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1
    assert "pass@" not in err


def test_a_proxy_on_the_way_is_named(capfd, monkeypatch):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("https_proxy", raising=False)
    words = ("scan", "pod.yaml", "--submit", "https://provider.example/shop", "-q", "-f", "lines")
    code, _, err = run(capfd, *words)
    assert code == 5
    assert "by way of the proxy that HTTPS_PROXY names; the report is kept in" in err


def test_what_does_not_arrive_is_kept_and_has_its_own_code(capfd, monkeypatch):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    words = ("scan", "pod.yaml", "--submit", "http://127.0.0.1:9/shop", "-f", "lines")
    code, out, err = run(capfd, *words)
    assert code == 5
    assert out.count("\n") > 10
    assert "not delivered: 127.0.0.1:9 cannot be reached" in err
    (kept,) = Path("state/leadline/submit/undelivered").iterdir()
    assert str(kept) in err
    assert {one.name for one in kept.iterdir()} == {"request.txt", "body.zst", "body.json"}
    code, _, err = run(capfd, *words, "--severity-threshold", "critical")
    assert code == 1
    assert "not delivered" in err


@pytest.mark.parametrize("status", [302, 307, 401, 403, 404, 418, 500])
def test_no_answer_but_a_receipt_counts_and_no_redirect_is_followed(capfd, monkeypatch, status: int):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    with answering(lambda path: (200, b"{}", {})) as elsewhere:

        def answer(path: str) -> tuple[int, bytes, dict[str, str]]:
            return status, b"<html>\x1b[31mhostile</html>", {"location": f"{elsewhere.url}/v1"}

        with answering(answer) as server:
            code, _, err = run(
                capfd, "scan", "pod.yaml", "--submit", f"{server.url}/shop", "-q", "-f", "lines"
            )
        assert elsewhere.asked == []
    assert code == 5
    assert f"answers HTTP {status}" in err
    assert ("LEADLINE_SUBMIT_TOKEN" in err) == (status in (401, 403))
    assert "\x1b" not in err
    assert "leadline_token" not in err


def test_a_certificate_that_is_not_trusted_is_said_to_be_and_by_which_flag_it_is(
    capfd, monkeypatch, tmp_path
):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    authority = Authority(tmp_path, "private")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("server", "provider", hosts=("127.0.0.1",)))
    with answering(lambda path: (500, b"", {})) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://127.0.0.1:{server.server_address[1]}/shop"
        code, _, err = run(capfd, "scan", "pod.yaml", "--submit", url, "-q", "-f", "lines")
        assert code == 5
        assert "; name its CA by --submit-ca FILE; " in err
        # It is not tried again: that cannot help.
        assert server.asked == []
        trusted = ("--submit-ca", str(authority.file))
        _, _, err = run(capfd, "scan", "pod.yaml", "--submit", url, "-q", "-f", "lines", *trusted)
        assert "answers HTTP 500" in err
        assert {headers["User-Agent"] for _, headers, _ in server.asked} == {"leadline"}


def test_a_port_of_tls_is_said_to_be_one(capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    authority = Authority(tmp_path, "private")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("server", "provider", hosts=("127.0.0.1",)))
    with answering(lambda path: (500, b"", {})) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"http://127.0.0.1:{server.server_address[1]}/shop"
        code, _, err = run(capfd, "scan", "pod.yaml", "--submit", url, "-q", "-f", "lines")
    assert code == 5
    assert "; if this port speaks TLS, use https://; " in err


def test_a_port_of_plain_http_is_said_to_be_one(capfd, monkeypatch):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    with answering(lambda path: (500, b"", {})) as server:
        url = f"{server.url.replace('http:', 'https:')}/shop"
        code, _, err = run(capfd, "scan", "pod.yaml", "--submit", url, "-q", "-f", "lines")
    assert code == 5
    assert "cannot be reached: this port does not speak TLS; check the port; the report is kept in" in err


def test_an_image_is_sent_with_its_packages(capfd, monkeypatch, tmp_path):
    provider = Provider(tmp_path / "provider")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", provider.token)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = {"lib/apk/db/installed": b"P:musl\nV:1.2.5-r0\nA:x86_64\n\n", "etc/os-release": b"ID=alpine\n"}
    docker_archive(tmp_path / "image.tar", [layer(files)])
    with served(provider) as url:
        code, _, err = run(capfd, "scan", "image", "image.tar", "--submit", f"{url}/shop", "--offline")
    assert code == 0
    assert f"submitting 1 packages of image.tar to {url[7:]} as shop\n" in err
    rows = provider.place.tables.read("default", "SELECT name, version FROM package WHERE tenant = ?")
    assert [tuple(row) for row in rows] == [("alpine/musl", "1.2.5-r0")]
    code, _, err = run(capfd, "scan", "image", ".", "--submit", f"{url}/shop", "--offline", "-q")
    assert code == 2
    assert "has no digest that a provider could know it by" in err
    provider.close()


def test_a_provider_with_another_past_is_named(capfd, monkeypatch, tmp_path):
    """Everything was thrown away and made anew under the same name: no earlier checkpoint fits."""
    words = ("scan", "pod.yaml", "-q", "-f", "lines", "--submit")
    first = Provider(tmp_path / "first")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", first.token)
    with served(first) as url:
        assert run(capfd, *words, f"{url}/shop")[0] == 0
        (memory,) = Path("state/leadline/submit").glob("*.json")
    other = Provider(tmp_path / "other")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", other.token)
    with served(other) as url:
        place = submitting.destination(f"{url}/shop")
        memory.rename(memory.with_name(f"{submitting._mark(place)}.json"))
        code, _, err = run(capfd, *words, f"{url}/shop")
        assert code == 5
        assert "has lost reports that it acknowledged" in err
        other.take(report([1]))
        other.take(report([2]))
        code, _, err = run(capfd, *words, f"{url}/shop")
        assert code == 5
        assert "signed by another key of provider.example" in err
    first.close()
    other.close()


def test_no_proxy_sees_a_token_in_clear_text(capfd, monkeypatch):
    """Plain HTTP is allowed to this machine alone, and a proxy of the environment is another one."""
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    with answering(lambda path: (500, b"{}", {})) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        code, _, _ = run(
            capfd, "scan", "pod.yaml", "--submit", "http://127.0.0.1:9/shop", "-q", "-f", "lines"
        )
        assert (code, proxy.asked) == (5, [])


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_large_and_compressed_answers_are_refused(capfd, monkeypatch, encoding: str):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    body = gzip.compress(bytes(64 << 20), 1) if encoding == "gzip" else bytes(5 << 20)
    with answering(lambda path: (200, body, {"content-encoding": encoding})) as server:
        code, _, err = run(capfd, "scan", "pod.yaml", "--submit", f"{server.url}/shop", "-q", "-f", "lines")
    assert code == 5
    assert ("not as a provider does" if encoding == "gzip" else "its answer is too large") in err


def test_an_answer_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(provider_client, "LONGEST_ANSWER_S", 0.0)

    def endless() -> Iterator[bytes]:
        while True:
            yield b" "

    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=endless()))
    patient = provider_client.Patient(httpx2.Client(transport=transport))
    with pytest.raises(OSError, match="takes longer"):
        patient(Call("GET", "https://p.example/v1", {}))


def test_a_ca_that_cannot_be_read_is_said_before_anything_is_scanned(capfd, monkeypatch):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    words = ("scan", "pod.yaml", "--submit", "https://127.0.0.1:9/shop", "--submit-ca")
    assert run(capfd, *words, "none.pem") == (
        3,
        "",
        "leadline: cannot read none.pem: no such file or directory\n",
    )
    code, out, err = run(capfd, *words, "pod.yaml")
    assert (code, out) == (2, "")
    assert err.startswith("leadline: pod.yaml does not hold a certificate in PEM")


@pytest.mark.parametrize("more", [(), ("--submit-account", "0f6a3f5e-4d0b-4f52-8d8e-5f1f0e6f3a11")])
def test_a_report_that_can_be_kept_nowhere_says_so_beside_the_advice(capfd, monkeypatch, more):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "leadline_token")
    address = "http://127.0.0.1:9" if more else "http://127.0.0.1:9/shop"
    words = ("scan", "pod.yaml", "--submit", address, *more, "-f", "lines")
    _, _, kept = run(capfd, *words)
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME")
    code, _, err = run(capfd, *words)
    assert code == 5
    assert err.splitlines()[-1].endswith("the report is not kept, since HOME is not set")
    # Nothing else is lost of what is said.
    assert (
        kept.splitlines()[-1].partition("the report is")[0]
        == err.splitlines()[-1].partition("the report is")[0]
    )


def test_what_a_provider_does_not_prove_is_kept_as_well(capfd, monkeypatch, tmp_path):
    provider = Provider(tmp_path / "provider")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", provider.token)
    take = provider.ingest.take

    def of_another(token: Any, source: Any, message: Any) -> Any:
        receipt = take(token, source, message)
        return msgspec.structs.replace(receipt, inclusion=("00" * 32,))

    monkeypatch.setattr(provider.ingest, "take", of_another)
    with served(provider) as url:
        code, _, err = run(capfd, "scan", "pod.yaml", "--submit", f"{url}/shop", "-q", "-f", "lines")
    assert code == 5
    assert "does not prove that the provider has logged the message" in err
    (kept,) = Path("state/leadline/submit/undelivered").iterdir()
    assert str(kept) in err
    assert {one.stat().st_mode & 0o077 for one in (kept, *kept.iterdir())} == {0}
    provider.close()


def test_a_folder_that_cannot_be_written_hides_no_answer(capfd, monkeypatch, tmp_path):
    provider = Provider(tmp_path / "provider")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", provider.token)
    Path("state").write_text("a file in its place")
    with served(provider) as url:
        code, _, err = run(capfd, "scan", "pod.yaml", "--submit", f"{url}/shop", "-q", "-f", "lines")
    assert "cannot be" in err
    assert (code, provider.source.entries) in ((0, 1), (5, 0))
    code, _, err = run(capfd, "scan", "pod.yaml", "--submit", "http://127.0.0.1:9/shop", "-q", "-f", "lines")
    assert code == 5
    assert err.count("\n") == 2
    provider.close()
