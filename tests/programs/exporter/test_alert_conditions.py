"""What is a reason for an alert, by thresholds, over results of real scans."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from scanned import deployment, followed, image, scan

from leadline.model.access import Access, AccessStep, Subject
from leadline.model.alert import Accepted, Alert
from leadline.model.container import Container
from leadline.programs.exporter.alert_conditions import (
    LEFT_OUT,
    MOST_OF_A_RULE,
    Conditions,
    Moment,
    conditions,
    critical_now,
)
from leadline.programs.exporter.alert_settings import Ages, Allowed, Thresholds
from leadline.programs.exporter.facts import seconds_of
from leadline.programs.exporter.results import Results
from leadline.scans.stored.alerts import store_alerts
from leadline.scans.stored.image_results import RunningContainer
from leadline.scans.stored.store_images import store_image
from leadline.scans.stored.store_posture import StoreOptions, store_posture
from memory_store import MemoryStore

FULL = StoreOptions(is_full=True)
NOTHING = Thresholds(exploited=False, new_critical=False, new_admin=None, unread=None)
WEB = RunningContainer("Deployment", "web", "shop", "main")
BROKEN = "apiVersion: v1\nkind: [\n---\n"
DAY_S = 86_400.0


def over(
    thresholds: Thresholds, scenario: Callable[[MemoryStore], Awaitable[None]], **moment: object
) -> Conditions:
    """The conditions of what ``scenario`` has stored."""
    found: list[Conditions] = []

    async def run() -> None:
        store = MemoryStore()
        await scenario(store)
        async with followed(lambda: store) as (results, _):
            found.append(conditions(at(results, **moment), thresholds))

    asyncio.run(run())
    return found[0]


def at(results: Results, **fields: object) -> Moment:
    given = {"now_s": 0.0, "known": None, "active": frozenset(), **fields}
    return Moment(results, **given)  # type: ignore[arg-type]


def names(found: Conditions) -> list[tuple[str, ...]]:
    """The values of the labels, by the name of the label."""
    return sorted(tuple(value for _, value in labels) for labels in found)


async def nothing(store: MemoryStore) -> None:
    """Stores nothing."""


def test_without_thresholds_nothing_is_a_reason(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(tmp_path, deployment("web"), BROKEN), FULL)
        await store_image(store, image("nginx", ("CVE-1", "critical"), exploited=("CVE-1",)), [WEB])

    assert over(NOTHING, scenario) == {}


def test_controls_of_a_workload_a_namespace_and_the_cluster(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        manifests = [deployment("web"), deployment("good", privileged=False), deployment("pay", "bank")]
        await store_posture(store, scan(tmp_path, *manifests), FULL)

    none = Allowed(controls={"critical": 0})
    allowed = {"*": Allowed(controls={"critical": 0}), "bank": Allowed(controls={"critical": 99})}
    found = over(
        Thresholds(workloads=none, namespaces=allowed, cluster=Allowed(controls={"critical": 99})), scenario
    )
    assert names(found) == [
        ("LeadlineNamespaceControls", "shop", "critical"),
        ("LeadlineWorkloadControls", "C-0057", "bank", "critical", "pay", "deployment"),
        ("LeadlineWorkloadControls", "C-0057", "shop", "critical", "web", "deployment"),
    ]
    assert {texts.get("fix") for texts in found.values()} == {None, "leadline explain C-0057"}
    texts = sorted(texts["summary"] for texts in found.values())
    assert texts[0] == "bank/deployment/pay fails 1 control of critical severity; 0 are allowed"
    assert over(Thresholds(cluster=none), scenario).keys() == {
        (("alertname", "LeadlineClusterControls"), ("severity", "critical"))
    }


def test_vulnerabilities_that_are_exploited_or_new_are_named_one_by_one():
    async def scenario(store: MemoryStore) -> None:
        found = (("CVE-1", "critical"), ("CVE-2", "critical"), ("CVE-3", "high"))
        await store_image(store, image("nginx", *found, exploited=("CVE-3",)), [WEB])

    known = frozenset({"shop/web/deployment/main/CVE-1"})
    found = over(Thresholds(), scenario, known=known)
    assert names(found) == [
        ("LeadlineExploitedVulnerability", "main", "shop", "CVE-3", "critical", "web", "deployment"),
        ("LeadlineNewCriticalVulnerability", "main", "shop", "CVE-2", "critical", "web", "deployment"),
    ]
    assert all(texts["image"] == "nginx:1" for texts in found.values())
    beyond = Thresholds(workloads=Allowed(vulnerabilities={"critical": 1, "high": 1}), exploited=False)
    assert names(over(beyond, scenario)) == [
        ("LeadlineWorkloadVulnerabilities", "main", "shop", "critical", "web", "deployment")
    ]


def test_what_is_there_at_first_is_known():
    async def scenario() -> None:
        store = MemoryStore()
        await store_image(store, image("nginx", ("CVE-1", "critical")), [WEB])
        async with followed(lambda: store) as (results, _):
            assert critical_now(results) == {"shop/web/deployment/main/CVE-1"}

    asyncio.run(scenario())


def test_a_score_too_low_and_one_that_is_not_known(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(tmp_path, deployment("web")), FULL)

    found = over(Thresholds(frameworks={"NSA": 99.5, "MITRE": 1}), scenario)
    assert names(found) == [("LeadlineFrameworkScore", "NSA", "high")]
    assert names(over(Thresholds(frameworks={"NSA": 0}), nothing)) == [
        ("LeadlineFrameworkScore", "NSA", "high")
    ]


def test_a_scan_too_old_and_one_that_never_was(tmp_path: Path):
    ages = Thresholds(scan_age=Ages(posture="26h", images="2d"))

    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(tmp_path, deployment("web")), FULL)

    async def found_at(after_s: float) -> Conditions:
        store = MemoryStore()
        await scenario(store)
        async with followed(lambda: store) as (results, _):
            run = results.newest("posture")
            assert run is not None
            return conditions(at(results, now_s=run.finished_s + after_s), ages)

    never = ("LeadlineScanTooOld", "images", "high")
    assert names(asyncio.run(found_at(25 * 3_600))) == [never]
    assert names(asyncio.run(found_at(27 * 3_600))) == [never, ("LeadlineScanTooOld", "posture", "high")]


def test_coverage_that_was_lost_says_what_of(tmp_path: Path):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(tmp_path, deployment("web"), BROKEN), FULL)

    found = over(Thresholds(), scenario)
    assert names(found) == [("LeadlineCoverageLost", "posture", "high")]
    (texts,) = found.values()
    assert texts["summary"] == "the last scan of posture could not read 1 part: 1 malformed"
    assert over(Thresholds(unread=1), scenario) == {}


def test_an_old_database():
    async def scenario(store: MemoryStore) -> None:
        await store_image(store, image("nginx"), [WEB])

    made_s = seconds_of("2026-11-20")
    old = Thresholds(database_age="7d")
    assert over(old, scenario, now_s=made_s + 6 * DAY_S) == {}
    assert names(over(old, scenario, now_s=made_s + 8 * DAY_S)) == [("LeadlineDatabaseTooOld", "high")]


def test_too_many_alerts_are_an_alert_and_those_that_fire_stay():
    ids = [(f"CVE-{n:02}", "critical") for n in range(50)]

    async def scenario(store: MemoryStore) -> None:
        containers = [RunningContainer("Deployment", f"w{n:02}", "shop", "main") for n in range(12)]
        await store_image(store, image("nginx", *ids), containers)

    async def both() -> None:
        store = MemoryStore()
        await scenario(store)
        async with followed(lambda: store) as (results, _):
            first = conditions(at(results, known=frozenset()), Thresholds())
            last = [labels for labels in first if ("workload", "w00") in labels]
            assert len(first) == MOST_OF_A_RULE + 1
            (left,) = [texts for labels, texts in first.items() if ("alertname", LEFT_OUT) in labels]
            assert "100 alerts LeadlineNewCriticalVulnerability left out" in left["summary"]
            others = frozenset(labels for labels in _all(results) if labels not in last)
            again = conditions(at(results, known=frozenset(), active=others), Thresholds())
            assert not any(labels in again for labels in last)

    def _all(results: Results) -> list[tuple[tuple[str, str], ...]]:
        return [
            tuple(
                sorted(
                    {
                        "alertname": "LeadlineNewCriticalVulnerability",
                        "severity": "critical",
                        "namespace": "shop",
                        "workload": fact.workload[1],
                        "workload_kind": "deployment",
                        "container_name": "main",
                        "rule_id": id,
                    }.items()
                )
            )
            for fact in results.containers.facts.values()
            for id, _ in ids
        ]

    asyncio.run(both())


def test_who_can_reach_cluster_admin_and_could_not_before_is_a_reason_for_a_day(tmp_path: Path):
    """From what a store keeps of two scans of a whole cluster to the alert."""
    alice, bob = Subject("User", "", "alice"), Subject("ServiceAccount", "shop", "bob")

    def way(subject: Subject) -> Access:
        return Access(subject=subject, steps=(AccessStep("admin", f"{subject.title} is cluster admin"),))

    async def scenario(store: MemoryStore) -> None:
        report = scan(tmp_path, deployment("web"))
        await store_posture(store, report, StoreOptions(is_full=True, admins=(way(alice),)))
        await store_posture(store, report, StoreOptions(is_full=True, admins=(way(alice), way(bob))))

    just_now = time.time()
    daily = Thresholds(exploited=False, new_critical=False, unread=None)
    found = over(daily, scenario, now_s=just_now + 60)
    assert names(found) == [("LeadlineNewClusterAdmin", "critical", "shop/ServiceAccount/bob")]
    texts = next(iter(found.values()))
    assert texts["summary"] == "shop/ServiceAccount/bob can reach cluster admin and could not before"
    assert texts["description"] == "shop/ServiceAccount/bob is cluster admin"
    assert over(daily, scenario, now_s=just_now + DAY_S + 60) == {}
    assert over(NOTHING, scenario, now_s=just_now + 60) == {}


def test_alerts_of_the_node_agent_are_sent_for_an_hour_after_they_were_seen_last():
    started_s = 1_900_000_000.0

    def seen(id: str, severity: str, accepted: Accepted | None = None) -> Alert:
        container = Container("c1", name="main", namespace="shop", workload_kind="Deployment", workload="web")
        return Alert(
            id=id, rule="R1001", title="Drifted process executed", severity=severity, message="/tmp/x ran",
            container=container, program="/tmp/x", pid=1, first_s=started_s, last_s=started_s, first=("Save it.",),
            accepted=accepted,
        )  # fmt: skip

    async def scenario(store: MemoryStore) -> None:
        alerts = [seen("a1", "high"), seen("a2", "low"), seen("a3", "critical", Accepted("known"))]
        await store_alerts(store, alerts)

    (found,) = over(NOTHING, scenario, now_s=started_s + 60).items()
    assert dict(found[0]) == {
        "alertname": "LeadlineRuntimeAlert", "severity": "high", "namespace": "shop", "workload": "web",
        "workload_kind": "Deployment", "container_name": "main", "rule_id": "R1001",
        "rule_name": "Drifted process executed", "program": "/tmp/x",
    }  # fmt: skip
    assert found[1]["summary"] == "shop/Deployment/web (main): /tmp/x ran"
    assert found[1]["fix"] == "1. Save it."
    assert over(NOTHING, scenario, now_s=started_s + 3601) == {}
    assert (
        over(
            Thresholds(exploited=False, new_critical=False, unread=None, runtime=None),
            scenario,
            now_s=started_s,
        )
        == {}
    )
