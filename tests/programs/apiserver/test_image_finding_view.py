"""Vulnerabilities of images, in the namespaces of the containers that run them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from asgi import ROOT, TABLE, Client

OURS = "/apis/leadline.dev/v1alpha1"
ALL = f"{OURS}/imagefindings"


def run(scenario: Callable[[Client], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(Client()), 60))


def ignored(found: dict[str, Any], by: str = "waiver") -> dict[str, Any]:
    return {
        **found,
        "appliedIgnoreRules": [{"vulnerability": found["vulnerability"]["id"], "sourceKind": by}],
    }


def match(id: str, severity: str, package: str, *fixed: str) -> dict[str, Any]:
    fix = {"versions": list(fixed), "state": "fixed" if fixed else "not-fixed"}
    return {
        "vulnerability": {"id": id, "severity": severity, "fix": fix, "dataSource": f"https://x/{id}"},
        "artifact": {"name": package, "version": "1.0", "type": "deb"},
    }


async def manifest(
    client: Client, *matches: dict[str, Any], left_out: tuple[dict[str, Any], ...] = ()
) -> None:
    whole = {
        "apiVersion": ROOT.removeprefix("/apis/"),
        "kind": "VulnerabilityManifest",
        "metadata": {"name": "nginx-1"},
        "spec": {"payload": {"matches": list(matches), "ignoredMatches": list(left_out)}},
    }
    path = f"{ROOT}/namespaces/leadline/vulnerabilitymanifests"
    if (await client.ask("GET", f"{path}/nginx-1")).code == 200:
        assert (await client.ask("DELETE", f"{path}/nginx-1")).code == 200
    answer = await client.ask("POST", path, whole)
    assert answer.code == 201, answer.content


async def container(client: Client, namespace: str, workload: str, *accepted: str, more: int = 0) -> None:
    """``more`` is how many are accepted beyond those that are named."""
    counted = {"accepted": len(accepted) + more, "acceptedIds": list(accepted)}
    whole = {
        "apiVersion": ROOT.removeprefix("/apis/"),
        "kind": "VulnerabilityManifestSummary",
        "metadata": {
            "name": f"deployment-{workload}-nginx",
            "labels": {
                "kubescape.io/workload-kind": "Deployment",
                "kubescape.io/workload-name": workload,
                "kubescape.io/workload-container-name": "nginx",
            },
            "annotations": {
                "kubescape.io/image-tag": "nginx:1",
                "leadline.dev/vulnerabilities": json.dumps(counted),
            },
        },
        "spec": {"vulnerabilitiesRef": {"all": {"namespace": "leadline", "name": "nginx-1"}}},
    }
    path = f"{ROOT}/namespaces/{namespace}/vulnerabilitymanifestsummaries"
    answer = await client.ask("POST", path, whole)
    assert answer.code == 201, answer.content


async def shown(client: Client, path: str) -> list[tuple[str, str, str]]:
    items = (await client.ask("GET", path)).json["items"]
    return [(one["metadata"]["namespace"], one["metadata"]["name"], one["spec"]["state"]) for one in items]


def test_each_vulnerability_of_a_container_is_an_object_of_its_namespace():
    async def scenario(client: Client) -> None:
        await manifest(
            client,
            match("CVE-2024-1", "Critical", "openssl", "1.1"),
            match("CVE-2024-1", "Critical", "libssl"),
            match("GHSA-x.y", "Low", "zlib"),
        )
        await container(client, "shop", "web")
        table = (
            await client.ask("GET", f"{OURS}/namespaces/shop/imagefindings", headers={"accept": TABLE})
        ).json
        titles = [column["name"] for column in table["columnDefinitions"]]
        first, second = (dict(zip(titles, row["cells"], strict=True)) for row in table["rows"])
        assert first["Name"] == "deployment-web-nginx.cve-2024-1"
        assert (first["Severity"], first["Package"], first["Fixed-In"]) == ("Critical", "openssl 1.0", "1.1")
        assert (first["Object"], first["Container"], first["State"]) == ("Deployment/web", "nginx", "Failed")
        assert second["Name"] == "deployment-web-nginx.ghsa-x-y"
        one = (await client.ask("GET", f"{OURS}/namespaces/shop/imagefindings/{second['Name']}")).json
        assert one["spec"]["vulnerability"] == "GHSA-x.y"
        assert (
            len(
                (
                    await client.ask("GET", ALL, query={"labelSelector": "leadline.dev/severity=critical"})
                ).json["items"]
            )
            == 1
        )
        assert (await shown(client, f"{OURS}/namespaces/default/imagefindings")) == []

    run(scenario)


def test_what_one_namespace_accepts_is_accepted_there_alone():
    async def scenario(client: Client) -> None:
        await manifest(client, match("CVE-1", "High", "a"), match("CVE-2", "High", "b"))
        await container(client, "shop", "web", "CVE-1")
        await container(client, "zoo", "web")
        name = "deployment-web-nginx.cve-{}".format
        assert await shown(client, ALL) == [
            ("shop", name(1), "Accepted"),
            ("shop", name(2), "Failed"),
            ("zoo", name(1), "Failed"),
            ("zoo", name(2), "Failed"),
        ]
        # Where all accept it, it is in the manifest as ignored; whoever comes and does not accept it has it.
        await manifest(client, match("CVE-2", "High", "b"), left_out=(ignored(match("CVE-1", "High", "a")),))
        assert ("shop", name(1), "Accepted") in await shown(client, ALL)
        assert ("zoo", name(1), "Failed") in await shown(client, ALL)

    run(scenario)


def test_what_is_accepted_stays_visible_where_not_all_of_it_is_named():
    async def scenario(client: Client) -> None:
        of_waivers = (ignored(match("CVE-1", "High", "a")), ignored(match("CVE-2", "High", "b")))
        of_publisher = ignored(match("CVE-3", "High", "c"), "publisher")
        await manifest(client, match("CVE-4", "High", "d"), left_out=(*of_waivers, of_publisher))
        await container(client, "shop", "web", "CVE-1", more=1)
        name = "deployment-web-nginx.cve-{}".format
        # The image does not have what its publisher says that it does not have.
        assert await shown(client, ALL) == [
            ("shop", name(1), "Accepted"),
            ("shop", name(2), "Accepted"),
            ("shop", name(4), "Failed"),
        ]

    run(scenario)


def test_a_watch_hears_of_a_manifest_that_comes_after_its_summary():
    async def scenario(client: Client) -> None:
        await container(client, "shop", "web")
        since = (await client.ask("GET", ALL)).json["metadata"]["resourceVersion"]
        watch = await client.watch(f"{OURS}/namespaces/shop/imagefindings", {"resourceVersion": since})
        await manifest(client, match("CVE-1", "High", "a"))
        assert await watch.names(1) == [("ADDED", "deployment-web-nginx.cve-1")]
        await watch.leave()

    run(scenario)
