"""What other products get, held against the fields that they document; none of them was tried."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace
from tests.programs.provider.provider_parts import Provider, found, report
from tests.programs.provider.test_provider_app import Client

from leadline.api.provider.wire import ImageRow, Images, PackageRow, Packages, encoded
from leadline.errors import SourceError, UsageError
from leadline.programs.provider.main import main
from leadline.programs.provider.pushing import State, StateFile, push_events, push_images, push_sources
from leadline.scans.pushing.defectdojo import reimport_call
from leadline.scans.pushing.dependency_track import bom_call
from leadline.scans.pushing.ocsf import Event, signing_key, webhook_call
from leadline.scans.submitting.sending import Call

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def asking(client: Client):
    def ask(path: str, query: Mapping[str, str]) -> bytes:
        status, answer, _ = client(
            "GET", f"{path}?{urlencode(query)}" if query else path, client.provider.reader
        )
        assert status == 200, answer
        return json.dumps(answer).encode()

    return ask


class Webhooks:
    """A receiver that verifies as Standard Webhooks say, and checks what CloudEvents and OCSF require."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.is_away = False

    def take(self, call: Call) -> None:
        if self.is_away:
            raise SourceError("away")
        id, at = call.headers["webhook-id"], call.headers["webhook-timestamp"]
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        mark = base64.b64encode(hmac.new(key, f"{id}.{at}.".encode() + call.body, hashlib.sha256).digest())
        assert call.headers["webhook-signature"] == f"v1,{mark.decode()}"
        assert call.headers["Content-Type"] == "application/cloudevents+json"
        event = json.loads(call.body)
        assert event["specversion"] == "1.0"
        assert all(event[name] for name in ("id", "source", "type", "time"))
        finding = event["data"]
        required = ("activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata")
        assert all(name in finding for name in (*required, "finding_info", "compliance"))
        assert finding["type_uid"] == finding["class_uid"] * 100 + finding["activity_id"]
        assert finding["metadata"]["product"]["vendor_name"]
        assert finding["metadata"]["version"]
        assert finding["finding_info"]["uid"]
        assert finding["finding_info"]["title"]
        assert finding["compliance"]["control"]
        assert 1_000_000_000_000 < finding["time"] < 10_000_000_000_000
        self.got.append(event)

    def send(self, event: Event) -> None:
        self.take(
            webhook_call("https://siem.example/in", signing_key(SECRET), event, "p.example", 1_800_000_000)
        )


def pushed(states: Iterator[State], before: State) -> State:
    return [before, *states][-1]


def test_each_finding_that_comes_or_goes_is_one_event(provider: Provider):
    client, hooks = Client(provider), Webhooks()
    client.post(report([1, 2]))
    state = pushed(push_events(asking(client), hooks.send, State()), State())
    assert [one["type"] for one in hooks.got] == ["dev.leadline.finding.opened"] * 2
    state = pushed(push_events(asking(client), hooks.send, state), state)
    assert len(hooks.got) == 2
    provider.clock.pass_by(minutes=30)
    client.post(report([2, 3]))
    state = pushed(push_events(asking(client), hooks.send, state), state)
    assert [(one["type"].rpartition(".")[2], one["subject"]) for one in hooks.got[2:]] == [
        ("opened", f"shop:{3:032x}:1"),
        ("gone", f"shop:{1:032x}:1"),
    ]
    assert [one["data"]["activity_id"] for one in hooks.got[2:]] == [1, 3]
    assert len({one["id"] for one in hooks.got}) == 4


def test_what_came_and_went_between_two_questions_is_two_events(provider: Provider):
    client, hooks = Client(provider), Webhooks()
    client.post(report([1]))
    state = pushed(push_events(asking(client), hooks.send, State()), State())
    provider.clock.pass_by(hours=1)
    client.post(report([1, 2]))
    provider.clock.pass_by(minutes=1)
    client.post(report([1]))
    pushed(push_events(asking(client), hooks.send, state), state)
    assert [one["type"].rpartition(".")[2] for one in hooks.got] == ["opened", "opened", "gone"]


def test_a_receiver_that_is_away_gets_the_rest_later_in_order(provider: Provider):
    client, hooks = Client(provider), Webhooks()
    client.post(report([1]))
    provider.clock.pass_by(seconds=5)
    client.post(report([1, 2]))
    states = push_events(asking(client), hooks.send, State())
    state = next(states)
    hooks.is_away = True
    with pytest.raises(SourceError):
        next(states)
    assert len(hooks.got) == 1
    hooks.is_away = False
    pushed(push_events(asking(client), hooks.send, state), state)
    assert [one["subject"] for one in hooks.got] == [f"shop:{one:032x}:1" for one in (1, 2)]


def test_defectdojo_gets_all_of_a_source(provider: Provider):
    client = Client(provider)
    client.post(report([1, 2], ("app.yaml",)))
    calls: list[Call] = []

    def send(source: str, rows: Any) -> None:
        calls.append(reimport_call("https://dojo.example", "t-1", source, rows))

    state = pushed(push_sources(asking(client), send, State()), State())
    pushed(push_sources(asking(client), send, state), state)
    (call,) = calls
    assert (call.method, call.url) == ("POST", "https://dojo.example/api/v2/reimport-scan/")
    assert call.headers["Authorization"] == "Token t-1"
    head = f"Content-Type: {call.headers['Content-Type']}\r\n\r\n".encode()
    parts = {
        one.get_param("name", header="content-disposition"): one.get_payload(decode=True)
        for one in message_from_bytes(head + call.body).get_payload()
    }
    assert parts["scan_type"] == b"Generic Findings Import"
    assert (parts["product_name"], parts["engagement_name"]) == (b"shop", b"Leadline")
    assert parts["auto_create_context"] == parts["close_old_findings"] == b"true"
    findings = json.loads(parts["file"])["findings"]
    assert len(findings) == 2
    for one in findings:
        assert {"title", "severity", "description"} <= one.keys()
        assert one["severity"] in ("Critical", "High", "Medium", "Low", "Info")
        assert len(one["title"]) <= 511
    assert len({one["unique_id_from_tool"] for one in findings}) == 2


HOSTILE = '"\r\n--x\r\nContent-Disposition: form-data; name="product_name"\r\n\r\nevil</script>\u202e\x1b[31m\U0001f480'


def test_names_of_an_attacker_are_text_and_nothing_else(provider: Provider):
    client, hooks = Client(provider), Webhooks()
    one = found(1, name=HOSTILE, namespace=HOSTILE, kind=HOSTILE, file=HOSTILE, path=HOSTILE, control=HOSTILE)
    assert client.post(replace(report([]), findings=(one,)))[0] == 200
    pushed(push_events(asking(client), hooks.send, State()), State())
    (event,) = hooks.got
    assert event["subject"] == f"shop:{1:032x}:1"
    calls: list[Call] = []

    def send(source: str, rows: Any) -> None:
        calls.append(reimport_call("https://dojo.example", "t-1", source, rows))

    pushed(push_sources(asking(client), send, State()), State())
    (call,) = calls
    head = f"Content-Type: {call.headers['Content-Type']}\r\n\r\n".encode()
    parts = [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in message_from_bytes(head + call.body).get_payload()
    ]
    assert [value for name, value in parts if name == "product_name"] == [b"shop"]
    (sent,) = json.loads(dict(parts)["file"])["findings"]
    assert len(sent["title"]) <= 511
    rows = tuple(replace(one, name=HOSTILE, version=HOSTILE) for one in PACKAGES)
    bom = json.loads(
        base64.b64decode(json.loads(bom_call("https://d.example", "k", IMAGE, rows).body)["bom"])
    )
    assert all(re.fullmatch(r"pkg:[!-~]+", part["purl"]) for part in bom["components"] if "purl" in part)


IMAGE = ImageRow(
    "shop", f"sha256:{1:064x}", "registry.example/app:1", "2027-01-31T10:00:00Z", 2, 0, 1, 0, "", 0, False
)
PACKAGES = tuple(
    PackageRow("shop", IMAGE.digest, IMAGE.name, type, name, "1.2", IMAGE.received, False)
    for type, name in (("maven", "org.apache/log4j-core"), ("apk", "alpine/busybox"))
)


def test_dependency_track_gets_the_packages_of_an_image():
    def ask(path: str, query: Mapping[str, str]) -> bytes:
        if path == "/v1/images":
            return encoded(Images((IMAGE,)))
        assert (query["digest"], query["source"]) == (IMAGE.digest, "shop")
        return encoded(Packages(PACKAGES))

    calls: list[Call] = []

    def send(image: Any, packages: Any) -> None:
        calls.append(bom_call("https://dtrack.example", "k-1", image, packages))

    state = pushed(push_images(ask, send, State()), State())
    pushed(push_images(ask, send, state), state)
    (call,) = calls
    assert (call.method, call.url) == ("PUT", "https://dtrack.example/api/v1/bom")
    assert call.headers["X-Api-Key"] == "k-1"
    body = json.loads(call.body)
    assert (body["autoCreate"], body["projectVersion"]) == (True, IMAGE.digest)
    document = json.loads(base64.b64decode(body["bom"]))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert [one["purl"] for one in document["components"]] == [
        "pkg:maven/org.apache/log4j-core@1.2",
        "pkg:apk/alpine/busybox@1.2",
    ]


@pytest.mark.parametrize("secret", ["", "k-1", "whsec_", "whsec_AAAA", "whsec_" + "A" * 400, "whsec_ä"])
def test_a_secret_that_signs_nothing_is_refused(secret: str):
    with pytest.raises(UsageError, match="whsec_"):
        signing_key(secret)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["webhook", "http://siem.example/in"], "in clear text"),
        (["webhook", "https://me:secret@siem.example"], "must not contain a user or a password"),
        (["webhook", "https://siem.example"], "LEADLINE_PUSH_SECRET"),
    ],
)
def test_wrong_words_end_with_one_line(words: list[str], why: str, capfd, tmp_path: Path):
    given = [*words, "--provider", "https://p.example", "--state", str(tmp_path / "s"), "--once"]
    assert main(["push", *given]) == 2
    told = capfd.readouterr().err
    assert why in told
    assert "secret@" not in told


def test_the_state_is_not_written_for_each_event_and_holds_the_last_one_whatever_ends_it(tmp_path: Path):
    path, now, written = tmp_path / "state.json", 0.0, []

    def states(count: int, ends: bool) -> Iterator[State]:
        nonlocal now
        for number in range(count):
            now += 0.01
            yield State("2027-01-31T10:00:00Z", {f"event-{one}": "" for one in range(number + 1)})
            if path.exists() and (content := path.read_bytes()) not in written:
                written.append(content)
        if ends:
            raise SourceError("away")

    kept = StateFile(path, lambda: now)
    with pytest.raises(SourceError):
        kept.follow(states(250, ends=True))
    assert len(written) == 3
    assert len(json.loads(path.read_bytes())["done"]) == 250
    # Again, with nothing that is new.
    before = path.stat().st_mtime_ns
    StateFile(path).follow(iter(()))
    assert path.stat().st_mtime_ns == before
    assert len(StateFile(path).state.done) == 250
