"""client-go's own caches over our kinds, through kills, stops and a history that is too short."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from asgi import ROOT as API
from asgi import summary
from binaries import reflector
from https_client import Connection
from lone_server import LoneServer
from running import required

PLURAL = "workloadconfigurationscansummaries"
PATH = f"{API}/namespaces/default/{PLURAL}"
RUN = {"apiVersion": "leadline.dev/v1alpha1", "kind": "ScanRun", "spec": {}, "status": {}}
KINDS = {
    PLURAL: f"{API}/{PLURAL}",
    "configurationscansummaries": f"{API}/configurationscansummaries",
    "scanruns": "/apis/leadline.dev/v1alpha1/scanruns",
}
HISTORY = 100
_FINE = {"Expired", "ServiceUnavailable", "Gone", "Timeout"}
_AWAY = (
    "connection refused",
    "connection reset",
    "EOF",
    "broken pipe",
    "http2: client connection",
    "unexpected",
)
_PATIENCE_S = 90


class Reflector:
    def __init__(self, program: Path, server: LoneServer) -> None:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": f"https://{server.host}:{server.port}",
                        "certificate-authority": str(server.authority.file),
                    },
                }
            ],
            "users": [{"name": "u", "user": {"token": "anyone"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }
        file = server.folder / "kubeconfig"
        file.write_text(yaml.safe_dump(config))
        words = [path.removeprefix("/apis/") for path in KINDS.values()]
        self._child = subprocess.Popen(
            [str(program), str(file), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def state(self) -> Any:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def pause(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self._child.kill()
        self._child.communicate()


@pytest.fixture
def server() -> Iterator[LoneServer]:
    with LoneServer(f"--history={HISTORY}") as server:
        yield server


@pytest.fixture
def caches(server: LoneServer) -> Iterator[Reflector]:
    caches = Reflector(required(reflector), server)
    yield caches
    caches.stop()


async def write(server: LoneServer, count: int, round_: int) -> None:
    """Objects that are made, changed and deleted."""
    async with Connection.to(server) as connection:
        for number in range(count):
            name = f"s{number % 40}"
            there = await connection.ask("GET", f"{PATH}/{name}")
            if there.code == 404:
                made = await connection.ask("POST", PATH, json.dumps(summary(name, number)).encode())
                assert made.code == 201, made.content
            elif number % 7 == 0:
                assert (await connection.ask("DELETE", f"{PATH}/{name}")).code == 200
            else:
                whole = {**there.json, "spec": summary(name, number + round_)["spec"]}
                put = await connection.ask("PUT", f"{PATH}/{name}", json.dumps(whole).encode())
                assert put.code == 200, put.content
        run = {**RUN, "metadata": {"name": f"run-{round_}"}}
        made = await connection.ask("POST", KINDS["scanruns"], json.dumps(run).encode())
        assert made.code == 201, made.content


async def there(server: LoneServer) -> dict[str, dict[str, str]]:
    found = {}
    async with Connection.to(server) as connection:
        for plural, path in KINDS.items():
            items = (await connection.ask("GET", path)).json["items"]
            found[plural] = {
                f"{one['metadata'].get('namespace', '')}/{one['metadata']['name']}": one["metadata"][
                    "resourceVersion"
                ]
                for one in items
            }
    return found


async def until_equal(server: LoneServer, caches: Reflector) -> Any:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            wanted, state = await there(server), caches.state()
            if state["synced"] and state["objects"] == wanted:
                return state
            await asyncio.sleep(0.2)


def test_caches_hold_what_is_there_after_kills_stops_and_a_short_history(
    server: LoneServer, caches: Reflector
):
    async def scenario() -> None:
        await write(server, 40, 0)
        await until_equal(server, caches)
        for round_, how in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL), 1):
            await write(server, 30, round_)
            await asyncio.to_thread(server.stop, how)
            await asyncio.to_thread(server.start)
            # More than the history holds, while the caches may not have come back.
            await write(server, 2 * HISTORY, 10 * round_)
            await until_equal(server, caches)
        state = caches.state()
        assert state["backwards"] == []
        assert state["events"] > 100
        strange = [e for e in state["errors"] if e not in _FINE and not any(word in e for word in _AWAY)]
        assert strange == []

    asyncio.run(scenario())


def test_a_cache_that_comes_back_too_late_begins_anew(server: LoneServer, caches: Reflector):
    async def scenario() -> None:
        await write(server, 40, 0)
        since = (await until_equal(server, caches))["objects"][PLURAL]["default/s39"]
        caches.pause()
        try:
            await asyncio.to_thread(server.stop, signal.SIGKILL)
            await asyncio.to_thread(server.start)
            await write(server, 3 * HISTORY, 1)
            await until_gone(server, since)
        finally:
            caches.resume()
        state = await until_equal(server, caches)
        assert state["backwards"] == []
        assert "Expired" in state["errors"]

    asyncio.run(scenario())


async def until_gone(server: LoneServer, since: str) -> None:
    """Until no watch can start at ``since`` any more."""
    async with asyncio.timeout(_PATIENCE_S), Connection.to(server) as connection:
        path = f"{PATH}?watch=1&timeoutSeconds=1&resourceVersion={since}"
        while (await connection.ask("GET", path)).code != 410:
            await asyncio.sleep(0.2)
