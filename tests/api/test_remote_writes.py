"""What is written at a time in a cluster ends together, also where a part is refused."""

import asyncio
from typing import Any

import httpx2
import orjson
import pytest

from leadline.api.carriers.remote import GROUPS, RemoteStore
from leadline.api.protocol import ABSENT, Content, EndingError, Put
from leadline.api.selection import Key

RESOURCE = {"name": "runtimealerts", "kind": "RuntimeAlert", "namespaced": True}
ENDING = {
    "message": "namespace old is being terminated",
    "details": {"causes": [{"reason": "NamespaceTerminating"}]},
}


def test_no_write_is_under_way_once_one_was_refused():
    written: list[str] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            resources = [RESOURCE] if request.url.path.endswith(GROUPS[1]) else []
            return httpx2.Response(200, content=orjson.dumps({"resources": resources}))
        if "/old/" in request.url.path:
            return httpx2.Response(403, content=orjson.dumps(ENDING))
        for _ in range(20):
            await asyncio.sleep(0)
        whole = orjson.loads(request.content)
        written.append(whole["metadata"]["name"])
        whole["metadata"]["resourceVersion"] = "7"
        return httpx2.Response(201, content=orjson.dumps(whole))

    async def write() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="https://example.org")
        store = RemoteStore(http)
        puts = [
            Put(Key("runtimealerts", namespace, "a"), Content(b"{}", body=b"{}"), ABSENT)
            for namespace in ("old", "shop")
        ]
        with pytest.raises(EndingError, match="old is being terminated"):
            await store.put_all(puts)
        assert written == ["a"]
        await http.aclose()

    asyncio.run(write())


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b" { }\n",
        b'{"spec":{"a":[1,"}"]}}',
        b'\n{ "spec" : 1 }\n',
        b'{"metadata":{"name":"other","namespace":"kube-system"},"spec":1}',
    ],
)
def test_a_body_is_written_as_it_is_and_changes_neither_name_nor_place(body: bytes):
    written: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            resources = [RESOURCE] if request.url.path.endswith(GROUPS[1]) else []
            return httpx2.Response(200, content=orjson.dumps({"resources": resources}))
        written.append(whole := orjson.loads(request.content))
        return httpx2.Response(
            201, content=orjson.dumps({**whole, "metadata": {**whole["metadata"], "resourceVersion": "7"}})
        )

    async def write() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="https://example.org")
        store = RemoteStore(http)
        await store.put(Put(Key("runtimealerts", "shop", "a"), Content(b'{"labels":{}}', body=body), ABSENT))
        await http.aclose()

    asyncio.run(write())
    ours = {"labels": {}, "name": "a", "namespace": "shop"}
    assert written == [
        {"kind": "RuntimeAlert", "apiVersion": GROUPS[1], **orjson.loads(body), "metadata": ours}
    ]
