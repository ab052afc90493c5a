"""The kinds that are made from others: kept current, listed and watched like the rest."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgi import ROOT, SUMMARIES, Client, summary

SUMS = f"{ROOT}/configurationscansummaries"
NEIGHBORHOODS = f"{ROOT}/namespaces/shop/networkneighborhoods"
POLICIES = f"{ROOT}/namespaces/shop/generatednetworkpolicies"
VERSION = ROOT.removeprefix("/apis/")


def run(scenario: Callable[[Client], Awaitable[None]]) -> None:
    async def within() -> None:
        client = Client()
        computing = asyncio.ensure_future(client.app.computing.run())
        try:
            await asyncio.wait_for(scenario(client), 60)
        finally:
            computing.cancel()

    asyncio.run(within())


def neighborhood(name: str, **egress: Any) -> dict[str, Any]:
    neighbor = {"identifier": "a", "type": "external", "ports": [], **egress}
    return {
        "apiVersion": VERSION,
        "kind": "NetworkNeighborhood",
        "metadata": {
            "name": name,
            "labels": {
                "kubescape.io/workload-kind": "Deployment",
                "kubescape.io/workload-name": "web",
                "kubescape.io/instance-template-hash": "abc",
            },
            "annotations": {"kubescape.io/status": "completed"},
        },
        "spec": {
            "matchLabels": {"app": "web"},
            "containers": [{"name": "c", "ingress": [], "egress": [neighbor]}],
        },
    }


async def policy(client: Client, name: str = "web") -> Any:
    return (await client.ask("GET", f"{POLICIES}/{name}")).json


def test_the_sums_of_a_namespace_follow_its_summaries():
    async def scenario(client: Client) -> None:
        await client.ask("POST", SUMMARIES, summary("a", 3))
        await client.ask("POST", SUMMARIES, summary("b", 4))
        await client.ask("POST", SUMMARIES.replace("shop", "zoo"), summary("c", 1))
        found = (await client.ask("GET", f"{SUMS}/shop")).json
        assert found["spec"] == {
            "severities": {"critical": 7, "high": 4, "medium": 0, "low": 0, "unknown": 0},
            "summaryRef": [
                {"namespace": "shop", "kind": "WorkloadConfigurationScanSummary", "name": name}
                for name in "ab"
            ],
        }
        await client.ask("DELETE", f"{SUMMARIES}/a")
        listed = (await client.ask("GET", SUMS)).json["items"]
        assert [(i["metadata"]["name"], i["spec"]["severities"]["critical"]) for i in listed] == [
            ("shop", 4),
            ("zoo", 1),
        ]
        await client.ask("DELETE", SUMMARIES)
        assert (await client.ask("GET", f"{SUMS}/shop")).code == 404

    run(scenario)


def test_sums_are_watched():
    async def scenario(client: Client) -> None:
        watch = await client.watch(SUMS, {})
        await client.ask("POST", SUMMARIES, summary("a", 3))
        event = await watch.next()
        assert (event["type"], event["object"]["spec"]["severities"]["critical"]) == ("ADDED", 3)
        await watch.leave()

    run(scenario)


def test_an_unrelated_change_leaves_sums_as_they_are():
    async def scenario(client: Client) -> None:
        await client.ask("POST", SUMMARIES, summary("a", 3))
        before = (await client.ask("GET", f"{SUMS}/shop")).json
        patch = {"metadata": {"annotations": {"x": "y"}}}
        await client.ask(
            "PATCH", f"{SUMMARIES}/a", patch, headers={"content-type": "application/merge-patch+json"}
        )
        assert (await client.ask("GET", f"{SUMS}/shop")).json == before

    run(scenario)


def test_vulnerabilities_are_added_up_with_those_in_use():
    async def scenario(client: Client) -> None:
        path = f"{ROOT}/namespaces/shop/vulnerabilitymanifestsummaries"
        for name in ("a", "b"):
            counts = {"critical": {"all": 5, "relevant": 1}, "low": {"all": 2, "relevant": 2}}
            manifest = {
                "apiVersion": VERSION,
                "kind": "VulnerabilityManifestSummary",
                "metadata": {"name": name},
                "spec": {"severities": counts},
            }
            assert (await client.ask("POST", path, manifest)).code == 201
        found = (await client.ask("GET", f"{ROOT}/vulnerabilitysummaries/shop")).json["spec"]
        assert found["severities"]["critical"] == {"all": 10, "relevant": 2}
        assert found["severities"]["low"] == {"all": 4, "relevant": 4}
        assert found["severities"]["high"] == {"all": 0, "relevant": 0}
        assert len(found["vulnerabilitiesRef"]) == 2

    run(scenario)


@pytest.mark.parametrize(
    ("address", "block"), [("10.1.2.3", "10.1.2.3/32"), ("2001:db8::1", "2001:db8::1/128")]
)
def test_an_address_is_let_through_alone(address: str, block: str):
    async def scenario(client: Client) -> None:
        ports = [
            {"name": "TCP-443", "protocol": "tcp", "port": 443},
            {"name": "x", "protocol": "TCP", "port": None},
        ]
        await client.ask(
            "POST", NEIGHBORHOODS, neighborhood("web", ipAddress=address, ports=ports, dns="example.com.")
        )
        found = await policy(client)
        spec = found["spec"]["spec"]
        assert spec["egress"] == [
            {"ports": [{"protocol": "TCP", "port": 443}], "to": [{"ipBlock": {"cidr": block}}]},
        ]
        assert "ingress" not in spec  # nothing was recorded: to close it would be a guess
        assert spec["podSelector"] == {"matchLabels": {"app": "web"}}
        assert spec["policyTypes"] == ["Egress"]
        assert found["spec"]["metadata"]["name"] == "deployment-web"
        assert "kubescape.io/instance-template-hash" not in found["metadata"]["labels"]
        assert found["policyRef"] == [
            {"ipBlock": block, "originalIP": address, "dns": "example.com.", "name": "", "server": ""}
        ]

    run(scenario)


def test_selectors_lose_labels_that_change_with_every_release():
    async def scenario(client: Client) -> None:
        pods = {"matchLabels": {"app": "db", "pod-template-hash": "x", "helm.sh/chart": "y"}}
        await client.ask("POST", NEIGHBORHOODS, neighborhood("web", podSelector=pods))
        rules = (await policy(client))["spec"]["spec"]["egress"]
        assert rules == [{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}]}]

    run(scenario)


def test_known_servers_widen_addresses_to_their_ranges():
    async def scenario(client: Client) -> None:
        await client.ask("POST", NEIGHBORHOODS, neighborhood("web", ipAddresses=["10.1.2.3", "10.1.9.9"]))
        assert len((await policy(client))["spec"]["spec"]["egress"][0]["to"]) == 2
        known = {
            "apiVersion": VERSION,
            "kind": "KnownServer",
            "metadata": {"name": "ours"},
            "spec": [{"ipBlock": "10.1.0.0/16", "server": "s", "name": "n"}, {"ipBlock": "nonsense"}],
        }
        assert (await client.ask("POST", f"{ROOT}/knownservers", known)).code == 201
        found = await policy(client)
        assert found["spec"]["spec"]["egress"] == [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}]
        assert {reference["name"] for reference in found["policyRef"]} == {"n"}

    run(scenario)


def test_what_is_still_being_learnt_makes_no_policy():
    async def scenario(client: Client) -> None:
        early = neighborhood("web")
        early["metadata"]["annotations"] = {"kubescape.io/status": "initializing"}
        await client.ask("POST", NEIGHBORHOODS, early)
        assert (await client.ask("GET", f"{POLICIES}/web")).code == 404
        listed = (await client.ask("GET", POLICIES)).json
        assert listed["items"] == []

    run(scenario)


@pytest.mark.parametrize(
    ("annotations", "egress", "types"),
    [
        ({"status": "completed", "completion": "complete"}, {"ipAddress": "10.1.2.3"}, ["Egress"]),
        ({"status": "completed", "completion": "partial"}, {"ipAddress": "10.1.2.3"}, None),
        ({"status": "completed", "completion": "complete"}, {"ipAddress": "nonsense"}, None),
        ({"managed-by": "User", "completion": "partial"}, {"ipAddress": "10.1.2.3"}, ["Ingress", "Egress"]),
        ({"managed-by": "User"}, {}, ["Ingress", "Egress"]),
    ],
)
def test_half_a_record_closes_nothing_and_what_users_wrote_is_taken_as_it_is(
    annotations: dict[str, str], egress: dict[str, Any], types: list[str] | None
):
    async def scenario(client: Client) -> None:
        learned = neighborhood("web", **egress)
        learned["metadata"]["annotations"] = {
            f"kubescape.io/{name}": value for name, value in annotations.items()
        }
        await client.ask("POST", NEIGHBORHOODS, learned)
        answer = await client.ask("GET", f"{POLICIES}/web")
        assert (answer.json["spec"]["spec"]["policyTypes"] if answer.code == 200 else None) == types

    run(scenario)


def test_what_was_missed_is_made_good_at_the_next_start():
    async def scenario() -> None:
        client = Client()
        await client.ask("POST", SUMMARIES, summary("a", 3))
        computing = asyncio.ensure_future(client.app.computing.run())
        await asyncio.sleep(0)
        found = (await client.ask("GET", f"{SUMS}/shop")).json
        computing.cancel()
        assert found["spec"]["severities"]["critical"] == 3

    asyncio.run(scenario())
