"""Watches of the application, over a store in memory."""

import pytest
from asgi import MERGE, METADATA, ROOT, SUMMARIES, TABLE, Client, run, run_with_feed, summary

from leadline.programs.apiserver.exchange import Patience

EVERYWHERE = f"{ROOT}/workloadconfigurationscansummaries"


async def make(client: Client, *names: str, path: str = SUMMARIES) -> None:
    for name in names:
        assert (await client.ask("POST", path, summary(name))).code == 201


async def revision(client: Client) -> str:
    answer = await client.ask("GET", SUMMARIES)
    return str(answer.json["metadata"]["resourceVersion"])


def test_a_watch_goes_on_from_its_revision():
    async def scenario(client: Client) -> None:
        await make(client, "a")
        since = await revision(client)
        await make(client, "b")
        watch = await client.watch(EVERYWHERE, {"resourceVersion": since})
        assert await watch.names(1) == [("ADDED", "b")]
        await client.ask("PATCH", f"{SUMMARIES}/b", {"spec": {}}, headers={"content-type": MERGE})
        await client.ask("DELETE", f"{SUMMARIES}/a")
        assert await watch.names(1) == [("DELETED", "a")]
        await watch.leave()

    run(scenario)
    run_with_feed(scenario)


def test_a_watch_of_one_namespace_hears_of_it():
    async def scenario(client: Client) -> None:
        watch = await client.watch(SUMMARIES, {"resourceVersion": await revision(client)})
        await make(client, "x", path=SUMMARIES.replace("shop", "zoo"))
        await make(client, "b")
        assert await watch.names(1) == [("ADDED", "b")]
        await watch.leave()

    run(scenario)
    run_with_feed(scenario)


def test_initial_events_end_with_a_bookmark_of_the_kind_asked_for():
    async def scenario(client: Client) -> None:
        await make(client, "a", "b")
        query = {
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "allowWatchBookmarks": "true",
        }
        watch = await client.watch(EVERYWHERE, query, {"accept": METADATA})
        assert await watch.names(2) == [("ADDED", "a"), ("ADDED", "b")]
        mark = await watch.next()
        assert mark["type"] == "BOOKMARK"
        assert mark["object"] == {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {
                "creationTimestamp": None,
                "resourceVersion": str(client.store.revision),
                "annotations": {"k8s.io/initial-events-end": "true"},
            },
        }
        await make(client, "c")
        assert await watch.names(1) == [("ADDED", "c")]
        await watch.leave()

    run(scenario)
    run_with_feed(scenario)


def test_initial_events_need_to_say_how_new_they_must_be():
    async def scenario(client: Client) -> None:
        answer = await client.ask("GET", EVERYWHERE, query={"watch": "1", "sendInitialEvents": "true"})
        assert answer.code == 422

    run(scenario)
    run_with_feed(scenario)


def test_without_a_revision_a_watch_begins_with_what_there_is():
    async def scenario(client: Client) -> None:
        await make(client, "a")
        watch = await client.watch(SUMMARIES, {})
        assert await watch.names(1) == [("ADDED", "a")]
        await watch.leave()

    run(scenario)
    run_with_feed(scenario)


def test_the_full_mode_shows_whole_objects_and_deletions_without():
    async def scenario(client: Client) -> None:
        whole = await client.watch(SUMMARIES, {"resourceVersion": "fullSpec"})
        zeros = await client.watch(SUMMARIES, {})
        await make(client, "a")
        assert (await whole.next())["object"]["spec"]["severities"]["critical"] == 1
        assert (await zeros.next())["object"]["spec"]["severities"]["critical"] == 0
        await client.ask("DELETE", f"{SUMMARIES}/a")
        gone = await whole.next()
        assert gone["type"] == "DELETED"
        assert gone["object"]["spec"]["severities"]["critical"] == 0
        await whole.leave()
        await zeros.leave()

    run(scenario)
    run_with_feed(scenario)


def test_tables_are_watched_row_by_row():
    async def scenario(client: Client) -> None:
        watch = await client.watch(SUMMARIES, {}, {"accept": TABLE})
        await make(client, "a")
        table = (await watch.next())["object"]
        assert table["kind"] == "Table"
        assert table["rows"][0]["cells"][0] == "a"
        await watch.leave()

    run(scenario)
    run_with_feed(scenario)


def test_who_comes_too_late_has_to_list_anew():
    async def scenario(client: Client) -> None:
        answer = await client.ask("GET", SUMMARIES, query={"watch": "1", "resourceVersion": "5"})
        assert (answer.code, answer.json["reason"]) == (410, "Expired")

    run(scenario)
    run_with_feed(scenario)


def test_a_watch_ends_in_its_time():
    async def scenario(client: Client) -> None:
        watch = await client.watch(SUMMARIES, {"timeoutSeconds": "1"})
        assert await watch.next() is None
        await watch.task

    run(scenario)
    run_with_feed(scenario)


def test_stopping_ends_watches_cleanly_and_refuses_what_comes():
    async def scenario(client: Client) -> None:
        watch = await client.watch(SUMMARIES, {})
        await make(client, "a")
        await watch.names(1)
        client.app.stop()
        assert await watch.next() is None
        await watch.task
        answer = await client.ask("GET", SUMMARIES)
        assert answer.code == 503
        assert answer.headers["retry-after"] == "1"

    run(scenario)
    run_with_feed(scenario)


@pytest.mark.parametrize("labels", ["app=web"])
def test_a_selected_watch_sees_entering_and_leaving(labels: str):
    async def scenario(client: Client) -> None:
        watch = await client.watch(
            SUMMARIES, {"labelSelector": labels, "resourceVersion": await revision(client)}
        )
        await client.ask("POST", SUMMARIES, summary("a", app="db"))
        for app in ("web", "db"):
            change = {"metadata": {"labels": {"app": app}}}
            await client.ask("PATCH", f"{SUMMARIES}/a", change, headers={"content-type": MERGE})
        assert await watch.names(2) == [("ADDED", "a"), ("DELETED", "a")]
        await watch.leave()

    run(scenario)
    run_with_feed(scenario)


def test_many_watchers_see_the_same_and_late_ones_catch_up():
    async def scenario(client: Client) -> None:
        start = await revision(client)
        watchers = [await client.watch(SUMMARIES, {"resourceVersion": start}) for _ in range(20)]
        await make(client, "a", "b")
        client.app.feed.keep = 4
        for number in range(20):
            await make(client, f"c{number:02}")
        late = await client.watch(SUMMARIES, {"resourceVersion": start})
        expected = [("ADDED", "a"), ("ADDED", "b"), *(("ADDED", f"c{n:02}") for n in range(20))]
        for watch in (*watchers, late):
            assert await watch.names(22) == expected
            await watch.leave()

    run(scenario)
    run_with_feed(scenario)


def impatient() -> Client:
    return Client(patience=Patience(mark_s=0.02))


def test_bookmarks_take_a_watcher_of_a_quiet_kind_along():
    async def scenario(client: Client) -> None:
        query = {"resourceVersion": await revision(client), "allowWatchBookmarks": "true"}
        watch = await client.watch(f"{ROOT}/knownservers", query)
        await make(client, "a", "b")
        newest = await revision(client)
        while (event := await watch.next())["object"]["metadata"]["resourceVersion"] != newest:
            assert event["type"] == "BOOKMARK"
        assert event["type"] == "BOOKMARK"
        await watch.leave()

    run(scenario, impatient)


def test_a_watch_ends_once_its_client_may_no_longer_watch():
    async def scenario(client: Client) -> None:
        watch = await client.watch(EVERYWHERE, {"resourceVersion": await revision(client)})
        await make(client, "a")
        assert await watch.names(1) == [("ADDED", "a")]
        client.access.refused = ("watch",)
        assert await watch.next() is None
        assert (await client.ask("GET", EVERYWHERE, query={"watch": "1"})).code == 403

    run(scenario, impatient)
