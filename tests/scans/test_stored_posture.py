"""A report that was stored and read back says what the scan said."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import orjson
import pytest
from msgspec import structs
from msgspec.structs import replace

from leadline.api.catalogue import KINDS
from leadline.api.posture_results import SCANS
from leadline.api.protocol import Content, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.errors import SourceError, UsageError
from leadline.model.control import Control, Missing, Remove, Review, Set
from leadline.model.finding import Finding
from leadline.model.report import PostureReport, Target, Waived
from leadline.model.resource import CLUSTER, Resource
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver, WaiverUse
from leadline.outputs.format_registry import Page, find_format, formats_for
from leadline.outputs.rows.no_places import NoPlaces
from leadline.programs.apiserver.encoding.forms import serve
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.scans.stored.posture_runs import Outcome, RunOptions, posture_run
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, written
from leadline.scans.stored.store_posture import StoreOptions, store_posture
from leadline.scans.stored.stored_posture import stored_posture
from memory_store import MemoryStore

EXAMPLES = Path(__file__).parents[2] / "examples"
FULL = StoreOptions(is_full=True)


def run(scenario: Callable[[MemoryStore], Awaitable[None]]) -> None:
    asyncio.run(scenario(MemoryStore()))


def as_of_a_cluster(report: PostureReport) -> PostureReport:
    """``report`` with objects that no file is known of."""
    ids = {
        one.id: Resource(one.api_version, one.kind, one.namespace, one.name, one.body, CLUSTER).id
        for one in report.resources
        if one.origin.kind != "derived"
    }
    resources = tuple(
        structs.replace(one, origin=CLUSTER, id=ids[one.id]) if one.id in ids else one
        for one in report.resources
    )
    findings = tuple(
        Finding(
            f.control,
            ids.get(f.resource, f.resource),
            f.violation
            if isinstance(f.violation, Missing)
            else structs.replace(f.violation, on=ids.get(f.violation.on, f.violation.on)),
            tuple(ids.get(one, one) for one in f.related),
        )
        for f in report.findings
    )
    joined = tuple(tuple(ids.get(one, one) for one in parts) for parts in report.joined)
    return structs.replace(
        report, target=Target("cluster", "mine"), resources=resources, findings=findings, joined=joined
    )


@pytest.fixture(scope="module")
def scanned() -> PostureReport:
    return as_of_a_cluster(posture_scan([str(EXAMPLES)], PostureOptions()))


def numbers(report: PostureReport) -> tuple[object, ...]:
    return (
        report.severities(),
        {row.control.id: (row.failed, row.passed) for row in report.by_control if row.judged},
        report.compliance(),
        {framework.name: report.compliance(framework) for framework in report.frameworks},
        report.objects,
        report.objects_judged,
        [(one.where, one.why, one.reason) for one in report.unread],
        {control.id for control in report.controls},
        {(skip.control, skip.kind, skip.why) for skip in report.skips},
    )


def test_everything_that_was_found_comes_back(scanned: PostureReport):
    assert scanned.findings

    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scanned, FULL)
        stored = await stored_posture(store, PostureOptions())
        assert numbers(stored) == numbers(scanned)
        for kind in KINDS:
            page = await store.list(Selection(kind.plural), Paging(limit=1000))
            problems = {serve(kind).strict.problem(entry.content.body) for entry in page.entries}
            assert problems <= {None}
        assert set(map(repr, stored.findings)) == {
            repr(structs.replace(one, place=None, lines=())) for one in scanned.findings
        }

    run(scenario)


@pytest.mark.parametrize("name", sorted(formats_for(PostureReport)))
def test_every_format_shows_it(scanned: PostureReport, name: str):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scanned, FULL)
        stored = await stored_posture(store, PostureOptions())
        stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
        find_format(name, PostureReport).write(stored, stream, Page(places=NoPlaces()))
        stream.flush()
        assert stream.buffer.getvalue()  # type: ignore[attr-defined]

    run(scenario)


def test_controls_and_namespaces_can_be_chosen(scanned: PostureReport):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scanned, FULL)
        one = await stored_posture(store, PostureOptions(controls=("C-0057",)))
        assert {row.control.id for row in one.by_control} == {"C-0057"}
        whole = await stored_posture(store, PostureOptions())
        assert [f for f in whole.findings if f.control == "C-0057"] == list(one.findings)
        none = await stored_posture(store, PostureOptions(include_namespaces=("nowhere",)))
        assert not none.findings
        with pytest.raises(UsageError):
            await stored_posture(store, PostureOptions(controls=("C-9999",)))

    run(scenario)


def test_nothing_stored_is_said(scanned: PostureReport):
    async def scenario(store: MemoryStore) -> None:
        with pytest.raises(SourceError, match="no results are stored"):
            await stored_posture(store, PostureOptions())

    run(scenario)


def test_what_was_not_read_stays_told(scanned: PostureReport):
    unread = tuple(Unread(f"secrets of {n}", "forbidden here", reason="forbidden") for n in range(150))

    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, structs.replace(scanned, unread=unread), FULL)
        stored = await stored_posture(store, PostureOptions())
        assert stored.unread[:100] == unread[:100]
        assert "and 50 more" in stored.unread[100].why
        await store_posture(store, structs.replace(scanned, judged=((),) * len(scanned.judged)), FULL)
        stored = await stored_posture(store, PostureOptions())
        assert "the newest scan is Failed" in stored.unread[0].why

    run(scenario)


def following(report: PostureReport, seen: datetime, started: str = "2999-01-01T00:00:00Z") -> Put:
    run = posture_run(report, RunOptions("changes", is_full=True), Outcome(started, FOLLOWING))
    run = replace(run, status=replace(run.status, finished_at="", seen_at=written(seen)))
    return Put(Key(RUNS, "", "posture-current"), Content(b'{"name":"x"}', body=msgspec.json.encode(run)))


def test_what_is_followed_counts_for_as_long_as_it_is_heard_of(scanned: PostureReport):
    unread = (Unread("secrets", "forbidden here", reason="forbidden"),)
    now = datetime.now(UTC)

    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, structs.replace(scanned, judged=((),) * len(scanned.judged)), FULL)
        await store.put(following(structs.replace(scanned, unread=unread), now))
        stored = await stored_posture(store, PostureOptions())
        assert stored.unread == unread
        assert stored.objects == scanned.objects
        await store.put(following(structs.replace(scanned, unread=()), now - timedelta(hours=1)))
        stored = await stored_posture(store, PostureOptions())
        assert ["not followed since" in one.why for one in stored.unread] == [True]
        await store.put(following(structs.replace(scanned, unread=()), now, started="2001-01-01T00:00:00Z"))
        stored = await stored_posture(store, PostureOptions())
        assert ["the newest scan is Failed" in one.why for one in stored.unread] == [True]

    run(scenario)


def test_a_part_alone_is_not_taken_for_the_whole(scanned: PostureReport):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scanned, StoreOptions())
        stored = await stored_posture(store, PostureOptions())
        assert stored.findings
        assert "no scan of a whole cluster is recorded" in stored.unread[0].why

    run(scenario)


def test_what_one_folder_hid_stays_told_after_a_scan_of_another(scanned: PostureReport):
    def of(folder: str, *places: str) -> PostureReport:
        unread = tuple(Unread(place, "a value was expected here", reason="malformed") for place in places)
        return structs.replace(scanned, target=Target("directory", folder), unread=unread)

    async def told(store: MemoryStore, report: PostureReport, options: StoreOptions) -> list[str]:
        await store_posture(store, report, options)
        stored = await stored_posture(store, PostureOptions())
        return [one.where for one in stored.unread if one.where != "the stored results"]

    async def scenario(store: MemoryStore) -> None:
        assert await told(store, of("a", "a/x.yaml", "y.yaml"), StoreOptions()) == ["a/x.yaml", "y.yaml"]
        assert await told(store, of("b", "b/x.yaml", "y.yaml"), StoreOptions()) == [
            "b/x.yaml",
            "y.yaml",
            "a/x.yaml",
        ]
        assert await told(store, of("a"), StoreOptions()) == ["b/x.yaml", "y.yaml"]
        assert await told(store, of("all", "z.yaml"), FULL) == ["z.yaml"]

    run(scenario)


def test_every_folder_that_is_shown_is_named_and_counted(scanned: PostureReport):
    async def told(store: MemoryStore, folder: str, options: StoreOptions) -> tuple[str, int]:
        report = structs.replace(scanned, target=Target("directory", folder))
        await store_posture(store, report, options)
        stored = await stored_posture(store, PostureOptions())
        return stored.target.name, stored.objects

    async def scenario(store: MemoryStore) -> None:
        name, objects = await told(store, "a", StoreOptions())
        assert (name, objects > 0) == ("a", True)
        assert await told(store, "b", StoreOptions()) == ("a b", 2 * objects)
        assert await told(store, "a", StoreOptions()) == ("b a", 2 * objects)
        assert await told(store, "all", FULL) == ("all", objects)

    run(scenario)


def test_objects_of_one_name_in_two_groups_keep_their_own_results():
    control = Control("C-0001", "title", 5.0, "c", "d", "name")
    services = [
        Resource(version, "Service", "shop", "web", {}) for version in ("v1", "serving.knative.dev/v1")
    ]
    report = PostureReport(
        Target("cluster", "mine"),
        tuple(services),
        (control,),
        tuple(Finding("C-0001", one.id, Review("spec")) for one in services),
        (("C-0001",), ("C-0001",)),
        objects=2,
    )

    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, report, FULL)
        stored = await stored_posture(store, PostureOptions())
        assert {finding.resource for finding in stored.findings} == {one.id for one in services}

    run(scenario)


@pytest.mark.parametrize(
    "violation",
    [
        Remove("spec.a[0]"),
        Review("spec.a"),
        Review("spec.a", advice="delete it"),
        Set("spec.a", True),
        Set("spec.a", "true"),
        Set("spec.a", {"b": [1, None]}),
        Set("spec.a", ""),
        Set("spec.a", None),
        Set("metadata.x", 5, on="/v1/shop/Pod/other"),
        Missing("a NetworkPolicy"),
    ],
    ids=repr,
)
def test_a_violation_survives(violation: Remove | Review | Set | Missing):
    resource = Resource("v1", "Pod", "shop", "web", {})
    control = Control("C-0001", "title", 5.0, "c", "d", "name")
    finding = Finding("C-0001", resource.id, violation, ("/v1/shop/Service/web",))
    report = PostureReport(
        Target("cluster", "mine"), (resource,), (control,), (finding,), (("C-0001",),), objects=1
    )

    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, report, FULL)
        assert (await stored_posture(store, PostureOptions())).findings == (finding,)

    run(scenario)


def test_results_of_other_writers_are_read():
    body = {
        "spec": {
            "controls": {
                "C-0057": {"status": {"status": "failed"}, "severity": {"scoreFactor": 8}, "rules": None},
                "C-7777": {
                    "name": "theirs",
                    "status": {"status": "failed"},
                    "severity": {"scoreFactor": 9.5},
                },
                "C-0001": {"status": {"status": "skipped"}},
                "C-0002": None,
            }
        }
    }
    labels = {"kubescape.io/workload-kind": "Pod", "kubescape.io/workload-api-version": "v1"}
    metadata = {"name": "pod-web", "labels": {**labels, "kubescape.io/workload-name": "web"}}

    async def scenario(store: MemoryStore) -> None:
        content = Content(orjson.dumps(metadata), body=orjson.dumps(body))
        await store.put(Put(Key(SCANS, "shop", "pod-web"), content))
        stored = await stored_posture(store, PostureOptions())
        assert stored.severities() == {"high": 1, "critical": 1} | {
            name: 0 for name in stored.severities() if name not in ("high", "critical")
        }
        assert {finding.control for finding in stored.findings} == {"C-0057", "C-7777"}

    run(scenario)


def test_what_is_accepted_stays_so_with_its_reason():
    pods = [Resource("v1", "Pod", "shop", name, {}) for name in ("web", "db")]
    control = Control("C-0001", "title", 5.0, "c", "d", "name")
    on_web, on_db = (Finding("C-0001", pod.id, Remove("spec.a")) for pod in pods)
    waiver = Waiver(name="accept web", matches=(), reason="it is ours", expires="2099-01-01")
    report = PostureReport(
        Target("cluster", "mine"),
        tuple(pods),
        (control,),
        (on_db,),
        (("C-0001",), ("C-0001",)),
        objects=2,
        waived=(Waived(on_web, 0), Waived(Finding("C-0001", pods[1].id, Remove("spec.b")), 0)),
        waivers=(WaiverUse(waiver, "used", 2),),
    )

    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, report, FULL)
        stored = await stored_posture(store, PostureOptions())
        assert stored.findings == (on_db,)
        assert set(map(repr, stored.waived)) == set(map(repr, report.waived))
        assert stored.waivers == report.waivers
        assert numbers(stored)[:3] == numbers(report)[:3]
        entry = await store.get(Key(SCANS, "shop", "pod-web"))
        assert entry is not None
        result = orjson.loads(entry.content.body)["spec"]["controls"]["C-0001"]
        assert result["status"] == {"status": "passed", "subStatus": "w/exceptions", "info": ""}
        assert result["rules"][1]["appliedIgnoreRules"] == ["accept web"]
        served = next(serve(kind) for kind in KINDS if kind.plural == SCANS)
        assert served.strict.problem(entry.content.body) is None

    run(scenario)
