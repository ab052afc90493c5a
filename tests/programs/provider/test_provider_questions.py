"""The questions that a fleet is asked, over two clusters and two years."""

import asyncio
import random
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from tests.programs.provider.provider_parts import Chain, Provider, found, image, measured, report
from tests.programs.provider.test_provider_app import Client
from tests.programs.provider.test_provider_tenants import executed

from api.postgres_server import PostgresServer
from leadline.api.provider.wire import (
    Changes,
    FindingRow,
    GoneFinding,
    ImageVulnerability,
    NamedWorkload,
    NamespaceHistory,
    RankedWorkload,
    Severity,
    WholeReport,
    encoded,
)
from leadline.programs.provider.adding import add_source
from leadline.programs.provider.ingest import Message
from leadline.programs.provider.main import main
from leadline.programs.provider.questions import Asked, Questions, WhichImages, WhichPackages
from leadline.programs.provider.tables import Tables, Token
from leadline.programs.provider.views import views_sql


@pytest.fixture
def client(provider: Provider) -> Client:
    return Client(provider)


def items(client: Client, path: str) -> list[dict[str, object]]:
    status, answer, _ = client("GET", path, client.provider.reader)
    assert status == 200, answer
    return list(answer["items"])


def test_which_clusters_run_a_package_and_what_is_in_an_image(client: Client):
    client.post(
        image(1, "maven org.apache/log4j-core 2.14.1", "apk alpine/busybox 1.36"),
        path="/v1/sources/shop/images",
    )
    client.post(
        image(2, "maven org.apache/log4j-core 2.17.1"),
        client.provider.other_token,
        "/v1/sources/other/images",
    )
    rows = items(client, "/v1/packages?name=log4j-core&version=2.14")
    assert [row["source"] for row in rows] == ["shop"]
    rows = items(client, f"/v1/packages?digest=sha256:{1:064x}&source=shop")
    assert {row["name"] for row in rows} == {"org.apache/log4j-core", "alpine/busybox"}
    assert client("GET", "/v1/packages", client.provider.reader)[0] == 400


PACKAGES = (
    "pypi Django 4.2",
    "pypi zope.interface 6.0",
    "npm JSONStream 1.3.5",
    "npm lodash.merge 4.6.2",
    "npm @Scope/Thing 1.0",
    "golang github.com/BurntSushi/toml 1.3.2",
    "maven org.apache/log4j-core 2.14.1",
    "maven com.example/Log4J-Core 1.0",
)


SEARCHES: tuple[tuple[str, set[str]], ...] = (
    ("Django", {"Django"}),
    ("django", {"Django"}),
    ("Zope_Interface", {"zope.interface"}),
    ("zope--interface", {"zope.interface"}),
    ("jsonstream", {"JSONStream"}),
    ("lodash.merge", {"lodash.merge"}),
    ("lodash-merge", set()),
    ("@scope/thing", {"@Scope/Thing"}),
    ("thing", {"@Scope/Thing"}),
    ("github.com/burntsushi/toml", {"github.com/BurntSushi/toml"}),
    ("log4j-core", {"org.apache/log4j-core", "com.example/Log4J-Core"}),
    ("ORG.APACHE/log4j-core", {"org.apache/log4j-core"}),
    ("apache/log4j-core", set()),
)


def check_searches(client: Client) -> None:
    for asked, names in SEARCHES:
        rows = items(client, f"/v1/packages?name={quote(asked)}")
        assert {row["name"] for row in rows} == names, asked
        there = f"&digest=sha256:{1:064x}&source=shop"
        assert items(client, f"/v1/packages?name={quote(asked)}{there}") == rows
        assert not items(client, f"/v1/packages?name={quote(asked)}&source=other")


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_package_is_found_by_its_name_as_its_ecosystem_compares_them(client: Client, provider: Provider):
    """Also one of before, which was kept as it is written: versions 10 in SQLite and 7 in PostgreSQL."""
    client.post(image(1, *PACKAGES), path="/v1/sources/shop/images")
    check_searches(client)
    last = "replace(replace(replace(name, 'github.com/BurntSushi/', ''), '@Scope/', ''), 'com.example/', '')"
    older = f"UPDATE package SET short = replace({last}, 'org.apache/', '')"
    if provider.database:
        asyncio.run(
            executed(provider.database, f"SET leadline.tenant = 0; {older}; UPDATE version SET number = 7")
        )
    else:
        with closing(sqlite3.connect(provider.folder / "provider.db")) as file:
            file.executescript(f"{older}; PRAGMA user_version = 10")
    assert not items(client, "/v1/packages?name=django")
    provider.again()
    check_searches(Client(provider))


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_ids_of_controls_and_vulnerabilities_are_found_in_small_letters(client: Client):
    flaws = tuple(
        ImageVulnerability(id, "a", "1", "high") for id in ("CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q", "own-1")
    )
    client.post(image(1, "apk a 1", vulnerabilities=flaws), path="/v1/sources/shop/images")
    client.post(report([1, 2]))
    for asked in ("CVE-2021-44228", "cve-2021-44228", "ghsa-jfh8-c2jp-5v3q", "GHSA-JFH8-C2JP-5V3Q", "own-1"):
        assert len(items(client, f"/v1/images?vulnerability={asked}")) == 1, asked
    assert not items(client, "/v1/images?vulnerability=cve-2021-44229")
    first = client("GET", "/v1/findings?control=c-0057&limit=1", client.provider.reader)[1]
    assert len(first["items"]) == 1
    assert items(client, f"/v1/findings?control=c-0057&cursor={first['next']}")
    assert not items(client, "/v1/findings?control=C-0057&namespace=Shop")


class Explained:
    """Tables that keep how SQLite reads them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.tenant = tables.tenant
        self.plan: list[str] = []

    def read(self, tenant: str, text: str, *given: Any, **how: bool) -> Any:
        self.plan += [row[3] for row in self._tables.read(tenant, f"EXPLAIN QUERY PLAN {text}", *given)]
        return self._tables.read(tenant, text, *given, **how)


def test_packages_and_images_are_read_by_what_is_asked(client: Client, provider: Provider):
    """Else one question reads every row of a tenant, some millions."""
    client.post(image(1, "apk a 1"), path="/v1/sources/shop/images")
    by_name = "SEARCH p USING INDEX package_name (tenant=? AND short=?)"
    in_image = "SEARCH p USING INDEX package_image (image=? AND rowid>?)"
    for which, wanted in (
        (WhichPackages(name="a"), by_name.replace("INDEX", "COVERING INDEX")),
        (WhichPackages(name="a", source="shop"), by_name),
        (WhichPackages(name="a", digest="b", source="shop"), in_image),
        (WhichPackages(digest="b"), in_image),
        (WhichPackages(digest="b", source="shop"), in_image),
    ):
        tables: Any = Explained(provider.place.tables)
        Questions(tables, provider.clock).packages("default", which, "", 10)
        assert wanted in tables.plan
    tables = Explained(provider.place.tables)
    Questions(tables, provider.clock).images("default", WhichImages(vulnerability="a"), "", 10)
    assert "SEARCH v USING INDEX vulnerability_id (tenant=? AND vulnerability=?)" in tables.plan


def test_an_image_that_is_gone_answers_no_question(client: Client, provider: Provider):
    chain = Chain()
    first = chain.next([1], [])
    client.post(first, path="/v1/sources/shop/changes")
    chain.sent(first)
    client.post(image(1, "maven org.apache/log4j-core 2.14.1"), path="/v1/sources/shop/images")
    assert items(client, "/v1/packages?name=log4j-core")
    gone = Changes(chain.sequence + 1, chain.previous, measured(), gone_images=(f"sha256:{1:064x}",))
    assert client.post(gone, path="/v1/sources/shop/changes")[0] == 200
    assert not items(client, "/v1/packages?name=log4j-core")
    assert not items(client, "/v1/images")
    assert all(is_equal for _, _, is_equal in provider.rebuild())


def test_what_newly_fails_since_yesterday(client: Client, provider: Provider):
    client.post(report([1, 2]))
    provider.clock.pass_by(days=3)
    client.post(report([1, 2, 3]))
    since = "2027-02-02T10:00:00Z"
    rows = items(client, f"/v1/findings?control=C-0057&since={since}")
    assert [row["name"] for row in rows] == ["pod-3"]


def test_how_the_findings_of_a_team_developed_over_two_years(client: Client, provider: Provider):
    def told(*numbers: int) -> WholeReport:
        spaces = {1: "payments", 2: "billing", 3: "shop", 4: "payments"}
        rows = (
            found(one, namespace=spaces[one], severity="critical" if one == 4 else "high") for one in numbers
        )
        return WholeReport(measured(), ("C-0057",), tuple(rows))

    client.post(told(1, 2, 3))
    client.post(told(1), client.provider.other_token, "/v1/sources/other/report")
    provider.clock.pass_by(days=365)
    client.post(told(1, 3, 4))
    provider.clock.pass_by(days=364)
    client.post(told(3))
    path = "/v1/history/namespaces?namespaces=payments,billing"
    rows = [
        tuple(row[name] for name in ("day", "open", "critical", "opened", "gone"))
        for row in items(client, path)
    ]
    assert rows == [
        ("2027-01-31", 3, 0, 3, 0),
        ("2028-01-31", 3, 1, 1, 1),
        ("2029-01-29", 1, 0, 0, 2),
    ]
    # One cluster of it, and the days of a month with what they began with.
    assert [row["open"] for row in items(client, f"{path}&source=other")] == [1]
    assert [row["day"] for row in items(client, f"{path}&days=30")] == ["2028-01-31", "2029-01-29"]
    assert items(client, "/v1/history/namespaces?namespaces=none") == []


def test_views_say_what_the_api_says(client: Client, provider: Provider, capfd):
    client.post(report([1, 2, 3]))
    provider.clock.pass_by(days=1)
    client.post(report([1, 2]))
    client.post(image(1, "apk alpine/busybox 1.36"), path="/v1/sources/shop/images")
    assert main(["views"]) == 0
    printed = capfd.readouterr().out
    with closing(sqlite3.connect(provider.folder / "provider.db")) as database:
        database.executescript(printed)
        # Again, after an upgrade.
        database.executescript(printed)

        def rows(text: str) -> list[tuple[object, ...]]:
            return database.execute(text).fetchall()

        known = items(client, "/v1/findings")
        assert rows("SELECT source, control, severity, name FROM read_open ORDER BY name") == [
            tuple(row[name] for name in ("source", "control", "severity", "name")) for row in known
        ]
        assert rows("SELECT name, gone - first_received FROM read_gone") == [("pod-3", 86_400)]
        assert rows("SELECT datetime(first_received, 'unixepoch') FROM read_open LIMIT 1") == [
            ("2027-01-31 10:00:00",)
        ]
        assert rows("SELECT open FROM read_days WHERE severity = 'high' ORDER BY day") == [(3,), (2,)]
        assert rows("SELECT tenant, source FROM read_sources ORDER BY source")[-1][1] == "shop"
        assert rows("SELECT packages FROM read_images") == [(1,)]


def test_views_are_applied_whole_or_not_at_all(provider_database: PostgresServer, tmp_path: Path):
    """The owner of the tables may not set what a role sees: a role without that setting would read nothing, as if all were well."""
    made = Provider(tmp_path / "provider", database=(address := provider_database.owned()))
    try:
        made.take(report([1, 2, 3]))
    finally:
        made.close()
    role = f"reads_{address.rpartition('=')[2]}"
    provider_database.execute(address, f"CREATE ROLE {role} LOGIN")

    async def one_by_one(own: Any) -> None:
        """As psql sends the statements of a file."""
        for statement in views_sql(role).split(";\n"):
            await own.execute(statement)

    async def rows() -> int:
        own = await asyncpg.connect(address)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await one_by_one(own)
        await own.close()
        own = await asyncpg.connect(address)
        assert await own.fetchval("SELECT to_regclass('read_open')") is None
        await own.close()
        provider_database.execute(address, views_sql(role))
        schema = address.rpartition("=")[2]
        provider_database.execute(address, f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        reader = await asyncpg.connect(address.replace(f"//{schema}@", f"//{role}@"))
        try:
            return await reader.fetchval("SELECT count(*) FROM read_open")
        finally:
            await reader.close()

    assert asyncio.run(rows()) == 3


def test_a_role_reads_views_alone(capfd):
    assert "GRANT SELECT ON read_open" in views_sql("grafana")
    assert main(["views", "--role", "me; DROP TABLE finding"]) == 2
    assert "invalid --role" in capfd.readouterr().err


def test_what_to_fix_first_over_all_clusters(client: Client, provider: Provider):
    """As the sources rank: a rank that changes or goes is another or gone, and the log makes the same ranks again."""
    chain, other = Chain(), Chain()

    def tell(path: str, token: str, whose: Chain, **given: tuple[NamedWorkload, ...]) -> None:
        sent = Changes(whose.sequence + 1, whose.previous, measured(), **given)
        assert client.post(sent, token, f"/v1/sources/{path}/changes")[0] == 200
        whose.sent(sent)

    def ranked(name: str, score: float) -> RankedWorkload:
        return RankedWorkload("Deployment", name, "shop", "apps", score, f"{name} is reached from outside")

    tell(
        "shop", provider.token, chain, ranked=(ranked("web", 40.5), ranked("api", 90.0), ranked("job", 90.0))
    )
    tell("other", provider.other_token, other, ranked=(ranked("web", 95.0),))
    rows = items(client, "/v1/risks")
    assert [(row["source"], row["score"]) for row in rows] == [
        ("other", 95.0),
        ("shop", 90.0),
        ("shop", 90.0),
        ("shop", 40.5),
    ]
    assert rows[0]["sentence"] == "web is reached from outside"
    assert [row["source"] for row in items(client, "/v1/risks?name=web")] == ["other", "shop"]
    assert [row["name"] for row in items(client, "/v1/risks?source=shop&limit=1000")][-1] == "web"
    seen, path = [], "/v1/risks?limit=1"
    while True:
        page = client("GET", path, provider.reader)[1]
        seen += page["items"]
        if not page["next"]:
            break
        path = f"/v1/risks?limit=1&cursor={page['next']}"
    assert seen == rows
    tell(
        "shop",
        provider.token,
        chain,
        ranked=(ranked("web", 99.0),),
        unranked=(NamedWorkload("Deployment", "api", "shop", "apps"),),
    )
    after = items(client, "/v1/risks")
    assert [(row["name"], row["score"]) for row in after] == [("web", 99.0), ("web", 95.0), ("job", 90.0)]
    assert all(is_equal for _, _, is_equal in provider.rebuild())
    assert items(client, "/v1/risks") == after


@pytest.mark.parametrize("seed", range(2))
def test_the_sums_of_namespaces_are_what_the_findings_say(client: Client, provider: Provider, seed: int):
    """Whatever comes, goes, comes again, becomes graver or moves to another namespace, and after all was made anew."""
    chance, chain = random.Random(seed), Chain()
    severities: tuple[Severity, ...] = ("critical", "high", "low")

    def both() -> list[tuple[NamespaceHistory, NamespaceHistory]]:
        ask = Questions(provider.place.tables, provider.clock).namespace_history
        return [
            (ask("default", (name,), "", 900), ask("default", (name,), "shop", 900))
            for name in ("shop", "payments")
        ]

    for _ in range(12):
        provider.clock.pass_by(hours=chance.randrange(40))
        numbers = [chance.randrange(8) for _ in range(6)]
        opened = tuple(
            found(one, severity=chance.choice(severities), namespace=chance.choice(("shop", "payments")))
            for one in numbers
        )
        gone = tuple(GoneFinding(f"{chance.randrange(8):032x}") for _ in range(3))
        sent = Changes(chain.sequence + 1, chain.previous, measured(), opened, gone)
        assert client.post(sent, path="/v1/sources/shop/changes")[0] == 200
        chain.sent(sent)
    before = both()
    assert all(summed == counted for summed, counted in before)
    assert sum(day.opened for summed, _ in before for day in summed.items) > 10
    assert all(is_equal for _, _, is_equal in provider.rebuild())
    assert both() == before
    source = provider.source
    assert provider.ingest.rebuilt(source)[1]
    assert both() == before


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_pages_of_every_question_hold_exactly_what_fits_it(provider: Provider):
    """Whatever is asked for first decides which table is read first: the answer is that of a look at each finding."""
    chance = random.Random(7)
    severities: tuple[Severity, ...] = ("critical", "high", "low")
    placed = {
        number: found(
            number,
            control=chance.choice(("C-0057", "C-0016")),
            severity=chance.choice(severities),
            namespace=chance.choice(("shop", "payments")),
            kind=chance.choice(("Pod", "Deployment")),
            name=f"app-{chance.randrange(4)}",
            path=f"spec.field{chance.randrange(3)}",
            accepted=chance.choice(("", "", "", "known")),
        )
        for number in range(60)
    }
    provider.place.tables.add_tenant("rival", "2027-01-01T00:00:00Z")
    add_source(provider.place.tables, "shop", "cluster", 0, "rival")
    stamps = []
    for _ in range(4):
        for tenant, name in (("default", "shop"), ("default", "other"), ("rival", "shop")):
            source = provider.place.tables.source(tenant, name)
            assert source is not None
            sent = WholeReport(
                measured(), ("C-0057", "C-0016"), tuple(placed[one] for one in chance.sample(range(60), 30))
            )
            message = Message(encoded(sent), sent, str(uuid.uuid4()))
            provider.ingest.take(Token(name, tenant, source.id, "write"), source, message)
        stamps.append(provider.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        provider.clock.pass_by(days=12)
    questions = Questions(provider.place.tables, provider.clock)

    def pages(asked: Asked, most: int) -> list[FindingRow]:
        rows, cursor = [], ""
        while True:
            page = questions.findings("default", asked, cursor, most)
            rows += page.items
            if not (cursor := page.next):
                return rows

    def fits(row: FindingRow, asked: Asked) -> bool:
        words = ("source", "control", "severity", "namespace", "kind", "name")
        since = row.gone if asked.state == "gone" else row.first_received
        return all(getattr(asked, one) in ("", getattr(row, one)) for one in words) and since >= asked.since

    everything = {state: pages(Asked(state=state), 1_000) for state in ("open", "accepted", "gone")}
    assert all(len(rows) > 10 for rows in everything.values())
    for _ in range(60):
        asked = Asked(
            source=chance.choice(("", "", "shop", "none")),
            control=chance.choice(("", "C-0057")),
            severity=chance.choice(("", "", "critical", "medium")),
            namespace=chance.choice(("", "", "shop")),
            kind=chance.choice(("", "", "Pod")),
            name=chance.choice(("", "", "app-1")),
            state=chance.choice(("open", "accepted", "gone")),
            since=chance.choice(("", "", *stamps)),
        )
        wanted = [row for row in everything[asked.state] if fits(row, asked)]
        assert pages(asked, chance.choice((1, 3, 1_000))) == wanted, asked
