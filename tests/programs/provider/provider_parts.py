"""A provider in a folder, and messages for it."""

import asyncio
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from leadline.api.provider.wire import (
    Changes,
    Coverage,
    FoundFinding,
    GoneFinding,
    ImageContent,
    ImagePackage,
    ImageVulnerability,
    Measured,
    Receipt,
    WholeReport,
    digest_of,
    encoded,
)
from leadline.programs.provider.adding import add_source, add_token
from leadline.programs.provider.app import App
from leadline.programs.provider.ingest import Ingest, Message
from leadline.programs.provider.place import Place, make_provider
from leadline.programs.provider.questions import Questions
from leadline.programs.provider.routes import Parts
from leadline.programs.provider.source_row import Source
from leadline.programs.provider.tables import Token
from leadline.programs.serving.plain_server import plain_config
from leadline.programs.serving.tls_server import Server

AT = "2027-01-31T10:00:00Z"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2027, 1, 31, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


def measured(
    objects: int = 10, judged: int = 50, unread: int = 0, program: str = "leadline 1.2.0"
) -> Measured:
    return Measured(AT, program, Coverage(objects, judged, unread))


def found(number: int, **other: str) -> FoundFinding:
    given = {
        "control": "C-0057",
        "severity": "high",
        "kind": "Pod",
        "name": f"pod-{number}",
        "namespace": "shop",
        **other,
    }
    return FoundFinding(fingerprint=f"{number:032x}", **given)


def report(numbers: range | list[int], files: tuple[str, ...] = (), **other: Any) -> WholeReport:
    return WholeReport(measured(**other), ("C-0057",), tuple(found(one) for one in numbers), files)


def image(digest: int, *packages: str, vulnerabilities: tuple[ImageVulnerability, ...] = ()) -> ImageContent:
    """``packages``: ``maven org.apache/log4j-core 2.14.1``."""
    content = tuple(ImagePackage(*one.split(" ")) for one in packages)
    name = f"registry.example/app:{digest}"
    return ImageContent(
        f"sha256:{digest:064x}", name, AT, "leadline 1.2.0", content, vulnerabilities, AT[:10]
    )


class Provider:
    """With the source ``shop``, its token, and one for another source."""

    def __init__(self, folder: Path, *, every: int = 0, database: str = "") -> None:
        """``database``: address of PostgreSQL; SQLite for none."""
        self.folder = folder
        self.database = database
        make_provider(folder, "provider.example")
        self.clock = Clock()
        self.place = Place(folder, database)
        self.token = add_source(self.place.tables, "shop", "cluster", every)
        self.other_token = add_source(self.place.tables, "other", "cluster", every)
        self.reader = add_token(self.place.tables, "wall", "read")
        self.ingest = Ingest(folder, self.place.tables, self.place.keys, self.clock)

    def again(self) -> None:
        """As after a restart."""
        self.ingest.close()
        self.place.close()
        self.place = Place(self.folder, self.database)
        self.ingest = Ingest(self.folder, self.place.tables, self.place.keys, self.clock)

    @property
    def source(self) -> Source:
        source = self.place.tables.source("default", "shop")
        assert source is not None
        return source

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "default" / "shop"

    def take(
        self, content: WholeReport | Changes | ImageContent, key: str = "", known_size: int = 0
    ) -> Receipt:
        message = Message(encoded(content), content, key or str(uuid.uuid4()), known_size)
        return self.ingest.take(Token("shop", "default", self.source.id, "write"), self.source, message)

    def open(self) -> set[str]:
        return {mark for mark, _ in self.place.tables.open_findings(self.source)}

    def rebuild(self) -> Iterator[tuple[Source, int, bool]]:
        """Each source, how many entries it has, and whether its rows are what they were: as the command rebuilds them."""
        for source in self.place.tables.sources():
            yield source, *self.ingest.rebuilt(source)
        self.place.tables.sum_places()

    def alerts(self) -> set[str]:
        rows = self.place.tables.read("default", "SELECT kind FROM alert WHERE tenant = ? AND over = ''")
        return {row[0] for row in rows}

    def close(self) -> None:
        self.ingest.close()
        self.place.close()


class Chain:
    """A sender that counts its messages."""

    def __init__(self) -> None:
        self.sequence, self.previous = 0, ""

    def next(self, opened: list[int], gone: list[int], **other: int) -> Changes:
        return Changes(
            self.sequence + 1,
            self.previous,
            measured(**other),
            tuple(found(one) for one in opened),
            tuple(GoneFinding(f"{one:032x}") for one in gone),
        )

    def sent(self, changes: Changes) -> None:
        self.sequence, self.previous = changes.sequence, digest_of(encoded(changes))


@contextmanager
def served(provider: Provider, app: App | None = None) -> Iterator[str]:
    """The address of ``provider``, or of ``app``, which answers meanwhile."""
    parts = Parts(provider.place.tables, provider.ingest, Questions(provider.place.tables, provider.clock))
    server = Server(plain_config(app or App(parts), "127.0.0.1", 0), lambda: None)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the server ended before it had started"
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.leave()
        thread.join(60)
