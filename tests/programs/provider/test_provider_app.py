"""The API as a client meets it: roles, bounds, problems, cursors, tags, and the committed document."""

import asyncio
import json
import random
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from tests.programs.provider.provider_client_parts import Client
from tests.programs.provider.provider_parts import Chain, Provider, found, image, report

from leadline.api.provider.wire import FoundFinding, ImageVulnerability, encoded
from leadline.programs.provider.app import LARGEST_PLAIN
from leadline.programs.provider.openapi import openapi
from leadline.programs.provider.routes import ROUTES, Route

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both answer the same."""
    return request.param


@pytest.fixture
def client(provider: Provider) -> Client:
    return Client(provider)


def test_a_writer_writes_and_reads_nothing(client: Client, provider: Provider):
    status, receipt, _ = client.post(report([1, 2]))
    assert (status, receipt["open"]) == (200, 2)
    for path in ("sources", "findings", "history", "alerts", "entities/Pod/shop/pod-1"):
        assert client("GET", f"/v1/{path}", provider.token)[0] == 403
    assert client("GET", "/v1/sources/shop/checkpoint", provider.token)[0] == 200
    for other in ("other", "unknown"):
        assert client("GET", f"/v1/sources/{other}/checkpoint", provider.token)[0] == 403
        assert client.post(report([1]), path=f"/v1/sources/{other}/report")[0] == 403


def test_a_reader_reads_and_writes_nothing(client: Client, provider: Provider):
    client.post(report([1, 2]))
    assert client.post(report([3]), provider.reader)[0] == 403
    status, answer, _ = client("GET", "/v1/sources", provider.reader)
    assert status == 200
    assert [(one["name"], one["open"]) for one in answer["items"]] == [("other", 0), ("shop", 2)]
    assert client("GET", "/v1/entities/Pod/shop/pod-1", provider.reader)[1]["high"] == 1
    assert client("GET", "/v1/entities/Pod/shop/unknown", provider.reader)[0] == 404


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if "source" in one.query.__struct_fields__], ids=lambda one: one.path
)
def test_an_unknown_source_is_not_answered_like_one_without_findings(
    client: Client, provider: Provider, route: Route
):
    query = {"/v1/packages": "&name=log4j-core", "/v1/history/namespaces": "&namespaces=shop"}.get(
        route.path, ""
    )
    assert client("GET", f"{route.path}?source=shop{query}", provider.reader)[0] == 200
    status, problem, _ = client("GET", f"{route.path}?source=shpo{query}", provider.reader)
    assert (status, problem["title"]) == (404, "Unknown source")


@pytest.mark.parametrize("token", ["", "leadline_unknown", "x" * 5_000])
def test_without_a_known_token_nothing_is_answered(client: Client, token: str):
    for route in ROUTES:
        path = route.path.replace("{source}", "shop").replace("{kind}/{namespace}/{name}", "Pod/shop/x")
        status, problem, heads = client(route.method, path, token)
        assert (status, heads["www-authenticate"]) == (401, "Bearer")
        assert problem["status"] == 401


def test_no_route_deletes_or_replaces(client: Client, provider: Provider):
    for route in ROUTES:
        path = route.path.replace("{source}", "shop").replace("{kind}/{namespace}/{name}", "Pod/shop/x")
        for method in ("DELETE", "PUT", "PATCH"):
            status, _, heads = client(method, path, provider.token)
            assert (status, heads["allow"]) == (405, route.method)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"unknown":1}', {}, 400),
        (b"{}", {"content_type": "text/plain"}, 415),
        (b"{}", {"content_encoding": "gzip"}, 415),
        (b"{}", {"idempotency_key": "once"}, 400),
        (b"{}", {"content_length": str(9 << 20)}, 413),
        (b"{}", {"content_encoding": "zstd"}, 400),
        (zstandard.compress(b" " * (LARGEST_PLAIN + 1)), {"content_encoding": "zstd"}, 413),
        (encoded(report([1])).replace(b'"high"', b'"worse"'), {}, 400),
        (encoded(report([1])).replace(b'"2027-01-31T10:00:00Z"', b'"yesterday"'), {}, 400),
    ],
)
def test_bad_bodies_get_one_problem_and_change_nothing(client: Client, body, headers, status):
    got, problem, heads = client.post(body, **headers)
    assert (got, problem["status"], heads["content-type"]) == (status, status, "application/problem+json")
    assert client.provider.source.entries == 0


def test_compressed_bodies_are_the_same_messages(client: Client):
    key = str(uuid.uuid4())
    plain = client.post(report([1]), idempotency_key=key)
    packed = client.post(
        zstandard.compress(encoded(report([1]))), content_encoding="zstd", idempotency_key=key
    )
    assert plain[:2] == packed[:2]


def test_pages_hold_every_finding_once_and_cursors_belong_to_their_question(
    client: Client, provider: Provider
):
    client.post(report(range(25)))
    seen, cursor = [], ""
    while True:
        status, page, _ = client("GET", f"/v1/findings?limit=10&cursor={cursor}", provider.reader)
        assert status == 200
        seen += [one["fingerprint"] for one in page["items"]]
        if not (cursor := page["next"]):
            break
        first = cursor
    assert sorted(seen) == [f"{one:032x}" for one in range(25)]
    assert client("GET", f"/v1/findings?control=C-0057&cursor={first}", provider.reader)[0] == 400


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "unknown=1", "state=all", "limit=1&limit=2", "severity=HIGH"]
)
def test_parameters_that_make_no_sense_are_refused(client: Client, provider: Provider, query: str):
    assert client("GET", f"/v1/findings?{query}", provider.reader)[0] == 400


def test_what_did_not_change_is_not_sent_again(client: Client, provider: Provider):
    client.post(report([1]))
    _, _, heads = client("GET", "/v1/findings", provider.reader)
    status, body, _ = client("GET", "/v1/findings", provider.reader, if_none_match=heads["etag"])
    assert (status, body) == (304, None)
    for known in (f'"other", W/{heads["etag"]}', "*"):
        assert client("GET", "/v1/findings", provider.reader, if_none_match=known)[0] == 304
    client.post(report([2]))
    assert client("GET", "/v1/findings", provider.reader, if_none_match=heads["etag"])[0] == 200


LOG4J = ("maven org.apache.logging.log4j/log4j-core 2.14.1", "deb zlib1g 1.3")
SHELL4J = ImageVulnerability(
    "CVE-2021-44228", "org.apache.logging.log4j/log4j-core", "2.14.1", "critical", "2.15.0", exploited=True
)


def test_who_runs_a_package_and_who_has_a_vulnerability(client: Client, provider: Provider):
    images = "/v1/sources/shop/images"
    assert client.post(image(1, *LOG4J, vulnerabilities=(SHELL4J,)), path=images)[0] == 200
    assert client.post(image(2, "deb zlib1g 1.3"), path=images)[0] == 200

    def asked(path: str) -> list[dict[str, Any]]:
        status, answer, _ = client("GET", path, provider.reader)
        assert status == 200
        return answer["items"]

    (row,) = asked("/v1/packages?name=log4j-core&version=2.14")
    assert (row["source"], row["image"], row["isDisputed"]) == ("shop", "registry.example/app:1", False)
    assert asked("/v1/packages?name=org.apache.logging.log4j/log4j-core") == [row]
    assert asked("/v1/packages?name=log4j-core&version=2.15") == []
    assert asked("/v1/packages?name=log4j%25") == []
    assert len(asked("/v1/packages?name=zlib1g")) == 2
    (hit,) = asked("/v1/images?vulnerability=CVE-2021-44228")
    assert (hit["name"], hit["critical"], hit["exploited"]) == ("registry.example/app:1", 1, 1)
    assert [one["packages"] for one in asked("/v1/images")] == [2, 1]
    # What a source says of a digest replaces what it said before; the log keeps both.
    client.post(image(1, "deb zlib1g 1.3.1"), path=images)
    assert asked("/v1/packages?name=log4j-core") == []
    assert provider.source.entries == 3


def test_no_word_about_a_digest_replaces_that_of_another_source(client: Client, provider: Provider):
    assert client.post(image(1, *LOG4J), path="/v1/sources/shop/images")[0] == 200
    hidden = image(1, "deb zlib1g 1.3")
    assert client.post(hidden, provider.other_token, "/v1/sources/other/images")[0] == 200
    _, answer, _ = client("GET", "/v1/packages?name=log4j-core", provider.reader)
    assert [(one["source"], one["isDisputed"]) for one in answer["items"]] == [("shop", True)]
    assert provider.alerts() == {"disagreement"}


def test_images_do_not_count_in_the_chain_of_changes(provider: Provider):
    chain = Chain()
    changes = chain.next([1], [])
    provider.take(changes)
    chain.sent(changes)
    provider.take(image(1, *LOG4J))
    provider.take(chain.next([2], []))
    assert len(provider.open()) == 2
    provider.again()
    assert [equal for _, _, equal in provider.rebuild()] == [True, True]


def test_silence_is_measured_by_the_provider(tmp_path: Path):
    provider = Provider(tmp_path / "provider", every=3_600)
    client = Client(provider)
    client.post(report([1]))

    def silent() -> set[str]:
        return {
            one["kind"]
            for one in client("GET", "/v1/alerts", provider.reader)[1]["items"]
            if one["source"] == "shop"
        }

    provider.clock.pass_by(hours=1.9)
    assert silent() == set()
    provider.clock.pass_by(hours=0.2)
    assert silent() == {"silence"}
    assert client("GET", "/v1/entities/Pod/shop/pod-1", provider.reader)[1]["isSilent"] is True
    provider.close()


def test_a_dropped_token_is_refused_at_once(client: Client, provider: Provider):
    assert client.post(report([1]))[0] == 200
    assert provider.place.tables.drop_token("default", "shop")
    assert client.post(report([1]))[0] == 401


def test_the_committed_document_is_current_and_says_what_every_answer_is():
    text = msgspec.json.format(msgspec.json.encode(openapi()), indent=2).decode() + "\n"
    assert (ROOT / "docs" / "provider-api.json").read_text() == text
    document = json.loads(text)
    names = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(names) == len(set(names)) == len(ROUTES)
    known = set(document["components"]["schemas"])
    used = {word.rpartition("/")[2] for word in _refs(document)}
    assert used <= known


def _refs(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for one in value.values() for ref in _refs(one)]
    return [ref for one in value for ref in _refs(one)] if isinstance(value, list) else []


def test_a_slow_body_holds_up_no_other_source(client: Client, provider: Provider):
    async def tried() -> int:
        never = asyncio.Event()

        async def slow():
            await never.wait()

        async def ignore(message: Any) -> None:
            pass

        path = "/v1/sources/shop/report"
        headers = {
            "authorization": f"Bearer {provider.token}",
            "content-type": "application/json",
            "idempotency-key": str(uuid.uuid4()),
        }
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        waiting = [asyncio.ensure_future(client.app(scope, slow, ignore)) for _ in range(8)]
        for _ in range(100):
            await asyncio.sleep(0.01)
            if client.app._lanes:
                break
        body = encoded(report([1]))
        given = {"content-type": "application/json", "idempotency-key": str(uuid.uuid4())}
        async with asyncio.timeout(30):
            status, _, _ = await client._asked(
                "POST", "/v1/sources/other/report", provider.other_token, body, given
            )
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
        return status

    assert asyncio.run(tried()) == 200


def test_many_findings_of_one_source_hide_none_of_another(client: Client, provider: Provider):
    """On the card of one object."""

    def send(source: str, token: str, *ones: FoundFinding) -> None:
        whole = msgspec.structs.replace(report([]), findings=ones)
        status, _, _ = client(
            "POST",
            f"/v1/sources/{source}/report",
            token,
            encoded(whole),
            content_type="application/json",
            idempotency_key=str(uuid.uuid4()),
        )
        assert status == 200

    send("shop", provider.token, *(found(one, name="web", severity="critical") for one in range(1_500)))
    send(
        "other", provider.other_token, found(9_000, name="web"), found(9_001, name="web", severity="unknown")
    )
    status, card, _ = client("GET", "/v1/entities/Pod/shop/web", provider.reader)
    assert status == 200
    assert [card[one] for one in ("critical", "high", "unknown", "newSinceYesterday")] == [1_500, 1, 1, 1_502]
    assert card["sources"] == ["other", "shop"]
    assert len(card["worst"]) == 5
    send("other", provider.other_token)
    send("shop", provider.token)
    _, card, _ = client("GET", "/v1/entities/Pod/shop/web", provider.reader)
    assert (card["critical"], card["sources"], card["worst"]) == (0, ["other", "shop"], [])


WIDE = "".join(map(chr, random.Random(7).sample(range(0x10000, 0x20000), 300)))
"""1,200 bytes that nothing compresses: three of them are more than an index of PostgreSQL takes."""


@pytest.mark.parametrize(
    "text", ["\\ud800", "\\u0000", "\\\\u0000", "\u202e", "%_!'\\\"", "\U0010ffff", WIDE], ids=range(7)
)
def test_hostile_names_are_refused_or_kept_as_they_are(client: Client, provider: Provider, text: str):
    """Whatever is in the log can be read again, also after the tables were lost."""
    name = "name-that-is-replaced"
    whole = msgspec.structs.replace(report([]), findings=(found(1, name=name, namespace=name, file=name),))
    body = encoded(whole).replace(name.encode(), text.encode())
    status, _, _ = client(
        "POST",
        "/v1/sources/shop/report",
        provider.token,
        body,
        content_type="application/json",
        idempotency_key=str(uuid.uuid4()),
    )
    assert status in (200, 400)
    assert provider.source.entries == (status == 200)
    if status == 200:
        (row,) = client("GET", "/v1/findings", provider.reader)[1]["items"]
        assert row["name"] == json.loads(f'"{text}"')
    assert all(equal for _, _, equal in provider.rebuild())


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("limit=0", "limit: must be a whole number of at least 1"),
        ("limit=abc", "limit: must be a whole number, not text"),
        ("limit=", "limit: must be a whole number, not text"),
        ("limit=1001", "limit: must be a whole number of at most 1000"),
        ("limit=" + "9" * 30, "limit: must be a whole number of at most 1000"),
        ("cursor=AAAA", "ask without a cursor to start over"),
        ("cursor=" + "A" * 301, "cursor: must be text of at most 300 characters"),
        ("nosuch=1", "nosuch: is not a known field"),
        ("severity=none", "severity: is not one of the values that are known"),
        ("since=2027-13-01T00:00:00Z", "use 2027-01-31T10:00:00Z"),
    ],
)
def test_odd_parameters_are_named(provider: Provider, query: str, why: str):
    status, answer, _ = Client(provider)("GET", f"/v1/findings?{query}", provider.reader)
    assert (status, answer["detail"]) == (400, why)
