"""The door for Kubescape's CLI, held against what its version 4.0.10 was recorded to send, and against our own CLI."""

import json
import sqlite3
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.programs.provider.provider_parts import Provider, found, measured, report, served
from tests.programs.provider.test_provider_app import Client

from leadline.api.provider.wire import Severity, WholeReport
from leadline.errors import UsageError
from leadline.programs.cli.main import main
from leadline.programs.provider import compat as door_module
from leadline.programs.provider.adding import add_source
from leadline.programs.provider.compat import LARGEST_CHUNK, CompatDoor
from leadline.programs.provider.doors import Doors
from leadline.programs.provider.log import verify_log
from leadline.programs.provider.main import main as provider_main
from leadline.programs.provider.questions import Questions
from leadline.scans.submitting import compat
from leadline.scans.submitting.compat import account_of, compat_calls, compat_chunks, send_calls
from leadline.scans.submitting.sending import Answer, NotDeliveredError, destination

RECORDED = Path(__file__).parent / "kubescape_requests"
ADDRESS = "https://provider.example"
ROOT = Path(__file__).parents[3]


class Door(Client):
    def __init__(self, provider: Provider, policies: Path | None = None) -> None:
        super().__init__(provider)
        self.parts = self.app._parts
        self.app = CompatDoor(self.app, self.parts, Doors(self.parts.tables), policies, ADDRESS)
        self.account = account_of("provider.example", "shop")

    def ask(self, method: str, path: str, body: bytes = b"", key: str = "", **query: str):
        given = {"x_api_key": key} if key else {}
        return self(method, f"{path}?{urlencode(query)}" if query else path, "", body, **given)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    rule = {"name": "r", "rule": "package armo_builtins"}
    controls = [{"controlID": one, "name": one, "rules": [rule]} for one in ("C-0057", "C-0016")]
    (folder / "nsa.json").write_text(json.dumps({"name": "NSA", "controls": controls}))
    return folder


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDED / f"{name}.jsonl").read_text().splitlines()]


def bodies_for(requests: list[dict[str, Any]], whole: WholeReport, account: str) -> list[bytes]:
    """As many chunks as were sent, with the keys that each of them had."""
    posts = [one for one in requests if one["method"] == "POST"]
    size = len(next(compat_chunks(whole, account, "r", "", 1 << 30)))
    limit = 1 << 30 if len(posts) == 1 else size // len(posts)
    chunks = [json.loads(one) for one in compat_chunks(whole, account, "r", "", limit)]
    chunks = [*chunks[: len(posts) - 1], _joined(chunks[len(posts) - 1 :])] if len(posts) > 1 else chunks
    for number, (chunk, post) in enumerate(zip(chunks, posts, strict=True)):
        chunk["paginationInfo"] = {"chunkNumber": number, "isLastChunk": number == len(posts) - 1}
        assert chunk["paginationInfo"] == post["pagination"]
        assert set(chunk) - {"resources", "results"} <= set(post["keys"])
        for one in chunk.get("results") or ():
            one["rawResource"] = {"object": {"spec": {"args": ["--password=hunter2"]}}}
    return [json.dumps(one).encode() for one in chunks]


def _joined(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    rows = {name: [row for one in chunks for row in one.get(name) or ()] for name in ("resources", "results")}
    return {**chunks[-1], **rows}


@pytest.mark.parametrize("name", ["large-1", "large-2", "local-policies", "provider-policies-no-submit-flag"])
def test_what_its_cli_asks_is_answered_and_its_report_is_kept(provider: Provider, policies: Path, name: str):
    door = Door(provider, policies)
    requests = recorded(name)
    whole = report(list(range(60)))
    bodies = iter(bodies_for(requests, whole, door.account))
    for one in requests:
        query = one["query"] | ({"customerGUID": door.account} if "customerGUID" in one["query"] else {})
        # The large ones were sent without a key, which no source has here.
        key = provider.token if "customerGUID" in one["query"] else ""
        body = next(bodies) if one["method"] == "POST" else b""
        status, answer, _ = door.ask(one["method"], one["path"], body, key, **query)
        assert status == one["status"], answer
        if one["path"].endswith("servicediscovery"):
            assert answer["response"]["event-receiver-http"] == ADDRESS
        if one["path"].endswith("frameworks"):
            assert {each["controlID"] for each in answer["controls"]} <= {"C-0057", "C-0016"}
    rows = provider.place.tables.open_findings(provider.source)
    assert len(rows) == 60
    # Nothing of an object is kept but its name.
    kept = b"".join(path.read_bytes() for path in provider.folder.rglob("*") if path.is_file())
    assert b"hunter2" not in kept
    assert not verify_log(provider.log, provider.place.keys.verifier).faults


def test_chunks_come_in_any_order_and_one_that_comes_again_replaces(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    door = Door(provider)
    chunks = list(compat_chunks(report(list(range(40))), door.account, "r", "", 2_000))
    assert len(chunks) > 3
    query = {"customerGUID": door.account, "reportGUID": str(uuid.uuid4())}
    for chunk in (*reversed(chunks[1:]), chunks[-1]):
        assert door.ask("POST", "/k8s/v2/postureReport", chunk, provider.token, **query)[0] == 200
    assert provider.source.entries == 0
    door.ask("POST", "/k8s/v2/postureReport", chunks[0], provider.token, **query)
    assert len(provider.place.tables.open_findings(provider.source)) == 40
    # The same report again, when its answer was lost, is one entry and no alert.
    later = SimpleNamespace(
        monotonic=time.monotonic, strftime=time.strftime, gmtime=lambda: time.gmtime(2_000_000_000)
    )
    monkeypatch.setattr(door_module, "time", later)
    for chunk in chunks:
        assert door.ask("POST", "/k8s/v2/postureReport", chunk, provider.token, **query)[0] == 200
    assert provider.source.entries == 1
    assert not provider.alerts()


def test_a_database_that_fails_is_asked_again_later(provider: Provider):
    door = Door(provider)
    with sqlite3.connect(provider.folder / "provider.db") as others:
        others.execute("ALTER TABLE token RENAME TO gone_token")
    words = door.ask("GET", "/api/v1/x", b"", provider.token, customerGUID=door.account)
    assert (words[0], words[1]["message"]) == (503, "the provider cannot read or write its data now")
    assert door("GET", "/v1/sources", provider.token)[0] == 503


def test_a_report_with_a_chunk_missing_is_not_whole(provider: Provider):
    """Else what the missing one holds would count as gone."""
    door = Door(provider)
    bodies = list(compat_chunks(report(list(range(40))), door.account, "r", "", 2_000))
    query = {"customerGUID": door.account, "reportGUID": str(uuid.uuid4())}
    stray = json.loads(bodies[1]) | {"paginationInfo": {"chunkNumber": len(bodies) + 3}}
    for body in (bodies[0], json.dumps(stray).encode(), *bodies[2:]):
        assert door.ask("POST", "/k8s/v2/postureReport", body, provider.token, **query)[0] == 200
    assert provider.source.entries == 0


def test_a_report_with_too_many_findings_is_not_cut(provider: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compat, "MOST_FINDINGS", 30)
    door = Door(provider)
    query = {"customerGUID": door.account, "reportGUID": str(uuid.uuid4())}
    (chunk,) = compat_chunks(report(list(range(40))), door.account, "r", "")
    status, said, _ = door.ask("POST", "/k8s/v2/postureReport", chunk, provider.token, **query)
    assert status == 413
    assert "at most 30 are taken" in said["message"]
    assert provider.source.entries == 0


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-11-28T13:50:58.635484315Z", "2026-11-28T13:50:58Z"),
        ("2026-11-28T13:50:58Z", "2026-11-28T13:50:58Z"),
        ("2026-13-28T13:50:58Z", ""),
        ("0001-01-01T00:00:00Z", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_when_a_report_was_made_is_read_or_not_said(written: str, at: str):
    assert compat.made_at(written) == at


@pytest.mark.parametrize("severities", [("critical", "high"), ("high", "critical")])
def test_a_control_counts_as_its_gravest_finding(severities: tuple[Severity, ...]):
    """The report has one score for each control, and rights of one control are graver for the cluster than for a namespace."""
    findings = tuple(found(number, severity=one) for number, one in enumerate(severities))
    whole = WholeReport(measured(), ("C-0057",), findings)
    (chunk,) = compat_chunks(whole, account_of("provider.example", "shop"), "r", "")
    assert json.loads(chunk)["summaryDetails"]["controls"]["C-0057"]["scoreFactor"] == 9.0


def test_a_finding_is_what_our_own_report_has(provider: Provider):
    whole = WholeReport(
        measured(),
        ("C-0057", "C-0016", "C-0001"),
        (
            found(1, group="apps", kind="Deployment", file="deploy/web.yaml", path="spec.replicas"),
            found(2, severity="critical", control="C-0016", accepted="known"),
        ),
    )
    door = Door(provider)
    query = {"customerGUID": door.account, "reportGUID": str(uuid.uuid4())}
    (chunk,) = compat_chunks(whole, door.account, query["reportGUID"], "")
    assert door.ask("POST", "/k8s/v2/postureReport", chunk, provider.token, **query)[0] == 200
    known = provider.place.tables.open_findings(provider.source).values()
    assert sorted((one.control, one.severity, one.group, one.kind, one.file) for one in known) == [
        ("C-0016", "critical", "", "Pod", ""),
        ("C-0057", "high", "apps", "Deployment", "deploy/web.yaml"),
    ]
    assert [bool(one.accepted) for one in known] == [one.control == "C-0016" for one in known]
    assert provider.source.judged == 3 - 1  # what passes everything is not sent


@pytest.mark.parametrize(
    ("key", "account", "status"),
    [
        ("", "", 401),
        ("reader", "", 401),
        ("wrong", "", 401),
        ("own", "other", 403),
        ("own", "none", 403),
    ],
)
def test_the_door_is_for_a_source_with_its_token(provider: Provider, key: str, account: str, status: int):
    door = Door(provider)
    keys = {"": "", "reader": provider.reader, "wrong": "k-123", "own": provider.token}
    accounts = {"": door.account, "other": account_of("provider.example", "other"), "none": ""}
    query = {"customerGUID": accounts[account], "reportGUID": str(uuid.uuid4())}
    (chunk,) = compat_chunks(report([1]), door.account, "r", "")
    for method, path in (("POST", "/k8s/v2/postureReport"), ("GET", "/api/v1/controlExceptions")):
        assert door.ask(method, path, chunk, keys[key], **query)[0] == status
    assert provider.source.entries == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 400),
        (b"[" * 10_000, 400),
        (b'{"paginationInfo":{"chunkNumber":-1}}', 400),
        (b'{"paginationInfo":{"chunkNumber":100000}}', 400),
        (b" " * (LARGEST_CHUNK + 1), 413),
    ],
)
def test_a_bad_chunk_is_refused_and_changes_nothing(provider: Provider, body: bytes, status: int):
    door = Door(provider)
    query = {"customerGUID": door.account, "reportGUID": str(uuid.uuid4())}
    assert door.ask("POST", "/k8s/v2/postureReport", body, provider.token, **query)[0] == status
    assert provider.source.entries == 0


def test_who_floods_with_halves_of_reports_fills_no_memory(provider: Provider):
    door = Door(provider)
    chunks = list(compat_chunks(report(list(range(40))), door.account, "r", "", 2_000))
    for _ in range(20):
        query = {"customerGUID": door.account, "reportGUID": str(uuid.uuid4())}
        assert door.ask("POST", "/k8s/v2/postureReport", chunks[0], provider.token, **query)[0] == 200
    assert 0 < len(door.app._pending) <= 4


def test_without_policies_a_framework_is_not_found_and_nothing_else_is_shut(
    provider: Provider, tmp_path: Path
):
    door = Door(provider)
    query = {"customerGUID": door.account, "frameworkName": "NSA"}
    requests = recorded("no-frameworks")
    assert requests[-1]["status"] == 404
    assert door.ask("GET", "/api/v1/frameworks", b"", provider.token, **query)[0] == 404
    # Our own routes are where they were.
    assert door("GET", "/v1/sources", provider.reader)[0] == 200
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no control with rules"):
        Door(provider, tmp_path / "empty")


# Our own CLI to such a provider.


def test_our_cli_submits_to_it(provider: Provider, tmp_path: Path, monkeypatch, capfd):
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", provider.token)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    door = Door(provider)
    shop = str(ROOT / "examples" / "shop")
    dry = tmp_path / "dry"
    with served(provider, door.app) as url:
        door.app._address = url
        words = ["scan", shop, "-f", "lines", "--submit", url, "--submit-account", door.account]
        assert main([*words, "--submit-dry-run", str(dry)]) == 0
        assert "nothing was sent" in capfd.readouterr().err
        assert provider.source.entries == 0
        assert provider.token not in "".join(path.read_text() for path in dry.iterdir())
        assert main(words) == 0
        told = capfd.readouterr().err
        assert "findings to 127.0.0.1" in told
        assert "findings of shop are open" in told
        monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", "k-123")
        assert main(words) == 5
        told = capfd.readouterr().err
        # One sentence of what it says, and what to do.
        assert ": X-API-KEY holds no token of a source; set LEADLINE_SUBMIT_TOKEN to the token" in told
        assert "{" not in told
    kept = next((tmp_path / "state").rglob("body-0.json"))
    assert str(kept.parent) in told
    sent = [json.loads(path.read_bytes()) for path in dry.glob("body-*.json")]
    failed = sum(
        control["status"]["status"] == "failed"
        for one in sent
        for result in one["results"]
        for control in result["controls"]
    )
    # No such report says what could not be read: 0 is not what it was.
    (row,) = [
        one
        for one in Questions(provider.place.tables, provider.clock).sources("default").items
        if one.name == "shop"
    ]
    assert (row.unread, row.is_unread_known) == (0, False)
    known = provider.place.tables.open_findings(provider.source).values()
    assert sum(not one.accepted for one in known) == failed


def test_a_key_goes_nowhere_else_than_it_was_told_to():
    place = destination(f"https://p.example/{uuid.uuid4()}")
    asked = []

    def exchange(call):
        asked.append(call)
        return Answer(200, b'{"version":"v2","response":{"event-receiver-http":"https://elsewhere.example"}}')

    calls = compat_calls(place, report([1]), "r", "leadline_secret")
    with pytest.raises(NotDeliveredError, match="elsewhere"):
        send_calls(place, calls, exchange)
    assert [one.method for one in asked] == ["GET"]
    assert all("leadline_secret" not in str(one.headers) for one in asked)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--submit", "https://p.example", "--submit-account", "team-a"], "is not a UUID"),
        (["--submit-account", str(uuid.uuid4())], "belongs to --submit"),
        (["--submit", "http://p.example", "--submit-account", str(uuid.uuid4())], "in clear text"),
    ],
)
def test_wrong_words_end_with_one_line(words: list[str], why: str, capfd):
    assert main(["scan", str(ROOT / "examples" / "shop"), *words]) == 2
    assert why in capfd.readouterr().err.splitlines()[-1]


def test_the_account_of_a_source_is_printed(provider: Provider, capfd):
    assert provider_main(["account", "shop", "--data", str(provider.folder)]) == 0
    assert capfd.readouterr().out.strip() == account_of("provider.example", "shop")
    assert provider_main(["account", "none", "--data", str(provider.folder)]) == 2
    provider.place.tables.add_tenant("rival", "2027-01-01T00:00:00Z")
    add_source(provider.place.tables, "shop", "cluster", 0, "rival")
    capfd.readouterr()
    assert provider_main(["account", "shop", "--tenant", "rival", "--data", str(provider.folder)]) == 0
    assert capfd.readouterr().out.strip() == account_of("provider.example", "shop", "rival")
    assert account_of("provider.example", "shop", "rival") != account_of("provider.example", "shop")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (307, b"", "provider.example answers HTTP 307"),
        (404, b'{"title": "Unknown source"}', "provider.example: Unknown source"),
        (418, b'{"message": "no"}', "provider.example: no"),
    ],
)
def test_what_a_provider_of_that_cli_says_is_shown(status: int, body: bytes, said: str):
    place = destination("https://provider.example/shop")
    with pytest.raises(NotDeliveredError) as raised:
        send_calls(place, (), lambda _: Answer(status, body))
    assert str(raised.value) == said
