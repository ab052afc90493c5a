"""What a server that starts does not serve yet is asked for again."""

import asyncio
from typing import Any

import httpx2
import orjson
import pytest

from leadline.api.carriers.remote import GROUPS, RemoteStore
from leadline.api.selection import Key
from leadline.errors import StoreError

KINDS: dict[str, dict[str, Any]] = {
    GROUPS[0]: {
        "name": "workloadconfigurationscans",
        "kind": "WorkloadConfigurationScan",
        "namespaced": True,
    },
    GROUPS[1]: {"name": "scanruns", "kind": "ScanRun", "namespaced": False},
}


@pytest.mark.parametrize("first", GROUPS)
def test_a_group_that_comes_after_another_is_found(first: str):
    served = {first}

    def answer(request: httpx2.Request) -> httpx2.Response:
        group_version = request.url.path.removeprefix("/apis/")
        if group_version in served:
            return httpx2.Response(200, content=orjson.dumps({"resources": [KINDS[group_version]]}))
        return httpx2.Response(404, content=b"{}")

    async def look() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="https://example.org")
        store = RemoteStore(http)
        (late,) = set(GROUPS) - {first}
        for group_version, is_found in ((first, True), (late, False)):
            key = Key(KINDS[group_version]["name"], "", "one")
            if is_found:
                assert await store.get(key) is None
            else:
                with pytest.raises(StoreError, match="serves no"):
                    await store.get(key)
        served.add(late)
        assert await store.get(Key(KINDS[late]["name"], "", "one")) is None
        await http.aclose()

    asyncio.run(look())
