"""What the store and the API server cost: ``python bench/store.py [--alone] [--objects N] [--kills N] [--server-kills N]``.

Objects of 10 KB; a server over a file, commits with ``synchronous=FULL``, over TLS with 8 warm connections; the same
through kube-apiserver, or with ``--alone`` beside a stand-in for it. Prints a line for each figure; on a busy machine
only the CPU time of the server says something.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
for folder in ("src", "tests", "tests/cluster", "tests/programs/apiserver", "tests/api"):
    sys.path.insert(0, str(ROOT / folder))

import uvloop  # noqa: E402
from asgi import METADATA, METADATA_LIST, TABLE  # noqa: E402
from asgi import ROOT as API  # noqa: E402
from extension import Extension  # noqa: E402
from kill_run import kill_again_and_again  # noqa: E402
from lone_server import LoneServer  # noqa: E402
from store_carriers import EVERYTHING  # noqa: E402

from leadline.api.carriers import local_care  # noqa: E402
from leadline.api.carriers.local import LocalStore  # noqa: E402
from leadline.api.protocol import Content, Paging, Put  # noqa: E402
from leadline.api.selection import Key  # noqa: E402

PLURAL = "workloadconfigurationscans"
PATH = f"{API}/namespaces/default/{PLURAL}"
CONNECTIONS = 8
WATCHERS = 1000
FIRST = 3000
"""Objects that the times are taken with; the others fill the store."""


def sized(name: str, seed: int = 0) -> dict[str, Any]:
    """A scan of about 10 KB: 20 controls with a rule each."""
    rnd = random.Random(f"{name}{seed}")
    controls = {}
    for number in range(20):
        identity = f"C-{rnd.randrange(300):04}"
        path = f"spec.template.spec.containers[{rnd.randrange(4)}].securityContext.allowPrivilegeEscalation"
        controls[identity] = {
            "controlID": identity,
            "name": f"control {identity}",
            "severity": {"severity": rnd.choice(["High", "Medium", "Low"]), "scoreFactor": number % 10},
            "status": {"status": rnd.choice(["passed", "failed"]), "subStatus": "", "info": ""},
            "rules": [
                {
                    "name": f"rule-of-{identity.lower()}",
                    "status": {"status": "failed", "subStatus": ""},
                    "paths": [
                        {"failedPath": path, "fixPath": path, "fixPathValue": "false", "fixCommand": ""}
                    ],
                }
            ],
        }
    return {
        "apiVersion": API.removeprefix("/apis/"),
        "kind": "WorkloadConfigurationScan",
        "metadata": {
            "name": name,
            "labels": {"kubescape.io/workload-kind": "Deployment", "kubescape.io/workload-name": name},
        },
        "spec": {"controls": controls, "relatedObjects": []},
    }


class Connection:
    """One warm connection: a request at a time."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    async def open(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(
            self._server.host, self._server.port, ssl=self._server.tls, limit=2**26
        )
        return self

    async def ask(self, method: str, path: str, body: bytes = b"", accept: str = "application/json") -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._server.host}\r\nAccept: {accept}\r\n{self._server.credentials}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        head_bytes = await self._reader.readuntil(b"\r\n\r\n")
        lower = head_bytes.lower()
        if b"transfer-encoding: chunked" in lower:
            content = await self._chunks()
        else:
            length = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            content = await self._reader.readexactly(length)
        if not head_bytes.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(content.decode()[:500])
        return content

    async def _chunks(self) -> bytes:
        pieces = []
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            pieces.append(await self._reader.readexactly(size))
            await self._reader.readline()
        await self._reader.readline()
        return b"".join(pieces)

    async def watch(self, path: str, heard: Callable[[int], None]) -> None:
        """Reads events for as long as it is let."""
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {self._server.host}\r\nAccept: {METADATA}\r\n{self._server.credentials}\r\n".encode()
        )
        await self._reader.readuntil(b"\r\n\r\n")
        heard(0)
        while content := await self._reader.read(2**20):
            heard(content.count(b'{"type":'))

    def close(self) -> None:
        self._writer.transport.abort()


class Server:
    def __init__(self, host: str, port: int, tls: ssl.SSLContext, token: str = "") -> None:
        self.host, self.port, self.tls = host, port, tls
        self.credentials = f"Authorization: Bearer {token}\r\n" if token else ""

    async def connections(self, count: int) -> list[Connection]:
        return [await Connection(self).open() for _ in range(count)]


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> tuple[float, float]:
    """(now, at most)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024


async def timed(
    title: str, work: Callable[[Connection, int], Any], connections: list[Connection], count: int, pid: int
) -> None:
    times: list[float] = []
    numbers = iter(range(count))

    async def worker(connection: Connection) -> None:
        for number in numbers:
            begin = time.perf_counter()
            await work(connection, number)
            times.append(time.perf_counter() - begin)

    cpu, begin = cpu_s(pid), time.perf_counter()
    await asyncio.gather(*map(worker, connections))
    took, used = time.perf_counter() - begin, cpu_s(pid) - cpu
    times.sort()
    p50, p99 = times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3
    print(
        f"{title:46} {count / took:7.0f}/s  p50 {p50:7.2f} ms  p99 {p99:7.2f} ms  cpu {used / count * 1e3:6.2f} ms",
        flush=True,
    )


REVISION = b'"resourceVersion":"'


def revision_in(content: bytes) -> str:
    """Without parsing the rest: the client shares the machine."""
    start = content.index(REVISION) + len(REVISION)
    return content[start : content.index(b'"', start)].decode()


def with_revision(whole: dict[str, Any]) -> Callable[[str], bytes]:
    whole["metadata"]["resourceVersion"] = "@@"
    before, after = json.dumps(whole).encode().split(b"@@")
    return lambda revision: before + revision.encode() + after


async def at_the_server(ours: Server, pid: int, objects: int) -> dict[int, str]:
    connections = await ours.connections(CONNECTIONS)
    bodies = [json.dumps(sized(f"scan-{n:06}")).encode() for n in range(min(objects, FIRST))]
    later = [with_revision(sized(f"scan-{n:06}", n + 1)) for n in range(len(bodies))]
    print(f"objects of {len(bodies[0])} bytes; server alone {memory_mb(pid)[0]:.0f} MB", flush=True)
    revisions: dict[int, str] = {}

    async def create(connection: Connection, n: int) -> None:
        revisions[n] = revision_in(await connection.ask("POST", PATH, bodies[n]))

    async def put(connection: Connection, n: int) -> None:
        answer = await connection.ask("PUT", f"{PATH}/scan-{n:06}", later[n](revisions[n]))
        revisions[n] = revision_in(answer)

    async def get(connection: Connection, n: int) -> None:
        await connection.ask("GET", f"{PATH}/scan-{n % len(bodies):06}")

    await timed("create", create, connections, len(bodies), pid)
    await timed("put", put, connections, len(bodies), pid)
    await timed("get, 8 connections", get, connections, 10_000, pid)
    await timed("get, 1 connection", get, connections[:1], 2_000, pid)
    print(f"after {len(bodies)} objects: {memory_mb(pid)[0]:.0f} MB", flush=True)
    await fill(connections, objects)
    for title, accept in (("metadata", METADATA_LIST), ("table", TABLE), ("zeros", "application/json")):
        await timed(
            f"list of {objects} as {title}",
            lambda c, n, a=accept: c.ask("GET", PATH, accept=a),
            connections[:1],
            5,
            pid,
        )
    await timed(
        "list of all, whole",
        lambda c, n: c.ask("GET", f"{PATH}?resourceVersion=fullSpec"),
        connections[:1],
        3,
        pid,
    )
    now, peak = memory_mb(pid)
    print(f"memory after {objects} objects and lists: {now:.0f} MB, at most {peak:.0f} MB", flush=True)
    await watchers(ours, connections, pid)
    return revisions


async def fill(connections: list[Connection], objects: int) -> None:
    begin = time.perf_counter()
    numbers = iter(range(FIRST, objects))

    async def worker(connection: Connection) -> None:
        for n in numbers:
            await connection.ask("POST", PATH, json.dumps(sized(f"scan-{n:06}")).encode())

    await asyncio.gather(*map(worker, connections))
    if objects > FIRST:
        print(f"filled up to {objects} in {time.perf_counter() - begin:.0f} s", flush=True)


async def through_the_aggregator(extension: Extension, revisions: dict[int, str]) -> None:
    tls = ssl.create_default_context(cafile=extension.authority_file)
    kube = Server("127.0.0.1", extension.port, tls, extension.token("writer"))
    connections = await kube.connections(CONNECTIONS)
    pid = extension.our_pid

    later = [with_revision(sized(f"scan-{n:06}", n + 2)) for n in range(1000)]

    async def put(connection: Connection, n: int) -> None:
        await connection.ask("PUT", f"{PATH}/scan-{n:06}", later[n](revisions[n]))

    async def get(connection: Connection, n: int) -> None:
        await connection.ask("GET", f"{PATH}/scan-{n % 1000:06}")

    await timed("put through kube-apiserver", put, connections, min(1000, len(revisions)), pid)
    await timed("get through kube-apiserver", get, connections, 2_000, pid)


async def watchers(ours: Server, connections: list[Connection], pid: int) -> None:
    heard = ready = 0

    def count(events: int) -> None:
        nonlocal heard, ready
        ready += events == 0
        heard += events

    listed = json.loads(await connections[0].ask("GET", f"{PATH}?limit=1", accept=METADATA_LIST))
    since = listed["metadata"]["resourceVersion"]
    watching = await ours.connections(WATCHERS)
    path = f"{PATH}?watch=1&resourceVersion={since}"
    tasks = [asyncio.ensure_future(connection.watch(path, count)) for connection in watching]
    while ready < WATCHERS:
        await asyncio.sleep(0.05)
    writes = 50
    cpu, begin = cpu_s(pid), time.perf_counter()
    for n in range(writes):
        await connections[0].ask("POST", PATH, json.dumps(sized(f"watched-{n:04}")).encode())
    while heard < WATCHERS * writes:
        await asyncio.sleep(0.01)
    took = time.perf_counter() - begin
    print(
        f"{WATCHERS} watchers: {heard / took:.0f} events/s, server cpu {(cpu_s(pid) - cpu) / heard * 1e6:.0f} us an event, {memory_mb(pid)[0]:.0f} MB",
        flush=True,
    )
    for task, connection in zip(tasks, watching, strict=True):
        task.cancel()
        connection.close()


async def at_the_file(folder: Path) -> None:
    store = LocalStore(folder / "batch.db")
    puts = []
    for n in range(10_000):
        whole = sized(f"scan-{n:06}")
        metadata, body = json.dumps(whole.pop("metadata")), json.dumps({"spec": whole["spec"]})
        puts.append(
            Put(Key(PLURAL, "default", f"scan-{n:06}"), Content(metadata.encode(), b"[1]", body.encode()))
        )
    for title in ("without a dictionary", "with one"):
        begin = time.perf_counter()
        await store.put_all(puts)
        took = time.perf_counter() - begin
        size = (folder / "batch.db").stat().st_size + (folder / "batch.db-wal").stat().st_size
        print(
            f"batch of 10000 at the file, {title}: {10_000 / took:.0f}/s; files {size / 2**20:.0f} MB",
            flush=True,
        )
        await store.tend()
    begin = time.perf_counter()
    page = await store.list(EVERYTHING, Paging(limit=20_000, max_bytes=2**40))
    print(
        f"list of {len(page.entries)} whole at the file: {(time.perf_counter() - begin) * 1e3:.0f} ms",
        flush=True,
    )
    await store.close()


def kills(folder: Path, times: int) -> None:
    """A writer killed again and again: nothing that was acknowledged may be lost, no revision given twice."""
    path, told = folder / "killed.db", {}
    writer = ROOT / "tests" / "outputs" / "store" / "store_writer.py"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    rnd = random.Random(1)
    for number in range(times):
        command = [sys.executable, str(writer), str(path), f"run{number}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            for _ in range(rnd.randrange(1, 60)):
                name, revision = child.stdout.readline().split()
                told[name] = int(revision)
            child.send_signal(signal.SIGKILL)
            for line in child.stdout:
                if line.endswith("\n"):
                    name, revision = line.split()
                    told[name] = int(revision)
    problems = list(local_care.check(path))

    async def lost() -> int:
        store = LocalStore(path)
        found: dict[str, int] = {}
        page = await store.list(EVERYTHING, Paging(limit=10**9, max_bytes=2**40))
        found.update({entry.key.name: entry.revision for entry in page.entries})
        await store.close()
        return sum(found.get(name) != revision for name, revision in told.items())

    doubled = len(told) - len(set(told.values()))
    print(
        f"{times} kills: {len(told)} acknowledged writes, {asyncio.run(lost())} lost, {doubled} revisions twice, {len(problems)} damaged",
        flush=True,
    )


def server_kills(times: int) -> None:
    """The server killed under load, its clients held against it: see ``kill_run``."""
    server = LoneServer()
    try:
        run = asyncio.run(kill_again_and_again(server, times))
    finally:
        server.stop()
        server.close()
    for problem in run.problems[:10]:
        print(f"  PROBLEM: {problem}")
    print(
        f"{run.restarts} kills of the server: {len(run.acknowledged)} acknowledged writes, {len(run.seen)} events seen "
        f"by one watch opened {run.watches} times, {len(run.problems)} problems",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--server-kills", type=int, default=0)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--file-only", action="store_true")
    chosen = parser.parse_args()
    if chosen.server_kills:
        server_kills(chosen.server_kills)
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(at_the_file(Path(folder)))
        if chosen.kills:
            kills(Path(folder), chosen.kills)
    if chosen.file_only:
        return
    if chosen.alone:
        with LoneServer() as lone:
            ours = Server(lone.host, lone.port, lone.tls(), "anyone")
            uvloop.run(at_the_server(ours, lone.pid, chosen.objects))
        return
    extension = Extension()
    try:
        extension.start()
        uvloop.run(in_a_cluster(extension, chosen.objects))
    finally:
        extension.stop()


async def in_a_cluster(extension: Extension, objects: int) -> None:
    ours = Server(extension.address, extension.our_port, extension.tls(), extension.token("writer"))
    revisions = await at_the_server(ours, extension.our_pid, objects)
    await through_the_aggregator(extension, revisions)


if __name__ == "__main__":
    main()
