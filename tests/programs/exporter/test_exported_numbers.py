"""What a scrape shows of stored results: the ecosystem's 45 names, and ours."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from scanned import DATABASE_DATE, deployment, followed, image, scan, until

from leadline.api.posture_results import SUMMARIES
from leadline.api.protocol import Content, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.programs.exporter.facts import seconds_of
from leadline.programs.exporter.metrics import MOST_SERIES
from leadline.programs.exporter.results import IMAGE_SCANS, Results
from leadline.programs.exporter.scraping import Numbers
from leadline.programs.exporter.settings import Settings
from leadline.programs.serving.following import Follower
from leadline.scans.options import PostureOptions
from leadline.scans.stored.image_results import MANIFESTS, RunningContainer
from leadline.scans.stored.image_results import SUMMARIES as CONTAINERS
from leadline.scans.stored.scan_runs import RUNS
from leadline.scans.stored.store_images import store_image
from leadline.scans.stored.store_posture import StoreOptions, store_posture
from leadline.scans.stored.stored_posture import stored_posture
from memory_store import MemoryStore

FULL = StoreOptions(is_full=True)
SEVERITIES = ("critical", "high", "medium", "low", "unknown")
WORKLOAD = {"namespace", "workload", "workload_kind"}
CONTAINER = WORKLOAD | {"workload_container_name"}
REFERENCE = {
    "kubescape_controls_total_cluster": set(),
    "kubescape_controls_total_namespace": {"namespace"},
    "kubescape_controls_total_workload": WORKLOAD,
    "kubescape_vulnerabilities_total_cluster": set(),
    "kubescape_vulnerabilities_total_namespace": {"namespace"},
    "kubescape_vulnerabilities_total_workload": CONTAINER,
    "kubescape_vulnerabilities_relevant_cluster": set(),
    "kubescape_vulnerabilities_relevant_namespace": {"namespace"},
    "kubescape_vulnerabilities_relevant_workload": CONTAINER,
}
"""The families of the reference exporter and their labels; each has a metric for each of the five severities."""
Value = tuple[str, tuple[tuple[str, str], ...]]


def read(
    results: Results, follower: Follower, most: int = MOST_SERIES, *, zeros: bool = True
) -> dict[Value, float]:
    """As a client parses it: (name, labels) and value."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Numbers(results, follower, Settings(max_series=most, zeros=zeros)))
    families: list[Metric] = list(text_string_to_metric_families(generate_latest(registry).decode()))
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(found) == len(samples)
    again = list(parse_openmetrics(openmetrics(registry).decode()))
    assert sum(len(family.samples) for family in again) == len(samples)
    return found


def value(numbers: dict[Value, float], name: str, **labels: str) -> float | None:
    return numbers.get((name, tuple(sorted(labels.items()))))


def within(scenario: Callable[[MemoryStore], Awaitable[None]]) -> None:
    asyncio.run(scenario(MemoryStore()))


async def store_all(store: MemoryStore, folder: Path) -> None:
    await store_posture(
        store, scan(folder, deployment("web"), deployment("pay", "bank", privileged=False)), FULL
    )
    web = image(
        "nginx", ("CVE-1", "critical"), ("CVE-2", "high"), ("CVE-3", "negligible"), exploited=("CVE-1",)
    )
    await store_image(store, web, [RunningContainer("Deployment", "web", "shop", "Main")])


def test_all_names_and_labels_of_the_reference_are_there(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_all(store, tmp_path)
        async with followed(lambda: store) as (results, follower):
            found: dict[str, set[str]] = {}
            for name, labels in read(results, follower):
                if name.startswith("kubescape_"):
                    found.setdefault(name, set()).update(label for label, _ in labels)
            wanted = {f"{family}_{s}": labels for family, labels in REFERENCE.items() for s in SEVERITIES}
            assert len(wanted) == 45
            assert found == wanted

    within(scenario)


def test_controls_are_counted_one_by_one(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(
            store,
            scan(tmp_path, deployment("web"), deployment("pay", "bank", privileged=False)),
            FULL,
        )
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower)
            name = "leadline_control_objects"
            told = {"control": "C-0057", "severity": "critical"}
            assert value(numbers, name, **told, status="failed") == 1
            assert value(numbers, name, **told, status="passed") == 1
            # What is not there is no series: 0 of 300 controls say nothing.
            assert value(numbers, name, **told, status="accepted") is None
            for severity in SEVERITIES:
                failed = sum(
                    number
                    for (metric, labels), number in numbers.items()
                    if metric == name and {("severity", severity), ("status", "failed")} <= set(labels)
                )
                assert failed == value(numbers, f"kubescape_controls_total_cluster_{severity}")

    within(scenario)


def test_workloads_with_nothing_wrong_have_series_only_where_they_are_asked_for(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(tmp_path, deployment("web", privileged=False)), FULL)
        async with followed(lambda: store) as (results, follower):
            web = {"namespace": "shop", "workload": "web", "workload_kind": "deployment"}
            name = "kubescape_controls_total_workload_critical"
            assert value(read(results, follower), name, **web) == 0
            lean = read(results, follower, zeros=False)
            assert value(lean, name, **web) is None
            assert value(lean, "kubescape_controls_total_cluster_critical") == 0
            assert value(lean, "kubescape_controls_total_namespace_critical", namespace="shop") == 0
            assert 0 not in [v for (one, _), v in lean.items() if "_workload_" in one]

    within(scenario)


def test_workloads_add_up_to_namespaces_and_these_to_the_cluster(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_all(store, tmp_path)
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower)
            for severity in SEVERITIES:
                for topic in ("controls_total", "vulnerabilities_total"):
                    sums = [
                        sum(
                            v
                            for (name, _), v in numbers.items()
                            if name == f"kubescape_{topic}_{level}_{severity}"
                        )
                        for level in ("cluster", "namespace", "workload")
                    ]
                    assert sums[0] == sums[1] == sums[2]
            web = {"namespace": "shop", "workload": "web", "workload_kind": "deployment"}
            summary = await store.get(Key(SUMMARIES, "shop", "deployment-web"))
            assert summary is not None
            severities = orjson.loads(summary.content.body)["spec"]["severities"]
            assert severities["critical"] > 0
            for severity in SEVERITIES:
                assert (
                    value(numbers, f"kubescape_controls_total_workload_{severity}", **web)
                    == severities[severity]
                )
            container = {**web, "workload_container_name": "main"}
            of_web = [
                value(numbers, f"kubescape_vulnerabilities_total_workload_{s}", **container)
                for s in SEVERITIES
            ]
            assert of_web == [1, 1, 0, 0, 0]
            assert value(numbers, "leadline_exploited_vulnerabilities", **container) == 1
            assert value(numbers, "leadline_accepted_vulnerabilities", **container) == 0

    within(scenario)


def test_scores_are_those_of_every_other_surface(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_all(store, tmp_path)
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower)
            report = await stored_posture(store, PostureOptions())
            wanted = {
                f.name: report.compliance(f) for f in results.frameworks if report.compliance(f) is not None
            }
            assert len(wanted) > 10
            found = {
                dict(labels)["framework"]: v
                for (name, labels), v in numbers.items()
                if name == "leadline_compliance_score"
            }
            assert found == pytest.approx(wanted)

    within(scenario)


def test_a_vanished_workload_takes_its_series_along(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_all(store, tmp_path)
        async with followed(lambda: store) as (results, follower):
            bank = [key for key in results.posture.facts if key.namespace == "bank"]
            assert any(("namespace", "bank") in labels for _, labels in read(results, follower))
            for key in bank:
                await store.delete(key)
            await until(follower, lambda: not any(key in results.posture.facts for key in bank))
            numbers = read(results, follower)
            assert not any(("namespace", "bank") in labels for _, labels in numbers)
            assert any(("namespace", "shop") in labels for _, labels in numbers)

    within(scenario)


def test_a_fixed_workload_gets_its_new_numbers(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_all(store, tmp_path)
        async with followed(lambda: store) as (results, follower):
            before = read(results, follower)
            await store_posture(store, scan(tmp_path, deployment("web", privileged=False)), StoreOptions())
            name = "kubescape_controls_total_cluster_critical"
            await until(follower, lambda: value(read(results, follower), name) != value(before, name))
            assert (value(read(results, follower), name) or 0) < (value(before, name) or 0)

    within(scenario)


def test_when_and_how_far_it_was_scanned_is_shown(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        report = scan(tmp_path, deployment("web"), "apiVersion: v1\nkind: [\n---\n")
        await store_posture(store, report, FULL)
        await store_image(store, image("nginx", ("CVE-1", "critical")))
        await store_image(store, image("other", matched=False))
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower)
            assert (value(numbers, "leadline_scan_timestamp_seconds", subject="posture") or 0) > 1.7e9
            assert value(numbers, "leadline_scan_failed", subject="posture") == 0
            assert (
                value(numbers, "leadline_unread", subject="posture", reason="malformed")
                == len(report.unread)
                == 1
            )
            assert value(numbers, "leadline_objects") == report.objects
            assert value(numbers, "leadline_objects_judged") == report.objects_judged
            skipped = [v for (n, _), v in numbers.items() if n == "leadline_controls_skipped"]
            assert sum(skipped) == len(report.skips)
            assert value(numbers, "leadline_images_unmatched") == 1
            assert value(numbers, "leadline_database_timestamp_seconds") == 1795132800
            assert DATABASE_DATE == "2026-11-20"

    within(scenario)


def test_a_failed_scan_is_shown_and_changes_no_moment(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(tmp_path, deployment("web")), FULL)
        moment = ("leadline_scan_timestamp_seconds", (("subject", "posture"),))
        async with followed(lambda: store) as (results, follower):
            before = read(results, follower)[moment]
            failed = {
                "spec": {"subject": "posture"},
                "status": {"phase": "Failed", "finishedAt": "2126-01-01T00:00:00Z"},
            }
            following = {"spec": {"subject": "posture"}, "status": {"phase": "Following", "finishedAt": ""}}
            current = Content(b'{"name":"posture-current"}', body=orjson.dumps(following))
            await store.put(Put(Key(RUNS, "", "posture-current"), current))
            name = "ordered-by-hand"
            await store.put(Put(Key(RUNS, "", name), Content(b'{"name":"x"}', body=orjson.dumps(failed))))
            await until(follower, lambda: Key(RUNS, "", name) in results.runs.facts)
            numbers = read(results, follower)
            assert value(numbers, "leadline_scan_failed", subject="posture") == 1
            assert numbers[moment] == before

    within(scenario)


def test_series_of_a_metric_are_bounded_and_those_left_out_counted(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        manifests = [deployment(f"good-{n}", privileged=False) for n in range(4)]
        await store_posture(store, scan(tmp_path, deployment("worst"), *manifests), FULL)
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower, most=2)
            shown = [
                labels for name, labels in numbers if name == "kubescape_controls_total_workload_critical"
            ]
            assert len(shown) == 2
            assert any(("workload", "worst") in labels for labels in shown)
            left = value(numbers, "leadline_series_left_out", metric="kubescape_controls_total_workload")
            assert left == len(results.controls().workloads) - 2

    within(scenario)


HOSTILE = 'a"\n\\ b\x1b[31m\u202e{}=,' + "x" * 5_000


def test_hostile_names_stay_within_their_label(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        labels = {
            f"kubescape.io/workload-{part}": HOSTILE
            for part in ("name", "namespace", "kind", "container-name")
        }
        annotations = {
            "kubescape.io/image-tag": HOSTILE,
            "leadline.dev/vulnerabilities": "{",
            "kubescape.io/image-id": HOSTILE,
        }
        metadata = orjson.dumps({"name": "a", "labels": labels, "annotations": annotations})
        posture = {"spec": {"severities": {"critical": -5, "high": 10**15}, "controls": {HOSTILE: None}}}
        await store.put(Put(Key(SUMMARIES, HOSTILE, "a"), Content(metadata, body=orjson.dumps(posture))))
        await store.put(
            Put(Key(CONTAINERS, "shop", "a"), Content(metadata, body=b'{"spec":{"severities":null}}'))
        )
        await store.put(Put(Key(MANIFESTS, "shop", "a"), Content(metadata)))
        for plural, body in (
            (SUMMARIES, b'{"spec":{"severities":[]}}'),
            (RUNS, b"{"),
            (CONTAINERS, b'{"spec":1}'),
        ):
            await store.put(Put(Key(plural, "", "b"), Content(b'{"name":"b"}', body=body)))
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower)
            values = [text for _, labels in numbers for _, text in labels]
            assert max(map(len, values)) <= 253
            assert all(text.isprintable() for text in values)
            assert value(numbers, "kubescape_controls_total_cluster_critical") == 0
            assert value(numbers, "kubescape_controls_total_cluster_high") == 10**9
            for plural in (SUMMARIES, RUNS, CONTAINERS):
                assert value(numbers, "leadline_store_unreadable_objects", kind=plural) == 1

    within(scenario)


def test_an_empty_store_shows_no_numbers_that_look_like_health():
    async def scenario(store: MemoryStore) -> None:
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower)
            assert not any(name.startswith(("kubescape_", "leadline_compliance")) for name, _ in numbers)
            assert value(numbers, "leadline_store_up") == 1
            assert value(numbers, "leadline_store_objects", kind=SUMMARIES) == 0

    within(scenario)


def test_no_body_is_kept(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_all(store, tmp_path)
        async with followed(lambda: store) as (results, _):
            page = await store.list(Selection(SUMMARIES), Paging())
            bodies = sum(len(entry.content.body) for entry in page.entries)
            kept = len(orjson.dumps([repr(fact) for fact in results.posture.facts.values()]))
            assert kept < bodies / 5

    within(scenario)


def image_scan(phase: str, since: str = "2026-11-26T06:00:00Z") -> bytes:
    return orjson.dumps({"spec": {"digest": "sha256:a"}, "status": {"phase": phase, "since": since}})


def test_images_that_wait_or_cannot_be_scanned_are_counted_by_phase():
    async def scenario(store: MemoryStore) -> None:
        phases = ("Done", "Pending", "Pending", "Running", "Unauthorized", "Failed")
        for number, phase in enumerate(phases):
            key = Key(IMAGE_SCANS, "", f"sha256-{number}")
            since = f"2026-11-26T06:0{number}:00Z"
            await store.put(Put(key, Content(b"{}", body=image_scan(phase, since))))
        run = orjson.dumps({"spec": {"subject": "posture"}})
        await store.put(Put(Key(RUNS, "", "ordered"), Content(b'{"name":"ordered"}', body=run)))
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower)
            by_phase = {
                dict(labels)["phase"]: v
                for (name, labels), v in numbers.items()
                if name == "leadline_image_scans"
            }
            assert by_phase == {
                "Done": 1,
                "Pending": 2,
                "Running": 1,
                "Unauthorized": 1,
                "Failed": 1,
                "TooLarge": 0,
            }
            assert value(numbers, "leadline_queue_depth", queue="images") == 3
            assert value(numbers, "leadline_queue_depth", queue="runs") == 1
            oldest = value(numbers, "leadline_queue_oldest_timestamp_seconds", queue="images")
            assert oldest == seconds_of("2026-11-26T06:01:00Z")
            assert results.unread("images") == {"Unauthorized": 1, "Failed": 1}

    within(scenario)


def test_an_operator_that_follows_the_cluster_keeps_the_scan_young():
    async def scenario(store: MemoryStore) -> None:
        coverage = {
            "objects": 7,
            "judged": 5,
            "unread": 250,
            "unreadReasons": {"forbidden": 240, "malformed": 10},
            "unreadPlaces": [{"where": "a", "reason": "forbidden", "why": ""}] * 100,
            "skippedNamespaces": ["kube-system"],
        }
        for name, phase, finished in (
            ("a", "Succeeded", "06:00"),
            ("b", "Following", "07:00"),
            ("c", "Running", "08:00"),
        ):
            status = {"phase": phase, "finishedAt": f"2026-11-26T{finished}:00Z", "coverage": coverage}
            body = orjson.dumps({"spec": {"subject": "posture", "scope": "everything"}, "status": status})
            await store.put(Put(Key(RUNS, "", name), Content(b"{}", body=body)))
        async with followed(lambda: store) as (results, follower):
            numbers = read(results, follower)
            moment = value(numbers, "leadline_scan_timestamp_seconds", subject="posture")
            assert moment == seconds_of("2026-11-26T07:00:00Z")
            assert value(numbers, "leadline_unread", subject="posture", reason="forbidden") == 240
            assert value(numbers, "leadline_objects_judged") == 5
            assert value(numbers, "leadline_skipped_namespaces") == 1

    within(scenario)
