"""Tenants: whoever asks and however, an answer holds nothing of another tenant; and tables of before are carried over."""

import asyncio
import json
import sqlite3
import uuid
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.programs.provider.provider_client_parts import Client
from tests.programs.provider.provider_parts import Clock, Provider, found, image, measured, report

from api.postgres_server import PostgresServer
from leadline.api.protocol import AwayError
from leadline.api.provider.wire import WholeReport
from leadline.errors import StoreError, UsageError
from leadline.programs.provider.adding import add_source, add_tenant, add_token
from leadline.programs.provider.database import finding_of_mark
from leadline.programs.provider.place import Place, make_provider
from leadline.programs.provider.postgres_database import PostgresDatabase
from leadline.programs.provider.questions import Asked, Questions
from leadline.programs.provider.routes import ROUTES
from leadline.programs.provider.schema import TENANT_TABLES

OLD = Path(__file__).with_name("tables_without_tenants.sql")
LOG4J = "maven org.apache.logging.log4j/log4j-core 2.14.1"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


def sent(client: Client, token: str, what: str, number: int) -> None:
    """The same source, objects and image in each tenant; the names of what it found say whose they are."""
    body = json.dumps(
        {
            "measured": json.loads(json.dumps({"at": "2027-01-31T10:00:00Z", "program": "leadline 1.2.0"}))
            | {"coverage": {"objects": 5, "judged": 5, "unread": 0}},
            "controls": ["C-0057"],
            "findings": [
                {
                    "fingerprint": f"{number:032x}",
                    "control": "C-0057",
                    "severity": "high",
                    "kind": "Pod",
                    "namespace": "shop",
                    "name": "web",
                    "path": f"spec.{what}",
                }
            ],
        }
    ).encode()
    assert client.post(body, token)[0] == 200
    content = image(1, LOG4J, f"deb {what} 1.0")
    assert client.post(content, token, "/v1/sources/shop/images")[0] == 200


def test_no_route_answers_with_another_tenants_rows(provider: Provider):
    """Property over all routes and every word that a request may hold: names of the other tenant, its cursors and its tokens' places."""
    tables = provider.place.tables
    add_tenant(tables, "rival")
    rival = add_source(tables, "shop", "cluster", 1, "rival")
    add_source(tables, "secret-source", "cluster", 1, "rival")
    rival_reader = add_token(tables, "wall", "read", tenant="rival")
    client = Client(provider)
    sent(client, provider.token, "of-default", 1)
    sent(client, rival, "of-rival", 2)
    for _ in range(2):
        assert client.post(report([7, 8]), rival)[0] in (200, 409)
    cursor = client("GET", "/v1/findings?limit=1", rival_reader)[1]["next"]
    assert cursor
    words = st.sampled_from(("shop", "secret-source", "rival", "Pod", "web", "C-0057", "high", "", "-"))

    @settings(max_examples=40, deadline=None)
    @given(
        route=st.sampled_from(ROUTES),
        word=st.lists(words, min_size=3, max_size=3),
        data=st.data(),
    )
    def asked(route, word, data):
        path = route.path
        for place in ("{source}", "{kind}", "{namespace}", "{name}"):
            path = path.replace(place, (word.pop() if word else "shop") or "shop")
        names = list(route.query.__struct_fields__)
        chosen = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
        given = {name: data.draw(words) for name in chosen}
        if data.draw(st.booleans()) and "cursor" in names:
            given = {"cursor": cursor}
        query = "&".join(f"{name}={value}" for name, value in given.items())
        _, answer, _ = client(route.method, f"{path}?{query}", provider.reader)
        text = json.dumps(answer)
        assert "of-rival" not in text
        assert "rival/" not in text
        if not any(value == "secret-source" for value in (*given.values(), path)):
            assert "secret-source" not in text

    asked()
    own = client("GET", "/v1/packages?name=log4j-core", provider.reader)[1]["items"]
    # What another tenant found under the same digest is no dispute of this one.
    assert [one["isDisputed"] for one in own] == [False]
    assert client("GET", "/v1/sources/secret-source/checkpoint", provider.reader)[0] == 404
    assert client.post(report([9]), rival, "/v1/sources/secret-source/report")[0] == 403


def test_a_log_says_whose_it_is(provider: Provider):
    add_tenant(provider.place.tables, "rival")
    token = add_source(provider.place.tables, "shop", "cluster", 0, "rival")
    client = Client(provider)
    assert client.post(report([1]), token)[1]["checkpoint"].startswith("provider.example/rival/shop\n1\n")
    assert provider.source.entries == 0
    assert all(equal for _, _, equal in provider.rebuild())


def test_postgresql_itself_holds_a_statement_to_its_tenant(provider_database: PostgresServer, tmp_path: Path):
    """Also one that forgets to ask for the tenant; and without one it sees nothing."""
    address = provider_database.owned()
    provider = Provider(tmp_path / "provider", database=address)
    add_tenant(provider.place.tables, "rival")
    rival = add_source(provider.place.tables, "shop", "cluster", 0, "rival")
    client = Client(provider)
    sent(client, provider.token, "of-default", 1)
    sent(client, rival, "of-rival", 2)
    provider.close()

    async def counted(tenant: str) -> dict[str, int]:
        connection = await asyncpg.connect(address)
        try:
            await connection.execute("SELECT set_config('leadline.tenant', $1, false)", tenant)
            return {one: await connection.fetchval(f"SELECT count(*) FROM {one}") for one in TENANT_TABLES}
        finally:
            await connection.close()

    nothing, one, other, all_rows = (asyncio.run(counted(tenant)) for tenant in ("", "1", "2", "0"))
    assert set(nothing.values()) == {0}
    assert {name: one[name] + other[name] for name in one} == all_rows
    assert one["finding"] == other["finding"] == 1


def test_a_role_that_is_above_the_rules_is_refused(provider_database: PostgresServer, tmp_path: Path):
    provider = Provider(tmp_path / "provider")
    provider.close()
    with pytest.raises(UsageError, match="not held to row-level security"):
        Place(provider.folder, provider_database.database())


def test_a_database_that_is_away_costs_no_message(
    provider_database: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The sender is told to send again; where the log already has the message, the tables catch up, and it is there once."""
    provider = Provider(tmp_path / "provider", database=provider_database.owned())
    client = Client(provider)
    keys = [str(uuid.uuid4()) for _ in range(3)]

    def sent(number: int) -> int:
        return client.post(report(list(range(number + 1))), idempotency_key=keys[number])[0]

    def sent_again(number: int) -> int:
        # A connection that was lost may be found out by its use.
        return next(status for _ in range(10) if (status := sent(number)) != 503)

    assert sent(0) == 200
    with provider_database.away():
        assert sent(1) == 503
    assert sent_again(1) == 200

    applied = provider.ingest._applied

    def lost(*given: Any) -> Any:
        with provider_database.away():
            return applied(*given)

    monkeypatch.setattr(provider.ingest, "_applied", lost)
    assert sent(2) == 503
    monkeypatch.undo()
    assert sent_again(2) == 200
    assert provider.source.entries == 3
    assert len(provider.open()) == 3
    assert all(equal for _, _, equal in provider.rebuild())
    provider.close()


@pytest.mark.parametrize(
    "fault", ["PERFORM pg_terminate_backend(pg_backend_pid())", "RAISE EXCEPTION 'no'", "PERFORM pg_sleep(9)"]
)
def test_a_fault_at_any_statement_leaves_all_tables_as_they_were(
    provider_database: PostgresServer, tmp_path: Path, fault: str
):
    """The connection ends, the database refuses, or takes longer than it may; the same message is taken later."""
    provider = Provider(tmp_path / "provider", database=provider_database.owned())
    provider.take(report([1, 2]))
    asyncio.run(
        executed(
            provider.database,
            f"CREATE FUNCTION fail() RETURNS TRIGGER LANGUAGE plpgsql AS $$BEGIN {fault}; RETURN NEW; END$$;"
            f" ALTER ROLE CURRENT_USER SET statement_timeout = '{'500ms' if 'sleep' in fault else 0}'",
        )
    )
    provider.again()

    def rows() -> list[Any]:
        read = provider.place.tables._database.read
        return [(one, sorted(map(repr, read(0, f"SELECT * FROM {one}")))) for one in TENANT_TABLES]

    tables = ("object", "finding_1", "tally", "day", "place_day", "source", "message", "alert")
    for number, table in enumerate(tables):
        before = rows()
        trigger = (
            f"CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
        )
        asyncio.run(executed(provider.database, trigger))
        content, key = (
            report([1, 3 + number], unread=1 + number, judged=50 - 20 * (number % 2)),
            str(uuid.uuid4()),
        )
        with pytest.raises(StoreError):
            provider.take(content, key)
        assert rows() == before, table
        asyncio.run(executed(provider.database, f"DROP TRIGGER fail ON {table}"))
        provider.take(content, key)
    assert all(equal for _, _, equal in provider.rebuild())
    provider.close()


def test_a_connection_that_is_lost_between_two_statements_is_said(
    provider_database: PostgresServer, tmp_path: Path
):
    provider = Provider(tmp_path / "provider", database=provider_database.owned())
    database = provider.place.tables._database

    def lost() -> None:
        with database.writing(1) as write:
            ((process,),) = write.run("SELECT pg_backend_pid()")
            asyncio.run(executed(provider.database, f"SELECT pg_terminate_backend({process})"))
            write.many("DELETE FROM alert WHERE source = ? AND kind = ?", [(1, "a")])

    for _ in range(8):
        with pytest.raises(AwayError):
            lost()
    provider.close()


def test_a_database_of_before_is_carried_over(tmp_path: Path):
    provider = Provider(tmp_path / "provider")
    provider.close()
    for part in provider.folder.glob("provider.db*"):
        part.unlink()
    with sqlite3.connect(provider.folder / "provider.db") as old:
        old.executescript(OLD.read_text("utf-8"))
        old.executescript(f"PRAGMA user_version = 5; PRAGMA application_id = {0x1EAD9A0};")
    old.close()
    place = Place(provider.folder)
    source = place.tables.source("default", "shop")
    assert source is not None
    assert (source.entries, source.mode, source.kind) == (4, "report", "cluster")
    found = [row for row in place.tables.view(source) if row[0] == "finding"]
    assert sorted(
        (finding_of_mark(row[1], row[2])[0][-1], row[8], row[11], row[13] > 0) for row in found
    ) == [
        ("1", "pod-1", "", True),
        ("2", "pod-2", "known", False),
        ("3", "pod-3", "", True),
        ("4", "pod-4", "", True),
        ("5", "pod-5", "", False),
    ]
    assert place.tables.open_count(source) == 2
    assert place.tables.sources()[0].name == "other"
    place.close()


WIDE = (
    (f"{1:032x}", 1, True),
    *((f"{one:032x}", 1, False) for one in (2, 3, 4)),
    (f"{4:032x}", 2, False),
    (f"{'f' * 30}01", 1, False),
)
"""Of ``wide_findings_*.sql``: fingerprint, ordinal, and whether it is gone. They hold the fingerprint in one column."""


def check_carried(place: Place) -> None:
    source = place.tables.source("default", "shop")
    assert source is not None
    rows = [row for row in place.tables.view(source) if row[0] == "finding"]
    assert sorted((*finding_of_mark(row[1], row[2]), row[-1] > 0) for row in rows) == sorted(WIDE)
    questions = Questions(place.tables, Clock())
    days = questions.namespace_history("default", ("shop",), "", 730).items
    assert [(one.opened, one.gone, one.open, one.critical) for one in days] == [
        (3, 0, 3, 0),
        (3, 1, 5, 1),
    ]
    assert days == questions.namespace_history("default", ("shop",), "shop", 730).items
    shown = questions.findings("default", Asked(severity="critical", state="accepted"), "", 10).items
    assert [one.fingerprint for one in shown] == [f"{'f' * 30}01"]


def test_findings_with_a_fingerprint_in_one_column_are_carried_over_in_sqlite(
    tmp_path: Path,
):
    make_provider(tmp_path, "provider.example")
    with sqlite3.connect(tmp_path / "provider.db") as old:
        old.executescript(OLD.with_name("wide_findings_sqlite.sql").read_text("utf-8"))
        old.executescript(f"PRAGMA user_version = 6; PRAGMA application_id = {0x1EAD9A0};")
    old.close()
    with closing(Place(tmp_path)) as place:
        check_carried(place)


def test_findings_with_a_fingerprint_in_one_column_are_carried_over_in_postgresql(
    provider_database: PostgresServer, tmp_path: Path
):
    make_provider(tmp_path, "provider.example")
    address = provider_database.owned()

    async def restored() -> None:
        connection = await asyncpg.connect(address)
        await connection.execute(OLD.with_name("wide_findings_postgres.sql").read_text("utf-8"))
        await connection.close()

    asyncio.run(restored())
    for _ in range(2):
        with closing(Place(tmp_path, address)) as place:
            check_carried(place)


def test_an_index_of_whole_times_is_made_anew_in_sqlite(tmp_path: Path):
    """Databases of versions 8 and 9."""
    made = Provider(tmp_path / "provider")
    made.take(report(range(3)))
    made.close()
    with sqlite3.connect(tmp_path / "provider" / "provider.db") as old:
        old.executescript(
            "DROP INDEX finding_detail; CREATE INDEX finding_detail ON finding(source, detail, first); PRAGMA user_version = 9;"
        )
    old.close()
    with closing(Place(tmp_path / "provider")) as place:
        rows = place.tables.read(
            "default",
            "SELECT sql FROM sqlite_master WHERE ? AND name = 'finding_detail'",
        )
        assert "604800" in rows[0][0]
        assert len(place.tables.view(place.tables.sources()[1])) > 3


@pytest.mark.parametrize(("version", "time"), [(5, "first"), (6, "(first / 604800)")])
def test_an_index_with_times_is_made_anew_in_postgresql(
    provider_database: PostgresServer, tmp_path: Path, version: int, time: str
):
    """Databases of version 5, whose partitions are cleaned as late as any table, and of version 6."""
    made = Provider(tmp_path / "provider", database=provider_database.owned())
    made.take(report(range(3)))
    made.close()
    asyncio.run(
        executed(
            made.database,
            f"DROP INDEX finding_detail; CREATE INDEX finding_detail ON finding(source, detail, {time});"
            f" ALTER TABLE finding_1 RESET (autovacuum_vacuum_scale_factor); UPDATE version SET number = {version}",
        )
    )
    with closing(Place(tmp_path / "provider", made.database)) as place:
        assert len(place.tables.view(place.tables.sources()[1])) > 3
    (shown,) = asyncio.run(asked(made.database, "SELECT pg_get_indexdef('finding_detail'::regclass)"))
    assert shown.endswith("(source, detail)")
    options = "SELECT reloptions[1] FROM pg_class WHERE oid = 'finding_1'::regclass"
    assert asyncio.run(asked(made.database, options)) == ["autovacuum_vacuum_scale_factor=0.02"]


def test_no_index_of_postgresql_holds_an_expression(provider_database: PostgresServer, tmp_path: Path):
    """Row-level security asks whose a row is before it computes anything of it, so that no index is read by what is computed."""
    made = Provider(tmp_path / "provider", database=provider_database.owned())
    made.close()
    computed = "SELECT indexrelid::regclass::text FROM pg_index WHERE indexprs IS NOT NULL AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"
    assert asyncio.run(asked(made.database, computed)) == []


async def asked(address: str, statement: str) -> list[str]:
    connection = await asyncpg.connect(address)
    rows = [str(row[0]) for row in await connection.fetch(statement)]
    await connection.close()
    return rows


async def executed(address: str, script: str) -> None:
    connection = await asyncpg.connect(address)
    await connection.execute(script)
    await connection.close()


def test_findings_of_one_object_lie_together_in_postgresql(provider_database: PostgresServer, tmp_path: Path):
    """Its card, which asks for those of every cluster, reads a page for each of them otherwise."""
    made = Provider(tmp_path / "provider", database=provider_database.owned())
    try:
        findings = tuple(found(number, name=f"pod-{number % 3}") for number in range(60))
        made.take(WholeReport(measured(), ("C-0057",), findings))
        rows = made.place.tables.read("default", "SELECT object FROM finding WHERE tenant = ? ORDER BY ctid")
    finally:
        made.close()
    assert [row[0] for row in rows] == [1] * 20 + [2] * 20 + [3] * 20


def test_loose_indexes_of_open_findings_are_rebuilt(
    provider_database: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """And what an earlier try has left behind goes."""
    made = Provider(tmp_path / "provider", database=provider_database.owned())
    made.close()

    async def sizes(*statements: str) -> dict[str, int]:
        connection = await asyncpg.connect(made.database)
        await connection.execute("SET leadline.tenant = '0'")
        for one in statements:
            with suppress(asyncpg.UniqueViolationError):
                await connection.execute(one)
        rows = await connection.fetch(
            "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = 'finding_1'::regclass"
        )
        await connection.close()
        return {row[0]: row[1] for row in rows}

    before = asyncio.run(
        sizes(
            "INSERT INTO finding SELECT 1, n / 18, n % 270, 7, hashint4(n), 1, 0, '\\x00' FROM generate_series(1, 60000) n",
            "CREATE UNIQUE INDEX CONCURRENTLY head_ccnew ON finding_1(source)",
            "CREATE UNIQUE INDEX CONCURRENTLY of_a_person ON finding_1(source)",
            "ANALYZE finding_1",
            # Of a person, who did not mean the size of a row.
            f"COMMENT ON INDEX finding_1_source_head_idx IS '{'9' * 400}.00 is large'",
        )
    )
    assert {"head_ccnew", "of_a_person"} < before.keys()
    with (
        closing(PostgresDatabase(made.database)) as database,
        closing(PostgresDatabase(made.database)) as beside,
    ):
        for one in (database.rebuild_loose_indexes(), beside.rebuild_loose_indexes()):
            one.result(60)
    assert "deadlock" not in caplog.text
    after = asyncio.run(sizes())
    assert after.keys() == before.keys() - {"head_ccnew"}
    head = "finding_1_source_head_idx"
    assert before[head] > 26 * 60_000 > after[head]
    with closing(PostgresDatabase(made.database)) as database:
        database.rebuild_loose_indexes().result(60)
    assert asyncio.run(sizes()) == after
    # As many objects have more findings: the keys of one index are shared by more of them, and two others split their pages.
    more = "INSERT INTO finding SELECT 1, n / 18, n % 270, 7, hashint4(-n), 1, 0, '\\x00' FROM generate_series(1, 12000) n"
    grown = asyncio.run(sizes(more, "VACUUM ANALYZE finding_1"))
    with closing(PostgresDatabase(made.database)) as database:
        database.rebuild_loose_indexes().result(60)
    tight = asyncio.run(sizes())
    assert grown[head] / 72_000 > 1.1 * after[head] / 60_000 > 1.05 * tight[head] / 72_000
    assert tight["finding_1_source_first_idx"] == grown["finding_1_source_first_idx"]


def test_postgresql_looks_at_its_tables_after_a_large_message(
    provider_database: PostgresServer, tmp_path: Path
):
    """Else questions are planned as for empty tables, for a minute or longer."""
    made = Provider(tmp_path / "provider", database=provider_database.owned())
    try:
        made.take(report(range(1_500)))
    finally:
        # What was begun is awaited.
        made.close()
    with closing(Place(tmp_path / "provider", made.database)) as place:
        rows = place.tables.read(
            "default",
            "SELECT reltuples FROM pg_class WHERE relname = 'finding_1' AND ? > 0 AND relnamespace = current_schema()::regnamespace",
        )
    assert rows == [(1_500.0,)]
