"""A provider as what pages and reports are made of: the same numbers, and what is not known is said."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec import structs
from tests.programs.provider.provider_parts import Provider, found, image, measured, report, served
from tests.programs.provider.test_provider_app import Client

from leadline.api.provider.wire import ImageVulnerability, WholeReport
from leadline.errors import SourceError
from leadline.outputs.documents.joint_report import FailedSource, SourceReport
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.main import main
from leadline.programs.serving.provider_client import ProviderReader
from leadline.scans.pages.page import Ask, Cell, Page, Table, built
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import World
from leadline.scans.provider_reading import (
    ProviderState,
    joint_sources,
    posture_of_provider,
    read_joint,
    read_known,
    read_provider,
)

NOW = datetime(2027, 1, 31, 10, tzinfo=UTC)


@pytest.fixture
def client(provider: Provider) -> Client:
    made = Client(provider)
    made.post(report([1, 2, 3], unread=2))
    other = WholeReport(
        measured(),
        ("C-0057", "C-0016"),
        (found(1, severity="critical", control="C-0016"), found(2, accepted="known; until 2028")),
    )
    made.post(other, provider.other_token, "/v1/sources/other/report")
    return made


def state_of(client: Client, **other: int) -> ProviderState:
    return read_provider(partial(asked_of, client), "provider.example", NOW, **other)


def asked_of(client: Client, path: str, query: Mapping[str, str]) -> bytes:
    status, answer, _ = client("GET", f"{path}?{urlencode(query)}" if query else path, client.provider.reader)
    assert status == 200
    return json.dumps(answer).encode()


def page_of(
    client: Client, name: str, /, most_images: int = 100, most_risks: int = 100, **query: str
) -> Page:
    kind = next(one for one in PAGES if one.name == name)
    command = "leadline report --provider https://provider.example"
    known = read_known(
        partial(asked_of, client), "provider.example", NOW, command, images=most_images, risks=most_risks
    )
    return asyncio.run(built(kind, World(known), Ask({word: (value,) for word, value in query.items()})))


def test_objects_of_one_name_in_two_clusters_are_two(client: Client):
    posture = posture_of_provider(state_of(client))
    assert len(posture.findings) == 4
    assert sorted(one.namespace for one in posture.resources) == ["other/shop"] * 2 + ["shop/shop"] * 3
    assert posture.severities() == {"high": 3, "critical": 1}
    # The severity is that of the sender.
    assert {one.id: one.severity for one in posture.controls}["C-0016"] == "critical"
    assert [(one.waiver.reason, one.findings) for one in posture.waivers] == [("known; until 2028", 1)]


def test_findings_of_one_control_keep_the_severity_of_each(provider: Provider):
    """A right is critical for the cluster and high for one namespace."""
    client = Client(provider)
    findings = (
        found(1, severity="high", control="C-0187"),
        found(2, severity="critical", control="C-0187"),
        found(3, severity="low", control="X-1"),
        found(4, severity="medium", control="X-1"),
    )
    assert client.post(WholeReport(measured(), ("C-0187", "X-1"), findings))[0] == 200
    state = state_of(client)
    told = {"critical": 1, "high": 1, "medium": 1, "low": 1}
    posture = posture_of_provider(state)
    assert {name: number for name, number in posture.severities().items() if number} == told
    assert {
        one.resource[-1]: one.control_of(posture.controls_by_id).severity for one in posture.findings
    } == {
        "1": "high",
        "2": "critical",
        "3": "low",
        "4": "medium",
    }
    shop = next(one for one in joint_sources(state) if isinstance(one, SourceReport))
    ours = {one.id: one for one in load_controls()}
    rights = [one for one in shop.baseline.findings if one.control == "C-0187"]
    assert {one.object[-1]: one.control_of(ours).severity for one in rights} == {"1": "high", "2": "critical"}


def test_pages_say_no_more_than_is_known(client: Client):
    text = {name: str(page_of(client, name)) for name in ("overview", "controls", "health", "workloads")}
    assert "2 inputs could not be read there" in text["overview"]
    assert "4 findings of 5 objects that fail" in text["overview"]
    assert "Why a score is missing" in text["controls"]
    assert "not ranked here" in text["workloads"]
    assert "What controls judged is not known here" in text["health"]
    assert "Every" not in text["health"].replace("Everything here", "")


def test_images_are_listed_by_source_with_what_a_provider_counts(client: Client):
    flaw = ImageVulnerability("CVE-2021-44228", "log4j-core", "2.14.1", "critical", exploited=True)
    hostile = '</script><b>"\x1b[31m\u202e'
    client.post(
        structs.replace(image(1, "maven log4j-core 2.14.1", vulnerabilities=(flaw,)), name=hostile),
        path="/v1/sources/shop/images",
    )
    client.post(image(1, "deb zlib1g 1.3"), client.provider.other_token, "/v1/sources/other/images")
    unmatched = structs.replace(image(2, "deb zlib1g 1.3"), database="", unread=3)
    client.post(unmatched, path="/v1/sources/shop/images")
    page = page_of(client, "images")
    table = next(one for one in page.sections if isinstance(one, Table))
    rows = [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows]
    assert [row[1:] for row in rows] == [
        ["1", "1", "0", "shop"],
        ["0", "0", "0", "other"],
        ["not known"] * 3 + ["shop"],
    ]
    text = str(page)
    assert text.count("another source found other packages under this digest") == 2
    assert "3 parts of it could not be read" in text
    assert "1 image not matched: nothing is known of it" in text
    assert "/v1/images?vulnerability=ID" in text
    assert not {"\x1b", "\u202e"} & set("".join(row[0] for row in rows))
    # What is not held is neither found nor called absent.
    searched = str(page_of(client, "images", q="log4j"))
    assert "No image is called so." in searched
    assert "/v1/packages?name=NAME" in searched
    only = page_of(client, "images", q=f"{2:064x}")
    assert len(next(one for one in only.sections if isinstance(one, Table)).rows) == 1
    first = table.rows[0][0]
    assert isinstance(first, Cell)
    assert first.link
    one = str(page_of(client, "image", **dict(first.link.query)))
    assert "Exploited" in one
    assert "No known vulnerability" not in one
    for kept_there in ("behaviour", "network", "suggestions", "alerts"):
        assert "A provider does not hold this" in str(page_of(client, kept_there)), kept_there
    assert "which object runs an image" in str(page_of(client, "namespace", name="shop/shop"))
    assert "only 2 images were read" in str(page_of(client, "overview", most_images=2))


def test_who_is_silent_is_said_where_one_begins(tmp_path: Path):
    provider = Provider(tmp_path / "provider", every=3_600)
    client = Client(provider)
    client.post(report([1]))
    provider.clock.pass_by(hours=3)
    shown = str(page_of(client, "overview"))
    assert "silent: nothing was received since" in shown
    assert "nothing was received from it yet" in shown
    provider.close()


def test_what_does_not_fit_is_the_least_severe_and_is_counted(client: Client):
    state = state_of(client, most=2)
    assert [one.severity for one in state.findings] == ["critical", "high"]
    posture = posture_of_provider(state)
    assert any("3 findings more, among high" in one.why for one in posture.unread)


def test_each_source_is_one_of_a_report(client: Client):
    rows: dict[str, Any] = {one.name: one for one in joint_sources(state_of(client))}
    shop, other = rows["shop"], rows["other"]
    assert isinstance(shop, SourceReport)
    assert (shop.severities, shop.score) == ({"high": 3}, None)
    assert {one.object for one in shop.baseline.findings} == {f"/Pod/shop/pod-{one}" for one in (1, 2, 3)}
    assert shop.unread == ("2 inputs could not be read there",)
    assert [(one.findings, one.reason) for one in other.accepted] == [(1, "known; until 2028")]


def test_a_report_says_that_images_are_not_in_it(client: Client):
    flaw = ImageVulnerability("CVE-2021-44228", "log4j-core", "2.14.1", "critical", exploited=True)
    client.post(image(1, "maven log4j-core 2.14.1", vulnerabilities=(flaw,)), path="/v1/sources/shop/images")
    rows = {one.name: one for one in read_joint(partial(asked_of, client), "provider.example", NOW)}
    assert rows["shop"].unread[1:] == ("vulnerabilities of 1 image, which pages of the provider list",)
    assert rows["other"].unread == ()


def test_a_source_that_never_reported_is_not_one_without_findings(provider: Provider):
    client = Client(provider)
    client.post(report([1]))
    rows = list(joint_sources(state_of(client)))
    assert [one for one in rows if isinstance(one, FailedSource)] == [
        FailedSource("other", "nothing was received from it yet")
    ]


def test_an_answer_of_something_else_is_no_empty_provider():
    for content in (b"<html>", b"{}", b'{"items": 3}'):
        with pytest.raises(SourceError, match="not answered as a provider does"):
            read_provider(lambda path, query, content=content: content, "p.example", NOW)


def test_what_cannot_be_reached_is_said_in_words(provider: Provider, monkeypatch):
    monkeypatch.setattr("leadline.programs.serving.provider_client.FIRST_S", 0.001)
    token = {"LEADLINE_PROVIDER_TOKEN": provider.reader}
    said = r"^127\.0\.0\.1:9 cannot be reached: Connection refused$"
    with closing(ProviderReader("http://127.0.0.1:9", token)) as ask, pytest.raises(SourceError, match=said):
        ask("/v1/sources", {})
    with (
        served(provider) as url,
        closing(ProviderReader(f"{url}/shop", token)) as ask,
        pytest.raises(SourceError, match="use https://HOST, without a source"),
    ):
        ask("/v1/sources", {})


def test_a_report_over_a_provider(provider: Provider, client: Client, monkeypatch, capfd):
    monkeypatch.setenv("LEADLINE_PROVIDER_TOKEN", provider.reader)
    with served(provider) as url:
        assert main(["report", "--provider", url, "-f", "json"]) == 0
        shown = json.loads(capfd.readouterr().out)
        assert {one["name"]: one["severities"] for one in shown["sources"]} == {
            "shop": {"high": 3},
            "other": {"critical": 1},
        }
        # A token that may only write reads nothing, not even its own.
        monkeypatch.setenv("LEADLINE_PROVIDER_TOKEN", provider.token)
        assert main(["report", "--provider", url]) == 3
        assert "refuses the token" in capfd.readouterr().err
    monkeypatch.delenv("LEADLINE_PROVIDER_TOKEN")
    assert main(["report", "--provider", url]) == 2
    assert "LEADLINE_PROVIDER_TOKEN" in capfd.readouterr().err
