"""A sender and a provider through every fault: in the end both say the same, and the log holds each message once."""

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.programs.provider.provider_parts import Provider, found, image, measured

from api.postgres_server import PostgresServer
from leadline.api.provider.wire import LOG_IS_SHORTER, Changes, Problem, encoded
from leadline.errors import StoreError
from leadline.programs.provider.app import App
from leadline.programs.provider.log import verify_log
from leadline.programs.provider.questions import Questions
from leadline.programs.provider.routes import Parts
from leadline.scans.submitting.changing import ChangeSender
from leadline.scans.submitting.outbox import Outbox, Seen
from leadline.scans.submitting.sending import (
    Answer,
    Call,
    Channel,
    DoubtError,
    NotDeliveredError,
    destination,
)

PLACE = destination("https://provider.example/shop")


class Wire:
    """Between both, with faults: ``away``, ``loses`` a request, or the answer to it."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.fault = ""

    def __call__(self, call: Call) -> Answer:
        if self.fault in ("away", "request"):
            raise OSError("no route")
        answer = asyncio.run(self._asked(call))
        if self.fault == "answer":
            raise OSError("the connection was closed")
        return answer

    async def _asked(self, call: Call) -> Answer:
        provider = self.provider
        app = App(
            Parts(provider.place.tables, provider.ingest, Questions(provider.place.tables, provider.clock))
        )
        path, _, query = call.url.removeprefix(PLACE.base).partition("?")
        scope = {
            "type": "http",
            "method": call.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in call.headers.items()],
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message):
            sent.append(message)

        await app(scope, receive, send)
        return Answer(sent[0]["status"], sent[1]["body"])


def state(numbers: set[int], severity: str = "high", **other: Any) -> Seen:
    return Seen({(f"{one:032x}", 1): found(one, severity=severity) for one in numbers}, **other)


class Pair:
    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder = folder
        self.provider = Provider(folder / "provider", database=database)
        self.wire = Wire(self.provider)
        self.start()

    def start(self) -> None:
        self.outbox = Outbox(self.folder / "outbox.db", f"{PLACE.base}/{PLACE.source}")
        self.sender = ChangeSender(Channel(PLACE, self.provider.token, self.wire), self.outbox)

    def send(self, numbers: set[int], **other: bool) -> int:
        return self.sender.send(state(numbers), measured(), 0, is_due=other.get("is_due", False))

    def close(self) -> None:
        self.outbox.close()
        self.provider.close()


@pytest.fixture
def pair(tmp_path: Path):
    made = Pair(tmp_path)
    yield made
    made.close()


def test_differences_are_sent_and_nothing_where_nothing_differs(pair: Pair):
    assert pair.send({1, 2}) == 1
    assert pair.send({1, 2}) == 0
    assert pair.send({1, 2}, is_due=True) == 1
    assert pair.send({2, 3}) == 1
    assert pair.provider.open() == {f"{one:032x}" for one in (2, 3)}
    assert pair.provider.source.entries == 3


def test_a_severity_or_an_acceptance_that_changes_is_sent(pair: Pair):
    pair.send({1})
    assert pair.sender.send(state({1}, "critical"), measured(), 0, is_due=False) == 1
    rows = pair.provider.place.tables.read("default", "SELECT severity FROM finding WHERE tenant = ?")
    assert [tuple(row) for row in rows] == [(0,)]


def test_what_comes_and_goes_while_the_provider_is_away_is_counted(pair: Pair):
    pair.send({1})
    pair.sender.note(state({1}).findings)
    pair.wire.fault = "away"
    for numbers in ({1, 2}, {1, 2, 3}, {1, 3}, {1, 3}, {3}):
        pair.sender.note(state(numbers).findings)
    assert pair.outbox.dropped == 1
    pair.wire.fault = ""
    pair.send({3})
    assert pair.outbox.dropped == 0
    assert pair.provider.open() == {f"{3:032x}"}


def test_what_nothing_was_said_of_is_not_gone(pair: Pair):
    pair.send({1, 2, 3})
    unsaid = state({1}, undecided=frozenset({f"{2:032x}"}))
    assert pair.sender.send(unsaid, measured(), 0, is_due=True) == 1
    assert pair.provider.open() == {f"{one:032x}" for one in (1, 2)}
    assert pair.sender.send(unsaid, measured(), 0, is_due=False) == 0
    assert pair.send({1}) == 1
    assert pair.provider.open() == {f"{1:032x}"}


def test_nothing_is_gone_while_a_result_cannot_be_read(pair: Pair):
    pair.send({1, 2})
    assert pair.sender.send(state({3}, is_whole=False), measured(), 0, is_due=False) == 1
    assert pair.provider.open() == {f"{one:032x}" for one in (1, 2, 3)}


def test_an_outbox_serves_one_source(pair: Pair):
    pair.outbox.close()
    with pytest.raises(StoreError, match="belongs to https"):
        Outbox(pair.folder / "outbox.db", "https://provider.example/other")
    pair.start()


@pytest.mark.parametrize("seed", range(4))
def test_after_random_faults_both_say_the_same(tmp_path: Path, seed: int):
    go_through_faults(tmp_path, seed)


@pytest.mark.nightly("provider")
@pytest.mark.parametrize("seed", range(4, 104))
def test_after_a_hundred_runs_of_faults_both_say_the_same(tmp_path: Path, seed: int):
    go_through_faults(tmp_path, seed)


@pytest.mark.nightly("provider")
@pytest.mark.parametrize("first", range(0, 24, 4))
def test_after_24_runs_of_faults_both_say_the_same_with_postgresql(tmp_path: Path, first: int):
    server = PostgresServer()
    server.start()
    try:
        for seed in range(first, first + 4):
            (tmp_path / str(seed)).mkdir()
            go_through_faults(tmp_path / str(seed), seed, server.owned())
    finally:
        server.stop()


def go_through_faults(tmp_path: Path, seed: int, database: str = "") -> None:
    chance = random.Random(seed)
    pair = Pair(tmp_path, database)
    numbers: set[int] = set()
    backup = tmp_path / "backup"
    for _ in range(40):
        numbers = set(numbers) ^ set(chance.sample(range(30), chance.randint(0, 4)))
        pair.wire.fault = chance.choice(["", "", "", "away", "request", "answer"])
        event = chance.random()
        if event < 0.1:
            pair.outbox.close()
            pair.start()
        elif event < 0.2:
            pair.provider.again()
        elif event < 0.27:
            pair.provider.again()
            shutil.rmtree(backup, ignore_errors=True)
            shutil.copytree(pair.provider.folder, backup)
        elif event < 0.32 and backup.exists():
            pair.provider.close()
            shutil.rmtree(pair.provider.folder)
            shutil.copytree(backup, pair.provider.folder)
            pair.provider.again()
            # Its tables are of today: they know more than the log of yesterday.
            assert [one.name for one, _, _ in pair.provider.rebuild()] == ["other", "shop"]
        pair.sender.note(state(numbers).findings)
        try:
            pair.send(numbers)
        except DoubtError:
            raise
        except NotDeliveredError:
            assert pair.wire.fault
    pair.wire.fault = ""
    # A sign of life finds a provider that was set back while nothing changed.
    pair.send(numbers, is_due=True)
    assert pair.provider.open() == {f"{one:032x}" for one in numbers}
    entries = list(pair.provider.ingest._log(pair.provider.source).entries())
    assert len(entries) == pair.outbox.sequence == pair.provider.source.sequence
    assert not verify_log(pair.provider.log, pair.provider.place.keys.verifier).faults
    assert [equal for _, _, equal in pair.provider.rebuild()] == [True, True]
    pair.close()


def test_a_provider_that_was_set_back_and_wrote_something_else_is_refused(pair: Pair, tmp_path: Path):
    """It has the number of entries that the sender knows, and another content."""
    pair.send({1})
    pair.provider.again()
    shutil.copytree(pair.provider.folder, tmp_path / "backup")
    pair.send({1, 2})
    pair.provider.close()
    shutil.rmtree(pair.provider.folder)
    shutil.copytree(tmp_path / "backup", pair.provider.folder)
    pair.provider.again()
    # Another holder of the token goes on from there.
    source = pair.provider.source
    pair.provider.take(Changes(source.sequence + 1, source.previous, measured(), (found(9),)))
    with pytest.raises(NotDeliveredError):
        pair.send({1, 2, 3})
    assert pair.outbox.sequence == 2


def test_a_provider_that_never_has_enough_is_given_up(pair: Pair):
    """It asks for the first message again and again."""
    pair.send({1})
    pair.send({1, 2})
    asked = []

    def shorter(call: Call) -> Answer:
        asked.append(call)
        assert len(asked) < 10
        problem = Problem("The log is shorter", 409, "", LOG_IS_SHORTER, 1)
        return Answer(409, encoded(problem))

    sender = ChangeSender(Channel(PLACE, pair.provider.token, shorter), pair.outbox)
    with pytest.raises(DoubtError, match="has lost reports"):
        sender.send(state({3}), measured(), 0, is_due=True)


def test_images_that_a_provider_lost_are_sent_again(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    pair.send({1})
    pair.provider.close()
    shutil.copytree(pair.provider.folder, tmp_path / "backup")
    pair.provider.again()
    shown = image(1, "maven org.apache/log4j-core 2.14.1")
    assert pair.sender.send_image(shown, "home/one", "monday")
    assert not pair.sender.send_image(shown, "home/one", "tuesday")
    assert not pair.sender.wants("home/one", "tuesday")
    pair.provider.close()
    shutil.rmtree(pair.provider.folder)
    shutil.copytree(tmp_path / "backup", pair.provider.folder)
    pair.provider.again()
    # No message was lost, and the image was.
    pair.send({1, 2})
    assert caplog.messages == [
        "provider.example has lost reports that it acknowledged; sending 0 messages again"
    ]
    assert pair.sender.wants("home/one", "tuesday")
    assert pair.sender.send_image(shown, "home/one", "tuesday")
    assert pair.provider.open() == {f"{one:032x}" for one in (1, 2)}
    rows = pair.provider.place.tables.read("default", "SELECT name FROM package WHERE tenant = ?")
    assert [row[0] for row in rows] == ["org.apache/log4j-core"]
    assert not verify_log(pair.provider.log, pair.provider.place.keys.verifier).faults


def test_an_image_whose_answer_is_lost_is_in_the_log_once(pair: Pair):
    shown = image(1, "maven org.apache/log4j-core 2.14.1")
    pair.wire.fault = "answer"
    with pytest.raises(NotDeliveredError):
        pair.sender.send_image(shown, "home/one", "monday")
    pair.wire.fault = ""
    assert pair.sender.send_image(shown, "home/one", "monday")
    assert pair.provider.source.entries == 1


def test_an_outbox_is_for_its_owner_and_no_other_database(pair: Pair, tmp_path: Path):
    assert (pair.folder / "outbox.db").stat().st_mode & 0o077 == 0
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE mine(one TEXT)")
    before = other.read_bytes()
    with pytest.raises(StoreError, match="is not an outbox"):
        Outbox(other, "https://p.example/shop")
    with closing(sqlite3.connect(other)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (0,)
        assert [row[0] for row in database.execute("SELECT name FROM sqlite_master")] == ["mine"]
    assert len(other.read_bytes()) == len(before)


def test_an_outbox_of_a_later_version_is_left_alone(pair: Pair):
    pair.send({1})
    pair.outbox.close()
    path = pair.folder / "outbox.db"
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="later version"):
        Outbox(path, f"{PLACE.base}/{PLACE.source}")
    with closing(sqlite3.connect(path)) as database:
        # One of before has no number.
        database.execute("PRAGMA user_version = 0")
    pair.start()
    assert pair.send({1}) == 0


def test_a_full_disk_is_said_and_holds_up_no_later_message(pair: Pair):
    database = pair.outbox._database
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        pair.outbox.prepare(state(set(range(5_000))), measured(), 0)
    database.execute("PRAGMA max_page_count = 100000")
    assert pair.outbox.prepare(state({1}), measured(), 0).sequence == 1
