"""The requests of the dashboard plug-in that reads these kinds, and the forms of JSON that it counts on."""

import asyncio
from typing import Any

import orjson
import pytest
from asgi import ROOT, SUMMARIES, Client, Everybody, run, summary

from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.access import Asked, User

VERSION = ROOT.removeprefix("/apis/")
WHOLE = {"resourceVersion": "fullSpec", "continue": "0", "limit": "50"}


async def make(client: Client, kind: str, path: str, name: str, **more: Any) -> None:
    whole = {
        "apiVersion": VERSION,
        "kind": kind,
        "metadata": {"name": name, **more.pop("metadata", {})},
        **more,
    }
    answer = await client.ask("POST", path, whole)
    assert answer.code == 201, answer.content


@pytest.mark.parametrize(
    "plural",
    [
        "workloadconfigurationscansummaries",
        "vulnerabilitymanifests",
        "vulnerabilitymanifestsummaries",
        "knownservers",
    ],
)
def test_pages_of_whole_objects_end_without_a_token(plural: str):
    async def scenario(client: Client) -> None:
        answer = await client.ask("GET", f"{ROOT}/{plural}", query=WHOLE)
        assert answer.code == 200
        assert answer.json["items"] == []
        assert "continue" not in answer.json["metadata"]

    run(scenario)


@pytest.mark.parametrize(
    "plural", ["generatednetworkpolicies", "applicationprofiles", "networkneighborhoods"]
)
def test_plain_lists_have_labels_annotations_and_a_spec(plural: str):
    async def scenario(client: Client) -> None:
        computing = asyncio.ensure_future(client.app.computing.run())
        await asyncio.sleep(0)
        space = f"{ROOT}/namespaces/shop"
        labels = {"kubescape.io/workload-kind": "Deployment"}
        metadata = {"labels": labels, "annotations": {"kubescape.io/status": "ready"}}
        spec = {"containers": [{"name": "c", "egress": [{"identifier": "a", "ipAddress": "192.0.2.1"}]}]}
        await make(
            client,
            "NetworkNeighborhood",
            f"{space}/networkneighborhoods",
            "web",
            metadata=metadata,
            spec=spec,
        )
        await make(
            client, "ApplicationProfile", f"{space}/applicationprofiles", "web", spec={"containers": []}
        )
        (item,) = (await client.ask("GET", f"{ROOT}/{plural}")).json["items"]
        computing.cancel()
        assert isinstance(item["metadata"]["labels"], dict)
        assert isinstance(item["metadata"]["annotations"], dict)
        assert isinstance(item["spec"], dict)
        if plural == "generatednetworkpolicies":
            assert isinstance(item["spec"]["spec"], dict)

    run(scenario)


@pytest.mark.parametrize(
    "path",
    [
        "configurationscansummaries/shop",
        "vulnerabilitysummaries/shop",
        "namespaces/shop/workloadconfigurationscansummaries/deployment-web",
        "namespaces/shop/workloadconfigurationscans/deployment-web",
        "namespaces/shop/vulnerabilitymanifestsummaries/deployment-web-main",
        "namespaces/kubescape/vulnerabilitymanifests/nginx",
        "namespaces/kubescape/sbomsyfts/nginx",
        "namespaces/kubescape/sbomsyftfiltereds/nginx",
        "namespaces/shop/generatednetworkpolicies/web",
        "namespaces/shop/applicationprofiles/web",
        "namespaces/shop/networkneighborhoods/web",
    ],
)
def test_single_objects_that_are_missing_are_not_found(path: str):
    async def scenario(client: Client) -> None:
        answer = await client.ask("GET", f"{ROOT}/{path}")
        assert (answer.code, answer.json["kind"], answer.json["reason"]) == (404, "Status", "NotFound")

    run(scenario)


def test_one_namespace_can_be_read_in_one_page():
    async def scenario(client: Client) -> None:
        await client.ask("POST", SUMMARIES, summary("a"))
        await client.ask("POST", SUMMARIES.replace("shop", "zoo"), summary("b"))
        listed = (await client.ask("GET", SUMMARIES, query=WHOLE)).json["items"]
        assert [item["metadata"]["name"] for item in listed] == ["a"]
        assert isinstance(listed[0]["spec"]["controls"], dict)

    run(scenario)


def test_a_watch_on_one_object_shows_it_whole():
    async def scenario(client: Client) -> None:
        await client.ask("POST", SUMMARIES, summary("a"))
        listed = (await client.ask("GET", SUMMARIES, query={"fieldSelector": "metadata.name=a"})).json
        query = {"fieldSelector": "metadata.name=a", "resourceVersion": listed["metadata"]["resourceVersion"]}
        watch = await client.watch(SUMMARIES, query)
        patch = {"spec": {"severities": {"critical": 9}}}
        await client.ask(
            "PATCH", f"{SUMMARIES}/a", patch, headers={"content-type": "application/merge-patch+json"}
        )
        event = await watch.next()
        assert event["object"]["spec"]["severities"]["critical"] == 9
        await watch.leave()

    run(scenario)


def test_known_servers_are_a_list():
    async def scenario(client: Client) -> None:
        spec = [{"ipBlock": "10.0.0.0/8", "server": "s", "name": "n"}]
        await make(client, "KnownServer", f"{ROOT}/knownservers", "ours", spec=spec)
        answer = await client.ask("GET", f"{ROOT}/knownservers", query=WHOLE)
        assert orjson.loads(answer.content)["items"][0]["spec"] == spec

    run(scenario)


IMAGE_RESULTS = {
    "vulnerabilitymanifests": "VulnerabilityManifest",
    "sbomsyfts": "SBOMSyft",
    "sbomsyftfiltereds": "SBOMSyftFiltered",
}


class NotIn(Everybody):
    """Everything may be read, but for what is in one namespace."""

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self.namespace = namespace

    async def check(self, user: User, asked: Asked, name: str = "") -> None:
        if asked.verb == "get" and asked.namespace == self.namespace:
            raise refusal.forbidden("no")


@pytest.mark.parametrize("plural", IMAGE_RESULTS)
def test_results_of_images_are_found_whatever_namespace_they_are_kept_in(plural: str):
    async def scenario(client: Client) -> None:
        await make(client, IMAGE_RESULTS[plural], f"{ROOT}/namespaces/leadline/{plural}", "nginx", spec={})
        answer = await client.ask("GET", f"{ROOT}/namespaces/kubescape/{plural}/nginx")
        assert (answer.code, answer.json["metadata"]["namespace"]) == (200, "leadline")
        for path in (f"namespaces/shop/{plural}/nginx", f"namespaces/kubescape/{plural}/other"):
            assert (await client.ask("GET", f"{ROOT}/{path}")).code == 404
        await make(client, IMAGE_RESULTS[plural], f"{ROOT}/namespaces/kubescape/{plural}", "nginx", spec={})
        answer = await client.ask("GET", f"{ROOT}/namespaces/kubescape/{plural}/nginx")
        assert answer.json["metadata"]["namespace"] == "kubescape"

    run(scenario)


def test_results_of_images_are_not_found_where_the_user_may_not_read_them():
    async def scenario() -> None:
        client = Client(NotIn("leadline"))
        path = f"{ROOT}/namespaces/leadline/vulnerabilitymanifests"
        await make(client, "VulnerabilityManifest", path, "nginx", spec={})
        answer = await client.ask("GET", f"{ROOT}/namespaces/kubescape/vulnerabilitymanifests/nginx")
        assert answer.code == 404

    asyncio.run(scenario())
