"""Writes that were refused are counted by kind, writer and reason; reads and what the client did are not."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence

from asgi import SUMMARIES, Client, Everybody, run, summary
from lone_server import LoneServer
from processes import free_port

from leadline.api.catalogue import KINDS
from leadline.api.protocol import AwayError, Entry, FullError, Put
from leadline.api.selection import Key
from leadline.programs.apiserver.app import App
from leadline.programs.apiserver.exchange import Exchange
from leadline.programs.apiserver.refused_writes import NAME, RefusedWrites
from leadline.programs.serving.cluster.access import User
from memory_store import MemoryStore


class Full(MemoryStore):
    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        raise FullError("the disk is full")


class Account(Everybody):
    def __init__(self, name: str, *refused: str) -> None:
        super().__init__(*refused)
        self.name = name

    async def user_of(self, exchange: Exchange) -> User:
        return User(self.name)


OURS, THEIRS = "system:serviceaccount:leadline:operator", "ann"


def lines(client: Client) -> list[str]:
    shown = client.app.refused_writes.text().splitlines()
    return [line.removeprefix(NAME) for line in shown if line[0] != "#"]


def with_app(client: Client, access: Everybody, store: MemoryStore) -> Client:
    namespaces = client.app._writes._namespaces
    client.store, client.access = store, access
    client.app = App(store, KINDS, access, namespaces, own_namespace="leadline")
    return client


def test_a_full_disk_is_counted_for_who_could_not_write():
    async def scenario(client: Client) -> None:
        with_app(client, Account(OURS), Full())
        row = 'reason="InsufficientStorage",resource="workloadconfigurationscansummaries"'
        for number, name in enumerate(("a", "b"), 1):
            assert (await client.ask("POST", SUMMARIES, summary(name))).code == 507
            assert lines(client) == [f'{{by="leadline",{row}}} {number}']
        with_app(client, Account(THEIRS), client.store)
        assert (await client.ask("POST", SUMMARIES, summary("a"))).code == 507
        assert lines(client) == [f'{{by="others",{row}}} 1']

    run(scenario)


class Away(MemoryStore):
    async def get(self, key: Key) -> Entry | None:
        raise AwayError("the store in PostgreSQL: connection refused")

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        raise AwayError("the store in PostgreSQL: connection refused")


def test_while_the_database_is_away_clients_are_asked_to_come_again():
    async def scenario(client: Client) -> None:
        with_app(client, Account(OURS), Away())
        for answer in (
            await client.ask("POST", SUMMARIES, summary("a")),
            await client.ask("GET", f"{SUMMARIES}/a"),
        ):
            assert (answer.code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json["reason"] == "ServiceUnavailable"
        assert lines(client) == [
            '{by="leadline",reason="ServiceUnavailable",resource="workloadconfigurationscansummaries"} 1'
        ]

    run(scenario)


def test_each_reason_is_counted_once_and_reads_are_not():
    async def scenario(client: Client) -> None:
        with_app(client, Account(OURS, "delete", "list"), client.store)
        assert (await client.ask("POST", SUMMARIES, summary("a"))).code == 201
        assert (await client.ask("POST", SUMMARIES, summary("a"))).code == 409
        assert (await client.ask("DELETE", f"{SUMMARIES}/a")).code == 403
        assert (await client.ask("POST", SUMMARIES, b"{")).code == 400
        assert (await client.ask("GET", SUMMARIES)).code == 403
        assert (await client.ask("GET", f"{SUMMARIES}/missing")).code == 404
        row = 'resource="workloadconfigurationscansummaries"'
        assert lines(client) == [
            f'{{by="leadline",reason="{reason}",{row}}} 1'
            for reason in ("AlreadyExists", "BadRequest", "Forbidden")
        ]

    run(scenario)


def post(server: LoneServer) -> int:
    request = urllib.request.Request(
        f"https://{server.host}:{server.port}{SUMMARIES.replace('/shop/', '/default/')}",
        json.dumps(summary("a")).encode(),
        {"content-type": "application/json", "authorization": "Bearer writer"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=30, context=server.tls()) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_prometheus_is_answered_in_plain_http():
    port = free_port()
    with LoneServer(f"--metrics-port={port}") as server:
        assert [post(server) for _ in range(2)] == [201, 409]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            last = answer.read().decode().splitlines()[-1]
    assert (
        last
        == f'{NAME}{{by="others",reason="AlreadyExists",resource="workloadconfigurationscansummaries"}} 1'
    )


def test_nothing_refused_is_a_metric_without_rows():
    assert RefusedWrites().text().splitlines()[-1] == f"# TYPE {NAME} counter"
