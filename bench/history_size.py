"""Two years of history on a simulated clock: ``python bench/history_size.py [OBJECTS CHANGES_A_DAY DAYS]``.

Every object has results of all controls and a history; on each day some objects change what they fail, one in ten of
them goes and another comes, and the day is counted in every namespace. Printed is what the file takes, and of it what
history takes: the histories of findings and the days.
"""

import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from leadline.api.carriers.local import LocalStore
from leadline.api.kinds.configuration import SeverityCounts
from leadline.api.kinds.history import DayCounts
from leadline.api.posture_results import SCANS, SUMMARIES, posture_puts
from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.scans.stored.history.days import CLUSTER, MONTHS, forget_old, record_day
from leadline.scans.stored.history.lives import HISTORIES
from leadline.scans.stored.history.reading import asked_of, history
from leadline.scans.stored.result_writer import ResultWriter

SPACES = 50
FIRST = datetime(2027, 1, 1, 8, tzinfo=UTC)
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: SPACE}
spec: {template: {spec: {containers: [{name: main, image: "nginx:1.27", securityContext: {privileged: true}}]}}}
"""


def template() -> tuple[Put, ...]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "web.yaml").write_text(MANIFEST)
        report = posture_scan([folder], PostureOptions())
    return tuple(posture_puts(report, "leadline", "NOW"))


def puts_of(made: tuple[Put, ...], number: int, at: str, failing: frozenset[str]) -> Iterator[Put]:
    name, space = f"application-{number}", f"team-{number % SPACES}"
    for put in made:
        body = orjson.loads(put.content.body)
        for id, result in body["spec"]["controls"].items():
            if result["status"]["status"] in ("failed", "passed"):
                result["status"]["status"] = "failed" if id in failing else "passed"
        metadata = put.content.metadata.replace(b"NAME", name.encode()).replace(b"SPACE", space.encode())
        metadata = metadata.replace(b'"NOW"', f'"{at}"'.encode())
        whole = orjson.loads(metadata) | {"name": f"deployment-{name}", "namespace": space}
        key = Key(put.key.plural, space, f"deployment-{name}")
        yield Put(key, Content(orjson.dumps(whole), body=orjson.dumps(body)))


async def two_years(path: Path, objects: int, changes: int, days: int) -> None:
    made = template()
    (scan,) = (one for one in made if one.key.plural == SCANS)
    results = orjson.loads(scan.content.body)["spec"]["controls"]
    usual = frozenset(id for id, one in results.items() if one["status"]["status"] == "failed")
    judged = sorted(id for id, one in results.items() if one["status"]["status"] in ("failed", "passed"))
    chance = random.Random(7)
    store = LocalStore(path)
    writer = ResultWriter(store)
    await writer.learn()
    there: dict[int, frozenset[str]] = dict.fromkeys(range(objects), usual)
    started = time.monotonic()
    for number in there:
        at = FIRST.strftime("%Y-%m-%dT%H:%M:%SZ")
        await writer.write(puts_of(made, number, at, usual), at=at)
    await store.tend()
    print(f"{objects:,} objects, {len(usual)} findings each, stored in {time.monotonic() - started:.0f} s")
    said(path, "at the beginning")
    started = time.monotonic()
    for day in range(days):
        moment = FIRST + timedelta(days=day, hours=4)
        at = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        touched = chance.sample(sorted(there), changes)
        for place, number in enumerate(touched):
            if place % 10 == 9:
                gone = {
                    Key(p, f"team-{number % SPACES}", f"deployment-application-{number}")
                    for p in (SCANS, SUMMARIES)
                }
                del there[number]
                await writer.delete(sorted(gone), at=at)
                number = max(there) + 1
                there[number] = usual
            flipped = set(chance.sample(judged, 3))
            there[number] = frozenset(there.get(number, usual) ^ flipped)
            await writer.write(puts_of(made, number, at, there[number]), at=at)
        for space in (CLUSTER, *{f"team-{number % SPACES}" for number in touched}):
            counts = SeverityCounts(*(chance.randrange(3_000) for _ in range(5)))
            row = DayCounts(
                at[:10], at, objects, counts, 3, 71.5, 2, {"critical": 4, "high": 90}, 1, "1.0 00000000", at
            )
            await record_day(store, space, row, "leadline")
        if not day % 7:
            await store.tend()
            await forget_old(store, moment)
    await store.tend()
    print(f"{days} days of {changes} changes in {time.monotonic() - started:.0f} s")
    said(path, "at the end")
    for name, since in (("", "30d"), ("team-3", "30d"), ("C-0057", "1y")):
        started = time.monotonic()
        found = await history(store, asked_of(name, since, FIRST + timedelta(days=days)))
        took = time.monotonic() - started
        print(
            f"history {name or 'of the cluster'} --since {since}: {len(found.lives):,} findings in {took:.2f} s"
        )
    await store.close()


def said(path: Path, when: str) -> None:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT plural, count(*), sum(length(metadata)+length(columns)+coalesce(length(before),0)+length(body)),"
            " sum(dead IS NULL) FROM version GROUP BY plural"
        ).fetchall()
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        size = database.execute("PRAGMA page_size").fetchone()[0]
    print(f"{when}: the file has {pages * size / 2**20:.1f} MiB")
    kept = 0
    for plural, count, held, live in rows:
        kept += held if plural in (HISTORIES, MONTHS) else 0
        print(f"  {plural:40} {live:>7,} objects, {count:>7,} versions, {held / 2**20:6.1f} MiB")
    print(f"  history alone: {kept / 2**20:.1f} MiB")


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]] or [5_000, 20, 730]
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(two_years(Path(place) / "results.db", *asked))
