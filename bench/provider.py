"""A fleet reports to one provider: how many changes a second it takes, how long a page's question lasts, and what an open finding weighs.

Usage: ``python bench/provider.py [--clusters 1000] [--objects 100] [--days 90] [--every 1] [--changed 1] [--database postgresql://…]``

Each cluster has ``--objects`` failing objects with 18 findings each, as the real repositories that were counted have in the mean; a
day ``--changed`` objects are others, one in a hundred if it is not given: three findings of each come and three go. Each cluster says so
every ``--every`` days, and one of so many each day. The
model of the fleet is 3,300 objects, of which 50 change: what is smaller is scaled, and the output says by what. Everything goes the whole way, from
the decoded message to the signed receipt, the log synced. Without ``--database`` PostgreSQL is started for it, in a temporary
folder; ``--sqlite`` takes the file of small fleets.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import astuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from api.postgres_server import PostgresServer  # noqa: E402
from leadline.api.provider.wire import (  # noqa: E402
    Changes,
    Coverage,
    FoundFinding,
    GoneFinding,
    ImageContent,
    ImagePackage,
    Measured,
    RankedWorkload,
    digest_of,
    encoded,
)
from leadline.programs.provider.ingest import Ingest, Message  # noqa: E402
from leadline.programs.provider.place import Place, make_provider  # noqa: E402
from leadline.programs.provider.questions import (  # noqa: E402
    Asked,
    Questions,
    WhichImages,
    WhichPackages,
    WhichRisks,
)
from leadline.programs.provider.source_row import Source  # noqa: E402
from leadline.programs.provider.tables import Token  # noqa: E402

FINDINGS = 18
MODEL_OBJECTS = 3_300
SEVERITIES = ("critical", "high", "high", "medium", "medium", "medium", "low", "low", "low", "low")
START = datetime(2027, 1, 1, 6, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


class Cluster:
    """One sender: what it has open, and its place in its chain."""

    def __init__(self, number: int, source: Source, objects: int) -> None:
        self.source = source
        self.chance = random.Random(number)
        self.objects = objects
        self.next = 0
        self.open: list[str] = []
        self.sequence, self.previous = 0, ""
        self.token = Token(source.name, source.tenant, source.id, "write")

    def found(self, number: int, control: int) -> FoundFinding:
        mark = f"{self.chance.getrandbits(128):032x}"
        self.open.append(mark)
        name = f"service-{number // 12:03d}-{number:05d}"
        path = f"spec.template.spec.containers[{control % 3}].securityContext.field{control % 40}"
        return FoundFinding(
            mark,
            f"C-{control:04d}",
            SEVERITIES[control % 10],
            "Deployment",
            name,
            1,
            "apps",
            f"team-{number % 40}",
            "",
            path,
        )

    def first(self) -> tuple[FoundFinding, ...]:
        return tuple(
            self.found(number, control)
            for number in range(self.objects)
            for control in self.chance.sample(range(270), FINDINGS)
        )

    def changed(
        self, objects: int, findings: int = 3
    ) -> tuple[tuple[FoundFinding, ...], tuple[GoneFinding, ...]]:
        gone = []
        for _ in range(min(objects * findings, len(self.open))):
            at = self.chance.randrange(len(self.open))
            self.open[at], self.open[-1] = self.open[-1], self.open[at]
            gone.append(GoneFinding(self.open.pop()))
        opened = tuple(
            self.found(self.chance.randrange(self.objects), self.chance.randrange(270))
            for _ in range(objects * findings)
        )
        return opened, tuple(gone)

    def message(self, opened: tuple[FoundFinding, ...], gone: tuple[GoneFinding, ...]) -> Message:
        at = START.strftime("%Y-%m-%dT%H:%M:%SZ")
        measured = Measured(at, "leadline 1.0.0", Coverage(self.objects, 270, 0))
        # A workload in ten has a rank, said with the first message.
        ranked = tuple(
            RankedWorkload(
                "Deployment",
                f"service-{at}",
                f"team-{at % 40}",
                "apps",
                self.chance.random() * 100,
                "reached",
            )
            for at in range(0, self.objects if self.sequence == 0 else 0, 10)
        )
        changes = Changes(self.sequence + 1, self.previous, measured, opened, gone, ranked=ranked)
        body = encoded(changes)
        self.sequence, self.previous = self.sequence + 1, digest_of(body)
        return Message(body, changes, str(uuid.uuid4()), self.sequence - 1)


def fleet(place: Place, count: int, objects: int) -> list[Cluster]:
    names = [f"cluster-{number:04d}" for number in range(count)]
    for name in names:
        place.tables.add_source("default", name, "cluster", 86_400, "2027-01-01T00:00:00Z")
    known = {one.name: one for one in place.tables.sources("default")}
    return [Cluster(number, known[name], objects) for number, name in enumerate(names)]


class Effort:
    """Seconds of processors that this program and its PostgreSQL have taken: what a busy machine leaves comparable."""

    keeper = ""
    """The process of PostgreSQL that starts the others."""

    @classmethod
    def now(cls, *, of_itself: bool = True) -> float:
        """``of_itself``: with what PostgreSQL does by itself, which no question waits for."""
        total = sum(os.times()[:2])
        for process in Path("/proc").glob("[0-9]*") if cls.keeper else ():
            with suppress(OSError):
                words = (process / "stat").read_text().rpartition(") ")[2].split()
                if process.name == cls.keeper:
                    # With those of connections that have ended.
                    total += (
                        sum(int(one) for one in words[11:15]) / os.sysconf("SC_CLK_TCK") if of_itself else 0
                    )
                elif words[1] == cls.keeper and (
                    of_itself or b"autovacuum" not in (process / "cmdline").read_bytes()
                ):
                    total += int((process / "schedstat").read_text().split()[0]) / 1e9
        return total


class Took(Struct):
    messages: int = 0
    changes: int = 0
    seconds: float = 0
    effort: float = 0

    def __iadd__(self, other: "Took") -> "Took":
        return Took(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        if not self.messages:
            return "nothing"
        return (
            f"{self.messages:,} messages of {self.changes // self.messages:,} changes in {self.seconds:.0f} s,"
            f" {self.changes / self.seconds:,.0f} changes/s; {self.changes / self.effort:,.0f} for each second of a processor;"
            f" load {os.getloadavg()[0]:.1f}"
        )


def sent(ingest: Ingest, clusters: list[Cluster], messages: list[Message], threads: int) -> Took:
    begin, effort = time.perf_counter(), Effort.now()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(
            lambda pair: ingest.take(pair[0].token, pair[0].source, pair[1]),
            zip(clusters, messages, strict=True),
        ):
            pass
    changes = sum(len(one.content.opened) + len(one.content.gone) for one in messages)
    return Took(len(messages), changes, time.perf_counter() - begin, Effort.now() - effort)


def asked(name: str, question: Callable[[], object], times: int = 15) -> None:
    taken, effort = [], Effort.now(of_itself=False)
    for _ in range(times):
        begin = time.perf_counter()
        question()
        taken.append((time.perf_counter() - begin) * 1000)
    effort = (Effort.now(of_itself=False) - effort) * 1000 / times
    print(
        f"  {name:<42} {statistics.median(taken):7.1f} ms median {max(taken):7.1f} ms at most {effort:7.1f} ms of a processor",
        flush=True,
    )


def sizes(place: Place, count: int) -> None:
    rows = place.tables.read(
        "default",
        "SELECT sum(CASE WHEN relname LIKE 'finding%' THEN pg_table_size(oid) END),"
        " sum(CASE WHEN relname LIKE 'finding%' THEN pg_indexes_size(oid) END),"
        " sum(CASE WHEN relname IN ('object', 'detail') THEN pg_total_relation_size(oid) END) FROM pg_class"
        " WHERE ? >= 0 AND relkind = 'r' AND relnamespace = current_schema()::regnamespace",
    )
    table, indexes, texts = (float(one) for one in rows[0])
    each = place.tables.read(
        "default",
        "SELECT p.relname, sum(pg_relation_size(h.inhrelid)) FROM pg_class p JOIN pg_inherits h ON h.inhparent = p.oid"
        " WHERE ? >= 0 AND p.relkind = 'I' AND p.relname LIKE 'finding%' AND p.relnamespace = current_schema()::regnamespace"
        " GROUP BY 1 ORDER BY 1",
    )
    print(
        f"an open finding: {table / count:.0f} B and {indexes / count:.0f} B of indexes; its object and its pair of control and"
        f" field {texts / count:.0f} B more ({count:,} open)",
        flush=True,
    )
    print("  " + ", ".join(f"{name} {float(size) / count:.1f} B" for name, size in each), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=1_000)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--every", type=int, default=1, help="days of one message")
    parser.add_argument("--changed", type=float, default=0, help="objects of a cluster that a day changes")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--database", default="")
    parser.add_argument("--sqlite", action="store_true")
    given = parser.parse_args()
    print(
        f"{given.clusters:,} clusters of {given.objects:,} failing objects, 1/{MODEL_OBJECTS / given.objects:.0f} of the model,"
        f" {given.days} days; load {os.getloadavg()[2]:.1f} (15 min)",
        flush=True,
    )
    server = None
    if not (given.sqlite or given.database):
        server = PostgresServer()
        server.start()
        # A day of the fleet passes in seconds: what PostgreSQL does by itself each minute has to come as often for it.
        with (server._folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write("autovacuum_naptime = 1s\n")
        server.execute(server.database(), "SELECT pg_reload_conf()")
        Effort.keeper = (server._folder / "data" / "postmaster.pid").read_text().splitlines()[0]
    try:
        with tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder:
            run(given, Path(folder) / "provider", server.owned() if server else given.database)
    finally:
        if server:
            server.stop()


def run(given: argparse.Namespace, folder: Path, database: str) -> None:
    make_provider(folder, "bench.example")
    place = Place(folder, database)
    clock = Clock()
    ingest = Ingest(folder, place.tables, place.keys, clock)
    clusters = fleet(place, given.clusters, given.objects)
    took = Took()
    for start in range(0, len(clusters), 50):
        some = clusters[start : start + 50]
        took += sent(ingest, some, [each.message(each.first(), ()) for each in some], given.threads)
    print(f"first reports: {took}", flush=True)
    count = sum(len(each.open) for each in clusters)
    middle = clusters[len(clusters) // 2].source.name
    if not given.sqlite:
        sizes(place, count)
    ask(place, clock, middle)
    took = Took()
    changed = round((given.changed or max(1, given.objects // 100)) * given.every)
    for day in range(given.days):
        clock.now += timedelta(days=1)
        some = clusters[day % given.every :: given.every]
        took += sent(ingest, some, [each.message(*each.changed(changed)) for each in some], given.threads)
    print(f"{given.days} days: {took}", flush=True)
    if not given.sqlite:
        sizes(place, count)
    for threads in (1, given.threads):
        for objects in (3, 50):
            some = [clusters[number % len(clusters)] for number in range(200)]
            messages = [each.message(*each.changed(objects)) for each in some]
            print(f"{threads} at a time: {sent(ingest, some, messages, threads)}", flush=True)
    for number, each in enumerate(clusters[: min(200, len(clusters))]):
        packages = tuple(ImagePackage("deb", f"lib-{number % 7}-{one}", "1.0") for one in range(250))
        log4j = ImagePackage("maven", "org.apache.logging.log4j/log4j-core", "2.14.1")
        content = ImageContent(
            f"sha256:{number % 20:064x}",
            f"app:{number % 20}",
            "2027-01-01T00:00:00Z",
            "leadline 1.0.0",
            (*packages, log4j),
        )
        ingest.take(each.token, each.source, Message(encoded(content), content, str(uuid.uuid4())))
    ask(place, clock, middle)
    ingest.close()
    place.close()


def ask(place: Place, clock: Clock, middle: str) -> None:
    """``middle``: one of the sources."""
    questions = Questions(place.tables, clock)
    yesterday = (clock.now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    print("questions:", flush=True)
    asked("who reports, who is silent", lambda: questions.sources("default"))
    asked("a page of findings", lambda: questions.findings("default", Asked(), "", 100))
    asked("a page of one source", lambda: questions.findings("default", Asked(source=middle), "", 100))
    asked(
        "critical ones of one team",
        lambda: questions.findings("default", Asked(severity="critical", namespace="team-7"), "", 100),
    )
    asked("what fails C-0057", lambda: questions.findings("default", Asked(control="C-0057"), "", 100))
    asked(
        "what newly fails C-0057 since yesterday",
        lambda: questions.findings("default", Asked(control="C-0057", since=yesterday), "", 100),
    )
    asked(
        "what newly fails since yesterday",
        lambda: questions.findings("default", Asked(since=yesterday), "", 100),
    )
    asked(
        "what is gone since yesterday",
        lambda: questions.findings("default", Asked(state="gone", since=yesterday), "", 100),
    )
    asked(
        "the card of one workload in all clusters",
        lambda: questions.entity("default", "Deployment", "team-7", "service-000-00007"),
    )
    asked(
        "who runs log4j-core 2.1*",
        lambda: questions.packages("default", WhichPackages("log4j-core", version="2.1"), "", 100),
    )
    asked("a page of images", lambda: questions.images("default", WhichImages(), "", 100))
    asked("the days of one source", lambda: questions.history("default", middle, 90))
    asked(
        "a team in all clusters over two years",
        lambda: questions.namespace_history("default", ("team-7",), "", 730),
    )
    asked("a team in one cluster", lambda: questions.namespace_history("default", ("team-7",), middle, 730))
    asked("what to fix first", lambda: questions.risks("default", WhichRisks(), "", 100))


if __name__ == "__main__":
    main()
