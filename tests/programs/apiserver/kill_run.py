"""Kills our server again and again while it is written to and watched, and holds what it acknowledged against what is there."""

import asyncio
import hashlib
import json
import random
import signal
from typing import Any

from asgi import ROOT as API
from https_client import Answered, Connection
from lone_server import LoneServer
from msgspec import Struct, field

PLURAL = "workloadconfigurationscansummaries"
PATH = f"{API}/namespaces/default/{PLURAL}"
_WRITERS = 6
_LOST = (OSError, asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError)
"""What a client whose server is killed meets."""


class KillRun(Struct):
    """What was learnt."""

    acknowledged: dict[tuple[str, int], int] = field(default_factory=dict)
    """(name, number of the write) to its revision."""
    newest: dict[str, int] = field(default_factory=dict)
    """Of each name the newest acknowledged write."""
    sent: dict[str, int] = field(default_factory=dict)
    """Of each name the newest write that was sent at all."""
    seen: list[tuple[int, str, int]] = field(default_factory=list)
    """By the watch: (revision, name, number), in the order they came."""
    problems: list[str] = field(default_factory=list)
    restarts: int = 0
    watches: int = 0
    """How often the watch was opened."""


def body(name: str, number: int) -> bytes:
    """An object whose parts all say the same, so that a torn one shows."""
    text = hashlib.sha256(f"{name}/{number}".encode()).hexdigest()
    controls = {
        f"C-{n:04}": {
            "controlID": text,
            "status": {"status": "failed", "subStatus": str(number), "info": text},
        }
        for n in range(20)
    }
    whole = {
        "apiVersion": API.removeprefix("/apis/"),
        "kind": "WorkloadConfigurationScanSummary",
        "metadata": {"name": name, "annotations": {"number": str(number)}},
        "spec": {"severities": {"critical": number}, "controls": controls},
    }
    return json.dumps(whole).encode()


def torn(whole: dict[str, Any]) -> bool:
    """Whether an object is not exactly one that was written."""
    name = whole["metadata"]["name"]
    number = int(whole["metadata"]["annotations"]["number"])
    wanted = json.loads(body(name, number))["spec"]
    return bool(
        whole["spec"]["controls"] != wanted["controls"] or whole["spec"]["severities"]["critical"] != number
    )


async def kill_again_and_again(server: LoneServer, times: int, seed: int = 1) -> KillRun:
    """``server`` is started by this, and left stopped."""
    run, rnd = KillRun(), random.Random(seed)
    await asyncio.to_thread(server.start)
    watching = asyncio.ensure_future(_watch(server, run))
    for round_ in range(times):
        writers = [asyncio.ensure_future(_write(server, run, f"w{n}-{round_ % 7}")) for n in range(_WRITERS)]
        wanted = len(run.acknowledged) + rnd.randrange(1, 40)
        while len(run.acknowledged) < wanted and not all(writer.done() for writer in writers):
            await asyncio.sleep(0)
            await asyncio.sleep(rnd.random() * 0.01)
        await asyncio.to_thread(server.stop, signal.SIGKILL)
        await asyncio.gather(*writers)
        await asyncio.to_thread(server.start)
        run.restarts += 1
        await _compare(server, run)
    await _until_seen(run)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    _check(run)
    await asyncio.to_thread(server.stop)
    return run


async def _write(server: LoneServer, run: KillRun, name: str) -> None:
    """Puts the next number again and again, until the server is gone."""
    try:
        async with Connection.to(server) as connection:
            there = await connection.ask("GET", f"{PATH}/{name}")
            revision = there.json["metadata"]["resourceVersion"] if there.code == 200 else ""
            while True:
                number = run.sent[name] = run.sent.get(name, 0) + 1
                answer = await _put(connection, name, number, revision)
                if answer.code in (429, 503):
                    continue
                if answer.code not in (200, 201):
                    run.problems.append(f"{name} {number}: {answer.code} {answer.content[:300]!r}")
                    return
                revision = answer.json["metadata"]["resourceVersion"]
                run.acknowledged[name, number] = int(revision)
                run.newest[name] = number
    except _LOST:
        return


async def _put(connection: Connection, name: str, number: int, revision: str) -> Answered:
    content = body(name, number)
    if not revision:
        return await connection.ask("POST", PATH, content)
    whole = json.loads(content)
    whole["metadata"]["resourceVersion"] = revision
    return await connection.ask("PUT", f"{PATH}/{name}", json.dumps(whole).encode())


async def _watch(server: LoneServer, run: KillRun) -> None:
    """One watch that goes on where it was, over every restart."""
    since = "0"
    while not run.problems:
        try:
            async with Connection.to(server) as connection:
                if since == "0":
                    since = (await connection.ask("GET", PATH)).json["metadata"]["resourceVersion"]
                path = f"{PATH}?watch=1&allowWatchBookmarks=true&resourceVersion={since}&fullSpec=true"
                run.watches += 1
                async for line in connection.lines(path):
                    since = _heard(run, json.loads(line)) or since
        except _LOST:
            await asyncio.sleep(0.02)


def _heard(run: KillRun, event: dict[str, Any]) -> str:
    """The revision to go on from."""
    whole = event["object"]
    if event["type"] == "ERROR":
        if whole.get("code") != 503:
            run.problems.append(f"the watch: {whole}")
        return ""
    since = str(whole["metadata"]["resourceVersion"])
    if event["type"] != "BOOKMARK":
        if torn(whole):
            run.problems.append(f"a torn event: {whole}")
        run.seen.append(
            (int(since), whole["metadata"]["name"], int(whole["metadata"]["annotations"]["number"]))
        )
    return since


async def _compare(server: LoneServer, run: KillRun) -> None:
    """Every name holds its newest acknowledged write, or one that was under way when the server was killed."""
    async with Connection.to(server) as connection:
        listed = await connection.ask("GET", f"{PATH}?resourceVersion=fullSpec")
    found = {}
    for whole in listed.json["items"]:
        name = whole["metadata"]["name"]
        found[name] = int(whole["metadata"]["annotations"]["number"])
        if torn(whole):
            run.problems.append(f"a torn object: {name}")
    for name, number in run.newest.items():
        if not number <= found.get(name, 0) <= run.sent[name]:
            run.problems.append(f"{name}: {number} was acknowledged, {found.get(name)} is there")


async def _until_seen(run: KillRun) -> None:
    newest = max(run.acknowledged.values(), default=0)
    async with asyncio.timeout(60):
        while not run.problems and (not run.seen or run.seen[-1][0] < newest):
            await asyncio.sleep(0.05)


def _check(run: KillRun) -> None:
    revisions = [revision for revision, _, _ in run.seen]
    if revisions != sorted(set(revisions)):
        run.problems.append("the watch went back, or saw a revision twice")
    if len(set(run.acknowledged.values())) != len(run.acknowledged):
        run.problems.append("a revision was given twice")
    seen = {(name, number): revision for revision, name, number in run.seen}
    missed = [key for key, revision in run.acknowledged.items() if seen.get(key) != revision]
    if missed:
        run.problems.append(f"the watch has a gap: {len(missed)} writes, such as {missed[:3]}")
