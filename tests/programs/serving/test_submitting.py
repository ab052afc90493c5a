"""Stored results on their way to a provider: the same numbers there as in the store, and what changes follows."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.image_archives import docker_archive, layer
from tests.programs.provider.provider_parts import Provider, served

from leadline.api.carriers.local_reading import LocalReader
from leadline.api.posture_results import SCANS
from leadline.api.protocol import Paging
from leadline.api.provider.wire import Changes
from leadline.api.selection import Key, Selection
from leadline.programs.cli.main import main
from leadline.programs.provider.main import main as provider_main
from leadline.programs.serving.provider_client import Patient, ProviderReader, provider_client
from leadline.programs.serving.submitting import Pace, StoredFindings, Submitting
from leadline.scans.pages.page import Ask, Table, built
from leadline.scans.pages.rows import object_key
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import World
from leadline.scans.provider_reading import read_known
from leadline.scans.submitting.changing import ChangeSender
from leadline.scans.submitting.outbox import Outbox, Seen, place_of
from leadline.scans.submitting.sending import Channel, destination
from leadline.scans.submitting.stored_findings import StoredFacts, stored_facts

ROOT = Path(__file__).parents[3]
APK = b"""P:busybox
V:1.36.1-r2
A:x86_64
L:GPL-2.0-only
o:busybox

"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop}}
spec: {{containers: [{{name: one, image: "busybox:1.36", securityContext: {{privileged: true}}}}]}}
"""


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.chdir(tmp_path)
    made = Provider(tmp_path / "provider")
    monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", made.token)
    yield made
    made.close()


def stored(*targets: str) -> None:
    assert main(["scan", *targets, "--store", "results.db", "-q", "-f", "lines"]) == 0


def open_names(provider: Provider) -> list[str]:
    text = (
        "SELECT DISTINCT o.name FROM finding f JOIN object o ON o.source = f.source AND o.id = f.object"
        " WHERE f.tenant = ? ORDER BY o.name"
    )
    return [row[0] for row in provider.place.tables.read("default", text)]


def counted(provider: Provider) -> dict[str, tuple[int, int]]:
    names = ("critical", "high", "medium", "low")
    rows = provider.place.tables.read(
        "default", "SELECT severity, open, accepted FROM tally WHERE tenant = ?"
    )
    return {names[severity]: (is_open, accepted) for severity, is_open, accepted in rows if severity < 4}


def test_the_numbers_are_those_of_the_store(provider: Provider, capfd):
    stored(str(ROOT / "examples" / "shop"))
    with served(provider) as url:
        words = ["send", f"{url}/shop", "--from-store", "results.db", "--once"]
        assert provider_main(words) == 0
        assert "messages delivered: 1" in capfd.readouterr().err
        assert provider_main(words) == 0
    main(["scan", "--from-store", "results.db", "-f", "lines"])
    last = capfd.readouterr().err.splitlines()[-1]
    own = {
        name: int(number)
        for number, name in (part.split() for part in last.partition(": ")[2].partition(";")[0].split(", "))
    }
    assert {name: is_open for name, (is_open, _) in counted(provider).items()} == own
    assert provider.source.entries == 2
    assert provider.source.unread > 0


async def until(is_so: Callable[[], bool], running: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(60):
        while not is_so():
            if running.done():
                running.result()
            await asyncio.sleep(0.05)


def test_what_changes_in_a_store_follows(provider: Provider):
    Path("one.yaml").write_text(POD.format(name="one"))
    stored("one.yaml")
    place_of = destination

    async def followed(url: str) -> None:
        place = place_of(f"{url}/shop")
        outbox = Outbox(Path("outbox.db"), url)
        with provider_client("") as client:
            sender = ChangeSender(Channel(place, provider.token, Patient(client)), outbox)
            pace = Pace(settle_s=0.05, every_s=3_600, again_s=0.05)
            submitting = Submitting(sender, lambda: LocalReader(Path("results.db")), pace)
            running = asyncio.ensure_future(submitting.run())
            await until(lambda: provider.source.entries == 1, running)
            names = set(open_names(provider))
            assert names == {"one"}
            Path("two.yaml").write_text(POD.format(name="two"))
            await asyncio.to_thread(stored, "two.yaml")
            await until(lambda: provider.source.entries >= 2, running)
            running.cancel()
            await asyncio.wait({running})
        outbox.close()

    with served(provider) as url:
        asyncio.run(followed(url))
    assert open_names(provider) == ["one", "two"]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (
            ["send", "https://p.example/shop", "--from-store", "none.db", "--once"],
            3,
            "there is no store none.db",
        ),
        (["send", "https://p.example", "--from-store", "none.db"], 2, "names no source"),
        (["send", "https://p.example/shop"], 2, "--from-store"),
        (
            ["send", "https://p.example/shop", "--from-store", "none.db", "--every", "1x"],
            2,
            "invalid --every 1x",
        ),
    ],
)
def test_wrong_words_end_with_one_line(provider: Provider, capfd, words: list[str], code: int, why: str):
    assert provider_main(words) == code
    last = capfd.readouterr().err.splitlines()[-1]
    assert why in last


def test_what_was_not_judged_or_cannot_be_read_stays_open(provider: Provider):
    stored(str(ROOT / "examples" / "shop"))

    async def listed() -> list[StoredFacts]:
        store = LocalReader(Path("results.db"))
        page = await store.list(Selection(SCANS), Paging("", 200, 1 << 20))
        await store.close()
        return [stored_facts(entry) for entry in page.entries]

    facts = asyncio.run(listed())
    undecided = {mark for one in facts for mark in one.undecided}
    assert undecided
    assert undecided.isdisjoint(finding.fingerprint for one in facts for finding in one.findings)
    found = StoredFindings()
    for number, one in enumerate(facts):
        found.results.facts[Key(SCANS, "shop", str(number))] = one
    assert (found.seen().undecided, found.seen().is_whole) == (undecided, True)
    found.results.unreadable.add(Key(SCANS, "shop", "damaged"))
    assert not found.seen().is_whole


def test_images_go_once_for_each_digest_and_content(provider: Provider, capfd):
    archive = Path("shop.tar")
    docker_archive(archive, [layer({"lib/apk/db/installed": APK})])
    image = ["scan", "image", str(archive), "--store", "results.db", "-q"]
    assert main(image) == 0
    capfd.readouterr()
    with served(provider) as url:
        words = ["send", f"{url}/shop", "--from-store", "results.db", "--once"]
        assert provider_main(words) == 0
        assert "messages delivered: 2" in capfd.readouterr().err
        # Scanned again, with the same content.
        assert main(image) == 0
        assert provider_main(words) == 0
        assert "messages delivered: 1" in capfd.readouterr().err
    rows = provider.place.tables.read("default", "SELECT name, version FROM package WHERE tenant = ?")
    assert [tuple(row) for row in rows] == [("alpine/busybox", "1.36.1-r2")]


def test_ranks_are_sent_as_they_change(provider: Provider):
    stored(str(ROOT / "examples" / "shop"))
    found = StoredFindings()

    async def read() -> None:
        store = LocalReader(Path("results.db"))
        for one in found.followed:
            page = await store.list(Selection(one.plural, with_body=one.with_body), Paging("", 500, 1 << 20))
            for entry in page.entries:
                one.put(entry)
        await store.close()

    asyncio.run(read())
    seen = replace(found.seen(), findings={})
    ranks = seen.ranks
    assert ranks
    assert all(one.kind and one.name and one.sentence for one in ranks.values())
    outbox = Outbox(Path("outbox.db"), "https://p.example/shop")
    changes = outbox.prepare(seen, found.measured(provider.clock()), 0)
    first = msgspec.json.decode(changes.parcel.plain, type=Changes)
    assert set(first.ranked) == set(ranks.values())
    outbox.acknowledge(changes, "")
    assert not outbox.differs(seen)
    fewer = dict(list(ranks.items())[1:])
    gone = msgspec.json.decode(
        outbox.prepare(replace(seen, ranks=fewer), found.measured(provider.clock()), 0).parcel.plain,
        type=Changes,
    )
    assert [place_of(one) for one in gone.unranked] == list(ranks)[:1]
    assert not gone.ranked
    # What cannot be read takes nothing away.
    assert not outbox.differs(Seen({}))
    outbox.close()


def test_pages_over_many_clusters_rank_as_each_cluster_does(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Over all clusters the highest risk comes first, also after the tables were rebuilt."""
    Path("one.yaml").write_text(POD.format(name="one"))
    wanted: list[tuple[float, str, str]] = []
    with served(provider) as url:
        for name, token, target in (
            ("shop", provider.token, str(ROOT / "examples" / "shop")),
            ("other", provider.other_token, "one.yaml"),
        ):
            assert main(["scan", target, "--store", f"{name}.db", "-q", "-f", "lines"]) == 0
            monkeypatch.setenv("LEADLINE_SUBMIT_TOKEN", token)
            outbox = ["--outbox", f"{name}-outbox.db"]
            assert (
                provider_main(["send", f"{url}/{name}", "--from-store", f"{name}.db", "--once", *outbox]) == 0
            )
            capfd.readouterr()
            assert main(["risk", "--from-store", f"{name}.db", "-f", "json", "--top", "1000"]) == 0
            own = msgspec.json.decode(capfd.readouterr().out)["workloads"]
            wanted += [(one["score"], f"{name}/", one["sentence"]) for one in own]
        monkeypatch.setenv("LEADLINE_PROVIDER_TOKEN", provider.reader)
        assert all(is_equal for _, _, is_equal in provider.rebuild())
        with closing(ProviderReader(url, os.environ, "")) as ask:
            known = read_known(ask, ask.host, datetime.now(UTC), "leadline report --provider URL")
            fewer = read_known(ask, ask.host, datetime.now(UTC), "x", risks=2)
    kinds = {one.name: one for one in PAGES}

    def table(name: str, **query: str) -> Table:
        page = asyncio.run(
            built(kinds[name], World(known), Ask({word: (text,) for word, text in query.items()}))
        )
        return next(one for one in page.sections if isinstance(one, Table))

    rows = [[one if isinstance(one, str) else one.text for one in row] for row in table("workloads").rows]
    assert len(rows) > 3
    found = [(float(score), f"{title.partition('/')[0]}/", why) for score, title, why in rows]
    assert [row[0] for row in found] == sorted((row[0] for row in found), reverse=True)
    assert sorted(found) == sorted(wanted)
    first = known.report.risks
    assert first is not None
    assert "the pages of the cluster itself" in str(
        asyncio.run(built(kinds["workload"], World(known), Ask({"id": (object_key(first[0].resource),)})))
    )
    assert any("only the 2 workloads with the highest risk" in one.why for one in fewer.report.unread)
