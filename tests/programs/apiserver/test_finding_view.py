"""Findings, one line each, out of the stored scans."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgi import MERGE, ROOT, TABLE, Client

from leadline.programs.apiserver.computed.finding_views import FindingShape

SCANS = f"{ROOT}/namespaces/{{}}/workloadconfigurationscans"
OURS = "/apis/leadline.dev/v1alpha1"
FINDINGS = f"{OURS}/namespaces/shop/findings"
ALL = f"{OURS}/findings"


def run(scenario: Callable[[Client], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(Client()), 60))


def control(id: str, status: str, severity: str = "High") -> dict[str, Any]:
    path = {"failedPath": "", "fixPath": "spec.x", "fixPathValue": "true", "fixCommand": ""}
    return {
        "controlID": id,
        "name": f"title of {id}",
        "severity": {"severity": severity, "scoreFactor": 8},
        "status": {"status": status, "subStatus": "", "info": ""},
        "rules": [{"name": "r", "paths": [path]}],
    }


async def put(client: Client, name: str, *controls: dict[str, Any], namespace: str = "shop") -> None:
    whole = {
        "apiVersion": ROOT.removeprefix("/apis/"),
        "kind": "WorkloadConfigurationScan",
        "metadata": {
            "name": name,
            "labels": {"kubescape.io/workload-kind": "Deployment", "kubescape.io/workload-name": name},
        },
        "spec": {"controls": {one["controlID"]: one for one in controls}},
    }
    answer = await client.ask("POST", SCANS.format(namespace), whole)
    assert answer.code == 201, answer.content


def test_each_failed_control_of_an_object_is_a_line():
    async def scenario(client: Client) -> None:
        await put(client, "web", control("C-0057", "failed"), control("C-0001", "passed"))
        table = (await client.ask("GET", FINDINGS, headers={"accept": TABLE})).json
        titles = [column["name"] for column in table["columnDefinitions"]]
        (row,) = table["rows"]
        cells = dict(zip(titles, row["cells"], strict=True))
        assert cells["Name"] == "web.c-0057"
        assert cells["Severity"] == "High"
        assert cells["Title"] == "title of C-0057"
        assert cells["Object"] == "Deployment/web"
        assert cells["Fix"] == "set spec.x to true"

    run(scenario)


def test_whatever_waits_is_done_between_one_object_and_the_next(monkeypatch: pytest.MonkeyPatch):
    """A reader of many, or many readers at once, would stall all others."""
    ticks = [0]
    worked_out_at: list[int] = []
    entries = FindingShape.entries

    async def noted(*words: Any) -> Any:
        worked_out_at.append(ticks[0])
        return await entries(*words)

    async def tick() -> None:
        while True:
            await asyncio.sleep(0)
            ticks[0] += 1

    async def scenario(client: Client) -> None:
        for number in range(20):
            await put(client, f"web-{number}", control("C-0057", "failed"))
        monkeypatch.setattr(FindingShape, "entries", noted)
        ticking = asyncio.ensure_future(tick())
        answers = await asyncio.gather(*(client.ask("GET", FINDINGS) for _ in range(5)))
        ticking.cancel()
        assert [len(answer.json["items"]) for answer in answers] == [20] * 5
        assert len(set(worked_out_at)) == len(worked_out_at) == 100

    run(scenario)


def test_one_is_read_by_its_name():
    async def scenario(client: Client) -> None:
        await put(client, "web.v1", control("C-0057", "failed"))
        found = (await client.ask("GET", f"{FINDINGS}/web.v1.c-0057")).json
        assert found["spec"]["control"] == "C-0057"
        assert found["metadata"]["labels"]["leadline.dev/severity"] == "High"
        assert (await client.ask("GET", f"{FINDINGS}/web.v1.c-0058")).code == 404
        assert (await client.ask("GET", f"{FINDINGS}/web")).code == 404

    run(scenario)


def test_pages_hold_every_finding_once():
    async def scenario(client: Client) -> None:
        # As names "a-b.c-1" sorts before "a.c-1", as scans "a" comes before "a-b".
        names = ["a", "a-b", "a.b", "a0", "b"]
        for namespace in ("shop", "zoo"):
            for name in names:
                await put(
                    client, name, *(control(f"C-{n:04}", "failed") for n in range(3)), namespace=namespace
                )
        whole = (await client.ask("GET", ALL)).json["items"]
        wanted = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in whole]
        assert len(set(wanted)) == 30
        for limit in (1, 2, 3, 7, 29, 30):
            found: list[tuple[str, str]] = []
            query = {"limit": str(limit)}
            while True:
                page = (await client.ask("GET", ALL, query=query)).json
                assert len(page["items"]) <= limit
                found += [(i["metadata"]["namespace"], i["metadata"]["name"]) for i in page["items"]]
                if not page["metadata"].get("continue"):
                    break
                query["continue"] = page["metadata"]["continue"]
            assert found == wanted, limit

    run(scenario)


def test_labels_of_the_finding_and_of_the_scan_select():
    async def scenario(client: Client) -> None:
        await put(client, "web", control("C-0001", "failed", "Low"), control("C-0057", "failed", "Critical"))
        await put(client, "db", control("C-0057", "failed", "Critical"))
        for selector, names in (
            ("leadline.dev/severity=Low", ["web.c-0001"]),
            ("leadline.dev/severity=low", ["web.c-0001"]),
            ("leadline.dev/control=C-0057", ["db.c-0057", "web.c-0057"]),
            ("kubescape.io/workload-name=web", ["web.c-0001", "web.c-0057"]),
        ):
            listed = (await client.ask("GET", ALL, query={"labelSelector": selector})).json
            assert [item["metadata"]["name"] for item in listed["items"]] == names

    run(scenario)


def test_they_cannot_be_written():
    async def scenario(client: Client) -> None:
        assert (await client.ask("DELETE", f"{FINDINGS}/web.c-0057")).code == 405
        resources = (await client.ask("GET", OURS)).json["resources"]
        rows = [one for one in resources if one["name"] in ("findings", "imagefindings")]
        assert [row["verbs"] for row in rows] == [["get", "list", "watch"]] * 2

    run(scenario)


def test_a_watch_hears_of_findings_that_come_change_and_go():
    async def scenario(client: Client) -> None:
        await put(client, "web", control("C-0057", "failed"))
        since = (await client.ask("GET", ALL)).json["metadata"]["resourceVersion"]
        watch = await client.watch(FINDINGS, {"resourceVersion": since})
        await put(client, "db", control("C-0001", "failed"), control("C-0002", "failed"))
        assert sorted(await watch.names(2)) == [("ADDED", "db.c-0001"), ("ADDED", "db.c-0002")]
        await patch(client, "web", {"C-0057": control("C-0057", "failed", "Low"), "C-0003": None})
        assert await watch.names(1) == [("MODIFIED", "web.c-0057")]
        # Written again with nothing new in it: the next that is heard of is another.
        await patch(client, "web", {"C-0009": control("C-0009", "passed")})
        await patch(client, "web", {"C-0057": control("C-0057", "passed")})
        assert await watch.names(1) == [("DELETED", "web.c-0057")]
        assert (await client.ask("DELETE", f"{SCANS.format('shop')}/db")).code == 200
        assert sorted(await watch.names(2)) == [("DELETED", "db.c-0001"), ("DELETED", "db.c-0002")]
        await watch.leave()

    run(scenario)


async def patch(client: Client, name: str, controls: dict[str, Any]) -> None:
    answer = await client.ask(
        "PATCH",
        f"{SCANS.format('shop')}/{name}",
        {"spec": {"controls": controls}},
        headers={"content-type": MERGE},
    )
    assert answer.code == 200, answer.content


def test_what_is_accepted_stays_visible_as_accepted():
    async def scenario(client: Client) -> None:
        accepted = control("C-0057", "passed")
        accepted["status"]["subStatus"] = "w/exceptions"
        accepted["rules"] = [
            {
                "name": "r",
                "status": {"status": "passed", "subStatus": "w/exceptions"},
                "paths": accepted["rules"][0]["paths"],
                "appliedIgnoreRules": ["known"],
                "expires": "2030-01-02T00:00:00Z",
            }
        ]
        await put(client, "web", accepted, control("C-0001", "failed"), control("C-0002", "passed"))
        listed = (await client.ask("GET", ALL)).json["items"]
        assert [(one["metadata"]["name"], one["spec"]["state"]) for one in listed] == [
            ("web.c-0001", "Failed"),
            ("web.c-0057", "Accepted"),
        ]
        assert listed[1]["spec"]["acceptedBy"] == "known"
        assert listed[1]["spec"]["acceptedUntil"] == "2030-01-02T00:00:00Z"
        assert listed[1]["spec"]["paths"][0]["fixPath"] == "spec.x"
        chosen = await client.ask("GET", ALL, query={"labelSelector": "leadline.dev/state=Failed"})
        assert [one["metadata"]["name"] for one in chosen.json["items"]] == ["web.c-0001"]

    run(scenario)
