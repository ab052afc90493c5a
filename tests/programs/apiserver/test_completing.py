"""A file that a command wrote, opened by the server."""

import asyncio

import orjson
from asgi import ROOT, TABLE, Client, run

from leadline.api.protocol import Content, Put
from leadline.api.selection import Key

PLURAL = "workloadconfigurationscansummaries"
PATH = f"{ROOT}/namespaces/shop/{PLURAL}"


async def put(client: Client, name: str) -> None:
    """As ``leadline scan --store FILE`` does."""
    metadata = orjson.dumps({"name": name, "namespace": "shop"})
    body = b'{"spec":{"severities":{"critical":3,"high":1,"medium":0,"low":0,"unknown":0},"controls":{}}}'
    await client.store.put(Put(Key(PLURAL, "shop", name), Content(metadata, body=body)))


def test_objects_get_an_identity_and_the_cells_of_their_tables():
    async def scenario(client: Client) -> None:
        await put(client, "web")
        await client.app.prepare()
        table = (await client.ask("GET", PATH, headers={"accept": TABLE})).json
        (row,) = table["rows"]
        assert len(row["cells"]) == len(table["columnDefinitions"])
        assert row["cells"][:3] == ["web", 3, 1]
        metadata = row["object"]["metadata"]
        assert metadata["uid"]
        assert metadata["creationTimestamp"]
        revision = client.store.revision
        await client.app.prepare()
        assert client.store.revision == revision

    run(scenario)


def test_their_namespace_is_added_up():
    async def scenario(client: Client) -> None:
        await put(client, "web")
        await client.app.prepare()
        computing = asyncio.ensure_future(client.app.computing.run())
        try:
            await asyncio.sleep(0)
            sums = (await client.ask("GET", f"{ROOT}/configurationscansummaries/shop")).json
            assert sums["spec"]["severities"]["critical"] == 3
        finally:
            computing.cancel()

    run(scenario)


def test_a_damaged_object_stops_nothing_and_stays_as_it_is():
    async def scenario(client: Client) -> None:
        damaged = Put(Key(PLURAL, "shop", "bad"), Content(b'\x9d{"name":"bad"'))
        await client.store.put(damaged)
        await put(client, "web")
        await client.app.prepare()
        assert (await client.ask("GET", f"{PATH}/web")).json["metadata"]["uid"]
        left = await client.store.get(damaged.key)
        assert left is not None
        assert left.content == damaged.content

    run(scenario)
