"""What an object costs the operator, and whether changes leave anything behind, in one process without a cluster.

    python -m compileall -q src && python bench/operator_memory.py [OBJECTS] [CHANGES]

A server of lists in another process holds objects as bench/cluster_operation.py makes them. They are read, judged, ranked
and written to nothing, as the operator does; then objects change, one in twenty by being deleted and created again. Memory
is the proportional set size, after what is free was given back.
"""

import asyncio
import gc
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
for line in (ROOT / "deploy/images/Containerfile").read_text().splitlines():
    if line.startswith("ENV MALLOC_") and "MALLOC_ARENA_MAX" not in os.environ:
        os.environ.update(dict(word.split("=") for word in line.split()[1:]))
        os.execv(sys.executable, [sys.executable, *sys.argv])  # glibc looks when a program starts
sys.path[:0] = [str(ROOT / name) for name in ("src", "tests", "tests/cluster", "bench")]

import cluster_real  # noqa: E402
from cluster_scale import rows  # noqa: E402
from msgspec import Raw  # noqa: E402

from leadline.api.protocol import Entry, Page, Put  # noqa: E402
from leadline.programs.operator.watch import RunningImages  # noqa: E402
from leadline.programs.service import give_back_memory  # noqa: E402
from leadline.scans.options import PostureOptions  # noqa: E402
from leadline.scans.posture.cluster_source import kinds_read, reading_of  # noqa: E402
from leadline.scans.posture.policies import choose_policies  # noqa: E402
from leadline.scans.posture.settings import shipped_settings  # noqa: E402
from leadline.scans.stored.followed_results import FollowedResults, ScanRules  # noqa: E402
from leadline.scans.stored.result_writer import ResultWriter  # noqa: E402
from leadline.sources.cluster.connection import connect  # noqa: E402
from leadline.sources.cluster.watch import ClusterWatch, _Event, watch_cluster  # noqa: E402
from list_server import ListServer  # noqa: E402

KEPT = ("Namespace", "Node")
"""Changed and not deleted."""
TOGETHER = 10
"""Changes that come at once."""
LOOKS = 10
"""At memory, while objects change."""
Body = dict[str, Any]


class NoStore:
    """Takes everything and keeps nothing."""

    async def get(self, key: object) -> None:
        return None

    async def list(self, selection: object, paging: object = None) -> Page:
        return Page((), 1, "")

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        return tuple(Entry(put.key, 1, put.content) for put in puts)

    async def delete(self, *key: object) -> None:
        return None


def memory_mib() -> float:
    gc.collect()
    give_back_memory()
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def serve(total: int, folder: Path, told: int) -> None:
    """Writes every object to ``folder``, and serves them until it is killed."""
    cluster_real.TOTAL = total
    by_kind: dict[str, list[Body]] = {}
    with (folder / "objects").open("w") as file:
        for number, (_, body) in enumerate(cluster_real.bodies()):
            body["metadata"] |= {"uid": f"{number:08}-0000-4000-8000-000000000000", "resourceVersion": "1"}
            by_kind.setdefault(body["kind"], []).append(body)
            file.write(json.dumps(body) + "\n")
    table = rows()
    with ListServer(tuple(table.values())) as server:
        for kind, some in by_kind.items():
            server.add(table[kind], *some)
        os.write(told, server.url.encode())
        time.sleep(86_400)


class Operator:
    """The half that judges objects."""

    def __init__(self, kubeconfig: Path) -> None:
        options = PostureOptions(frameworks=("all",))
        policies = choose_policies(options)
        rules = ScanRules(options, policies, shipped_settings(policies.known))
        self.loaded = memory_mib()
        running = RunningImages(asyncio.get_running_loop())
        cluster = connect(kubeconfig=str(kubeconfig), environ={})
        kinds = kinds_read(policies.controls, options)
        self.watch: ClusterWatch = watch_cluster(
            cluster, kinds, observe=running.observe, forget=running.forget
        )
        reading = reading_of(self.watch.snapshot, options, policies.controls)
        self.watch.forget_snapshot()
        self.read = memory_mib()
        self.running = running
        self.followed = FollowedResults(rules, reading)
        del reading
        self.judged = memory_mib()
        self.writer = ResultWriter(NoStore())  # type: ignore[arg-type]
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    async def write(self) -> None:
        while self.followed.pending:
            at = self.at.strftime("%Y-%m-%dT%H:%M:%SZ")
            results = self.followed.results(list(self.followed.pending)[:100], at)
            await self.writer.write(results.puts, at=at)
            await self.writer.delete(results.gone, at=at)

    async def change(self, bodies: Sequence[tuple[Body, bool]]) -> None:
        """Each with whether it is gone."""
        streams = {stream.kind.kind: stream for stream in self.watch._streams}
        events = [_Event(streams[one["kind"]], Raw(json.dumps(one).encode()), gone) for one, gone in bodies]
        found = self.watch._taken(events)
        self.at += timedelta(milliseconds=60 * len(bodies))
        self.followed.take(found.removed, found.added, found.unread)
        await self.running.changes()
        await self.write()


def changed(body: Body, number: int, chance: random.Random) -> list[tuple[Body, bool]]:
    if chance.random() < 0.05 and body["kind"] not in KEPT:
        return [(body, True), ({**body, "metadata": {**body["metadata"], "uid": f"new-{number}"}}, False)]
    template = body.get("spec", {}).get("jobTemplate", body).get("spec", {}).get("template")
    if template:
        template["spec"]["hostPID"] = chance.random() < 0.5
    else:
        body["metadata"].setdefault("labels", {})["changed"] = str(number)
    return [(body, False)]


async def measure(total: int, changes: int, folder: Path, url: str) -> None:
    kubeconfig = folder / "config"
    cluster = {"name": "b", "cluster": {"server": url}}
    context = {"name": "b", "context": {"cluster": "b"}}
    kubeconfig.write_text(json.dumps({"current-context": "b", "clusters": [cluster], "contexts": [context]}))
    operator = Operator(kubeconfig)
    await operator.running.changes()
    await operator.write()
    written = memory_mib()
    parts = {
        "body": operator.read - operator.loaded,
        "verdicts": operator.judged - operator.read,
        "results and ranks": written - operator.judged,
        "all": written - operator.loaded,
    }
    print(f"{operator.loaded:.1f} MiB loaded; KiB for each of {total:,} objects: ", end="")
    print(", ".join(f"{name} {1024 * size / total:.1f}" for name, size in parts.items()), flush=True)
    chance = random.Random(5)
    lines = (folder / "objects").read_text().splitlines() if changes else []
    for number in range(0, changes, TOGETHER):
        found = [changed(json.loads(chance.choice(lines)), number + n, chance) for n in range(TOGETHER)]
        await operator.change([one for row in found for one in row])
        if (number + TOGETHER) % (changes // LOOKS) < TOGETHER:
            print(f"{number + TOGETHER:8,} changes: {memory_mib() - written:+.1f} MiB", flush=True)


def main() -> None:
    total, changes = (*map(int, sys.argv[1:]), *(2_000, 0)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        hears, told = os.pipe()
        server = os.fork()
        if server == 0:
            serve(total, Path(folder), told)
        try:
            url = os.read(hears, 200).decode()
            asyncio.run(measure(total, changes, Path(folder), url))
        finally:
            os.kill(server, 9)


if __name__ == "__main__":
    main()
