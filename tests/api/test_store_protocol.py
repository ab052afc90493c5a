"""What every carrier promises."""

import asyncio

import pytest
from store_carriers import EVERYTHING, HISTORY, PLURAL, Carrier, content, key, put, seen

from leadline.api.protocol import (
    ABSENT,
    Changes,
    ConflictError,
    FutureError,
    GoneError,
    Paging,
    Put,
    Store,
    TokenError,
)
from leadline.api.selection import Selection, parse_fields, parse_labels

FIRST = Paging()


async def follow(store: Store, selection: Selection, since: int, upto: int) -> list[tuple[str, str]]:
    """(type, name) of all that is seen until revision ``upto``."""
    seen = []
    async for changes in store.watch(selection, since):
        seen += [(event.type, event.entry.key.name) for event in changes.events]
        if changes.revision >= upto:
            return seen
    raise AssertionError("the watch ended")


async def names(store: Store, selection: Selection) -> list[str]:
    return [entry.key.name for entry in (await store.list(selection, FIRST)).entries]


def test_what_was_put_is_read_back_whole(atomic_carrier: Carrier):
    async def scenario(store: Store) -> None:
        written = await store.put(Put(key("web"), content("hello", {"a": "b"})))
        read = await store.get(key("web"))
        assert read == written
        assert read.content == content("hello", {"a": "b"})
        assert read.metadata == b'{"resourceVersion":"%d","labels":{"a":"b"}}' % written.revision

    atomic_carrier.run(scenario)


def test_what_is_not_there_is_none(carrier: Carrier):
    async def scenario(store: Store) -> None:
        await store.put(put("web"))
        assert await store.get(key("web", "other")) is None
        assert await store.get(key("web", plural="vulnerabilitymanifests")) is None
        assert await store.get(key("we")) is None

    carrier.run(scenario)


def test_every_write_has_a_revision_of_its_own(carrier: Carrier):
    async def scenario(store: Store) -> None:
        start = store.revision
        entries = [await store.put(put("a")), await store.put(put("b")), await store.put(put("a", "new"))]
        entries.append(await store.delete(key("b")))
        assert [entry.revision for entry in entries] == sorted({entry.revision for entry in entries})
        assert entries[0].revision > start
        assert store.revision == entries[-1].revision

    carrier.run(scenario)


def test_a_stale_write_is_refused_and_told_the_current_revision(carrier: Carrier):
    async def scenario(store: Store) -> None:
        first = await store.put(put("web"))
        second = await store.put(put("web", "new", expected=first.revision))
        with pytest.raises(ConflictError) as refused:
            await store.put(put("web", "stale", expected=first.revision))
        assert refused.value.current == second.revision
        with pytest.raises(ConflictError):
            await store.delete(key("web"), first.revision)
        there = await store.get(key("web"))
        assert there is not None
        assert (there.revision, seen(there)) == (second.revision, seen(second))

    carrier.run(scenario)


def test_what_exists_is_not_created_again(carrier: Carrier):
    async def scenario(store: Store) -> None:
        await store.put(put("web", expected=ABSENT))
        with pytest.raises(ConflictError):
            await store.put(put("web", expected=ABSENT))
        await store.delete(key("web"))
        await store.put(put("web", expected=ABSENT))

    carrier.run(scenario)


def test_what_is_absent_is_neither_replaced_nor_deleted(carrier: Carrier):
    async def scenario(store: Store) -> None:
        with pytest.raises(ConflictError) as refused:
            await store.put(put("web", expected=7))
        assert refused.value.current == ABSENT
        with pytest.raises(ConflictError) as refused:
            await store.delete(key("web"))
        assert refused.value.current == ABSENT

    carrier.run(scenario)


def test_of_two_writers_of_one_revision_one_wins(carrier: Carrier):
    async def scenario(store: Store) -> None:
        first = await store.put(put("web"))
        writes = [store.put(put("web", str(n), expected=first.revision)) for n in range(8)]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConflictError"] * 7 + ["Entry"]

    carrier.run(scenario)


def test_a_batch_is_written_in_order(atomic_carrier: Carrier):
    async def scenario(store: Store) -> None:
        entries = await store.put_all([put(f"web-{n:03}") for n in range(250)])
        revisions = [entry.revision for entry in entries]
        assert revisions == sorted(set(revisions))
        assert await names(store, EVERYTHING) == [f"web-{n:03}" for n in range(250)]

    atomic_carrier.run(scenario)


def test_of_a_batch_with_a_conflict_nothing_is_written(atomic_carrier: Carrier):
    async def scenario(store: Store) -> None:
        there = await store.put(put("b"))
        with pytest.raises(ConflictError) as refused:
            await store.put_all([put("a"), put("b", expected=ABSENT), put("c")])
        assert refused.value.key == key("b")
        assert await names(store, EVERYTHING) == ["b"]
        assert store.revision == there.revision

    atomic_carrier.run(scenario)


def test_an_object_twice_in_a_batch_counts_as_written(atomic_carrier: Carrier):
    async def scenario(store: Store) -> None:
        with pytest.raises(ConflictError):
            await store.put_all([put("a", expected=ABSENT), put("a", expected=ABSENT)])
        await store.put_all([put("a", "one"), put("a", "two")])
        found = await store.get(key("a"))
        assert found is not None
        assert found.content == content("two")

    atomic_carrier.run(scenario)


def test_an_empty_batch_changes_nothing(carrier: Carrier):
    async def scenario(store: Store) -> None:
        before = store.revision
        assert await store.put_all([]) == ()
        assert store.revision == before

    carrier.run(scenario)


def test_lists_are_by_namespace_and_name_and_of_one_kind(carrier: Carrier):
    async def scenario(store: Store) -> None:
        places = [("b", "x"), ("a", "z"), ("a", "y"), ("c", "a")]
        await store.put_all([Put(key(name, namespace), content()) for namespace, name in places])
        await store.put(Put(key("other", "a", "vulnerabilitymanifests"), content()))
        page = await store.list(EVERYTHING, FIRST)
        assert [(e.key.namespace, e.key.name) for e in page.entries] == sorted(places)
        assert await names(store, Selection(PLURAL, "a")) == ["y", "z"]
        assert await names(store, Selection(PLURAL, "a", "z")) == ["z"]
        assert await names(store, Selection(PLURAL, "nowhere")) == []
        assert page.revision == store.revision

    carrier.run(scenario)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("app=web", ["a"]),
        ("app", ["a", "b"]),
        ("!app", ["c"]),
        ("app!=web", ["b", "c"]),
        ("app in (web, db)", ["a", "b"]),
        ("app notin (web),tier=back", ["b"]),
        ("tier=back,app=web", []),
    ],
)
def test_lists_are_selected_by_labels(carrier: Carrier, labels: str, expected: list[str]):
    async def scenario(store: Store) -> None:
        await store.put_all([put("a", app="web"), put("b", app="db", tier="back"), put("c")])
        assert await names(store, Selection(PLURAL, labels=parse_labels(labels))) == expected

    carrier.run(scenario)


def test_lists_are_selected_by_fields(carrier: Carrier):
    async def scenario(store: Store) -> None:
        await store.put_all([put("a"), put("b"), Put(key("a", "zoo"), content())])
        assert await names(store, Selection(PLURAL, fields=parse_fields("metadata.name!=a"))) == ["b"]
        picked = Selection(PLURAL, fields=parse_fields("metadata.namespace=zoo,metadata.name=a"))
        assert [e.key.namespace for e in (await store.list(picked, FIRST)).entries] == ["zoo"]

    carrier.run(scenario)


def test_bodies_stay_away_where_they_are_not_wanted(carrier: Carrier):
    async def scenario(store: Store) -> None:
        await store.put(put("a", "long"))
        page = await store.list(Selection(PLURAL, with_body=False), FIRST)
        assert [e.content.body for e in page.entries] == [b""]

    carrier.run(scenario)


def test_all_pages_show_one_moment(carrier: Carrier):
    async def scenario(store: Store) -> None:
        await store.put_all([put(f"a{n}", "old") for n in range(7)])
        page = await store.list(EVERYTHING, Paging(limit=3))
        await store.put(put("a5", "new"))
        await store.put(put("a4x"))
        await store.delete(key("a6"))
        found, revision = list(page.entries), page.revision
        while page.token:
            page = await store.list(EVERYTHING, Paging(page.token, limit=3))
            assert page.revision == revision
            found += page.entries
        assert [seen(e) for e in found] == [(f"a{n}", {}, "old") for n in range(7)]

    carrier.run(scenario)


def test_a_full_last_page_has_no_token(carrier: Carrier):
    async def scenario(store: Store) -> None:
        await store.put_all([put(f"a{n}") for n in range(4)])
        page = await store.list(EVERYTHING, Paging("0", limit=2))
        page = await store.list(EVERYTHING, Paging(page.token, limit=2))
        assert (len(page.entries), page.token) == (2, "")

    carrier.run(scenario)


def test_pages_are_bounded_by_bytes_and_hold_one_object_at_least(atomic_carrier: Carrier):
    async def scenario(store: Store) -> None:
        await store.put_all([put(f"a{n}", "x" * 1000) for n in range(5)])
        page = await store.list(EVERYTHING, Paging(max_bytes=2500))
        assert len(page.entries) == 2
        page = await store.list(EVERYTHING, Paging(page.token, max_bytes=10))
        assert [e.key.name for e in page.entries] == ["a2"]

    atomic_carrier.run(scenario)


@pytest.mark.parametrize(
    "token", ["nonsense", "%%%", "e30=", "WzEsMl0=", "Wy0xLCJhIiwiYiJd", "é", "x" * 5000]
)
def test_a_token_of_nobody_is_refused(carrier: Carrier, token: str):
    async def scenario(store: Store) -> None:
        with pytest.raises(TokenError):
            await store.list(EVERYTHING, Paging(token))

    carrier.run(scenario)


def test_a_watch_sees_everything_since_its_revision_in_order(carrier: Carrier):
    async def scenario(store: Store) -> None:
        start = await store.put(put("before"))
        await store.put(put("a"))
        await store.put(put("a", "new"))
        await store.put(Put(key("x", plural="vulnerabilitymanifests"), content()))
        end = await store.delete(key("a"))
        assert await follow(store, EVERYTHING, start.revision, end.revision) == [
            ("ADDED", "a"),
            ("MODIFIED", "a"),
            ("DELETED", "a"),
        ]

    carrier.run(scenario)


def test_a_watch_waits_for_what_comes(carrier: Carrier):
    async def scenario(store: Store) -> None:
        start = store.revision
        watch = store.watch(EVERYTHING, start)
        coming: asyncio.Future[Changes] = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        written = await store.put(put("a"))
        changes = await coming
        assert [seen(event.entry) for event in changes.events] == [seen(written)]
        assert changes.revision == written.revision

    carrier.run(scenario)


def test_a_deletion_has_a_new_revision_and_the_last_metadata(carrier: Carrier):
    async def scenario(store: Store) -> None:
        await store.put(put("a", app="web"))
        gone = await store.delete(key("a"))
        changes = await anext(store.watch(EVERYTHING, gone.revision - 1))
        assert [(event.type, seen(event.entry)) for event in changes.events] == [
            ("DELETED", ("a", {"app": "web"}, ""))
        ]
        assert changes.events[0].entry.revision == gone.revision

    carrier.run(scenario)


def test_entering_and_leaving_a_selection_are_additions_and_deletions(carrier: Carrier):
    async def scenario(store: Store) -> None:
        start = store.revision
        await store.put(put("a", app="db"))
        await store.put(put("a", app="web"))
        await store.put(put("a", "new", app="web"))
        await store.put(put("a", app="db"))
        await store.put(put("a", app="db", x="y"))
        await store.put(put("b", app="web"))
        end = await store.delete(key("b"))
        selection = Selection(PLURAL, labels=parse_labels("app=web"))
        assert await follow(store, selection, start, end.revision) == [
            ("ADDED", "a"),
            ("MODIFIED", "a"),
            ("DELETED", "a"),
            ("ADDED", "b"),
            ("DELETED", "b"),
        ]

    carrier.run(scenario)


def test_a_watch_of_one_namespace_sees_nothing_of_others(carrier: Carrier):
    async def scenario(store: Store) -> None:
        start = store.revision
        await store.put(put("a"))
        end = await store.put(Put(key("b", "zoo"), content()))
        assert await follow(store, Selection(PLURAL, "zoo"), start, end.revision) == [("ADDED", "b")]

    carrier.run(scenario)


def test_who_comes_too_late_is_told_so(carrier: Carrier):
    async def scenario(store: Store) -> None:
        start = (await store.put(put("a"))).revision
        await store.put(put("b"))
        page = await store.list(EVERYTHING, Paging(limit=1))
        for n in range(2 * HISTORY):
            await store.put(put("a", str(n)))
        if hasattr(store, "tend"):
            await store.tend()
        with pytest.raises(GoneError):
            await anext(store.watch(EVERYTHING, start))
        with pytest.raises(GoneError):
            await store.list(EVERYTHING, Paging(page.token))
        recent = store.revision - HISTORY // 2
        assert len(await follow(store, EVERYTHING, recent, store.revision)) == HISTORY // 2

    carrier.run(scenario)


def test_the_future_cannot_be_watched(carrier: Carrier):
    async def scenario(store: Store) -> None:
        with pytest.raises(FutureError):
            await anext(store.watch(EVERYTHING, store.revision + 1))

    carrier.run(scenario)


def test_closing_ends_watches(carrier: Carrier):
    async def scenario(store: Store) -> None:
        watch = store.watch(EVERYTHING, store.revision)
        coming = asyncio.ensure_future(anext(watch, None))
        await asyncio.sleep(0)
        await store.close()
        assert await coming is None

    carrier.run(scenario)


def test_many_writers_lose_nothing_and_a_watch_sees_it_all(carrier: Carrier):
    async def scenario(store: Store) -> None:
        start = store.revision

        async def writer(number: int) -> None:
            for n in range(5):
                await store.put(put(f"w{number}", str(n)))

        await asyncio.gather(*(writer(n) for n in range(8)))
        seen = await follow(store, EVERYTHING, start, store.revision)
        assert sorted(seen) == sorted(
            [("ADDED", f"w{n}") for n in range(8)]
            + [("MODIFIED", f"w{n}") for n in range(8) for _ in range(4)]
        )

    carrier.run(scenario)
