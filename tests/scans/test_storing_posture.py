"""Posture results in a store: replaced, recorded, collected."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from leadline.api.posture_results import SCANS, SUMMARIES, label_value, result_name, slug
from leadline.api.protocol import FullError, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError
from leadline.model.report import PostureReport
from leadline.model.resource import Origin, Resource
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.scans.stored.scan_runs import RUNS
from leadline.scans.stored.store_posture import StoreOptions, store_posture
from memory_store import MemoryStore

FULL = StoreOptions(is_full=True)
PRIVILEGED = "C-0057"


def manifest(name: str, *, privileged: bool) -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - name: main
        image: nginx:1.27
        securityContext: {{privileged: {str(privileged).lower()}}}
---
"""


@pytest.fixture
def scan(tmp_path: Path) -> Callable[..., PostureReport]:
    def scanned(*manifests: str, controls: tuple[str, ...] = ()) -> PostureReport:
        file = tmp_path / "all.yaml"
        file.write_text("".join(manifests))
        return posture_scan([str(file)], PostureOptions(controls=controls))

    return scanned


def run(scenario: Callable[[MemoryStore], Awaitable[None]]) -> None:
    asyncio.run(scenario(MemoryStore()))


async def spec(store: MemoryStore, plural: str, name: str = "deployment-web") -> Any:
    entry = await store.get(Key(plural, "shop", name))
    return None if entry is None else orjson.loads(entry.content.body)["spec"]


async def runs(store: MemoryStore) -> list[Any]:
    page = await store.list(Selection(RUNS), Paging())
    return [orjson.loads(entry.content.body) for entry in page.entries]


def test_conditions_say_how_a_run_ended(scan: Callable[..., PostureReport]):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(manifest("web", privileged=True)), FULL)
        await store_posture(
            store, scan("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", controls=("C-0057",)), FULL
        )
        found = {
            run["status"]["phase"]: {one["type"]: one["status"] for one in run["status"]["conditions"]}
            for run in await runs(store)
        }
        assert found == {
            "Succeeded": {"Complete": "True", "Failed": "False"},
            "Failed": {"Complete": "False", "Failed": "True"},
        }

    run(scenario)


def test_results_and_their_summary_are_written(scan: Callable[..., PostureReport]):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(manifest("web", privileged=True)), FULL)
        details, summary = await spec(store, SCANS), await spec(store, SUMMARIES)
        control = details["controls"][PRIVILEGED]
        assert control["status"] == {"status": "failed", "subStatus": "", "info": ""}
        assert control["severity"]["severity"] in ("Critical", "High", "Medium", "Low")
        (path,) = control["rules"][0]["paths"]
        assert {"failedPath", "fixPath", "fixPathValue", "fixCommand"} <= set(path)
        assert all(isinstance(text, str) for text in path.values())
        assert "securityContext.privileged" in path["failedPath"] + path["fixPath"]
        failed = [c for c in details["controls"].values() if c["status"]["status"] == "failed"]
        assert sum(summary["severities"].values()) == len(failed)
        assert summary["controls"].keys() == details["controls"].keys()
        entry = await store.get(Key(SUMMARIES, "shop", "deployment-web"))
        assert entry is not None
        metadata = orjson.loads(entry.content.metadata)
        assert metadata["labels"] == {
            "kubescape.io/workload-api-group": "apps",
            "kubescape.io/workload-api-version": "v1",
            "kubescape.io/workload-kind": "Deployment",
            "kubescape.io/workload-name": "web",
            "kubescape.io/workload-namespace": "shop",
        }

    run(scenario)


def test_a_fixed_control_passes_at_the_next_scan(scan: Callable[..., PostureReport]):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(manifest("web", privileged=True)), FULL)
        await store_posture(store, scan(manifest("web", privileged=False)), FULL)
        details = await spec(store, SCANS)
        assert details["controls"][PRIVILEGED]["status"]["status"] == "passed"

    run(scenario)


def test_a_scan_of_some_controls_leaves_the_results_of_others(scan: Callable[..., PostureReport]):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(manifest("web", privileged=True)), FULL)
        before = await spec(store, SUMMARIES)
        partial = scan(manifest("web", privileged=False), controls=(PRIVILEGED,))
        await store_posture(store, partial, StoreOptions())
        after = await spec(store, SUMMARIES)
        assert after["controls"].keys() == before["controls"].keys()
        assert after["controls"][PRIVILEGED]["status"]["status"] == "passed"
        severity = before["controls"][PRIVILEGED]["severity"]["severity"].lower()
        assert after["severities"][severity] == before["severities"][severity] - 1

    run(scenario)


def test_what_a_full_scan_no_longer_sees_is_collected(scan: Callable[..., PostureReport]):
    async def scenario(store: MemoryStore) -> None:
        both = manifest("web", privileged=True) + manifest("old", privileged=True)
        await store_posture(store, scan(both), FULL)
        stored = await store_posture(store, scan(manifest("web", privileged=True)), StoreOptions())
        assert stored.collected == 0
        assert await spec(store, SCANS, "deployment-old") is not None
        stored = await store_posture(store, scan(manifest("web", privileged=True)), FULL)
        assert stored.collected == 2
        assert await spec(store, SCANS, "deployment-old") is None
        assert await spec(store, SUMMARIES, "deployment-old") is None
        assert await spec(store, SCANS) is not None

    run(scenario)


def test_nothing_is_collected_where_something_could_not_be_read(scan: Callable[..., PostureReport]):
    async def scenario(store: MemoryStore) -> None:
        both = manifest("web", privileged=True) + manifest("old", privileged=True)
        await store_posture(store, scan(both), FULL)
        report = scan(manifest("web", privileged=True) + "kind: [\n")
        assert report.unread
        stored = await store_posture(store, report, FULL)
        assert stored.collected == 0
        recorded = max(
            (one["status"]["coverage"] for one in await runs(store)), key=lambda c: int(c["unread"])
        )
        assert recorded["unread"] == len(report.unread)
        assert recorded["unreadPlaces"][0]["why"]

    run(scenario)


def test_a_scan_of_nothing_is_recorded_and_replaces_nothing(scan: Callable[..., PostureReport]):
    async def scenario(store: MemoryStore) -> None:
        await store_posture(store, scan(manifest("web", privileged=True)), FULL)
        before = await spec(store, SCANS)
        empty = scan("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", controls=(PRIVILEGED,))
        await store_posture(store, empty, FULL)
        assert await spec(store, SCANS) == before
        assert sorted(run_["status"]["phase"] for run_ in await runs(store)) == ["Failed", "Succeeded"]

    run(scenario)


def test_a_store_that_fails_leaves_a_run_that_says_so(scan: Callable[..., PostureReport]):
    class Full(MemoryStore):
        async def put_all(self, puts: Any) -> Any:
            if any(isinstance(put, Put) and put.key.plural == SCANS for put in puts):
                raise FullError("no room")
            return await super().put_all(puts)

    async def scenario() -> None:
        store = Full()
        with pytest.raises(StoreError, match="no room"):
            await store_posture(store, scan(manifest("web", privileged=True)), FULL)
        (recorded,) = await runs(store)
        assert (recorded["status"]["phase"], recorded["status"]["message"]) == ("Failed", "no room")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Deployment-web", "deployment-web"),
        ("ServiceAccount-a:b/c", "serviceaccount-a-b-c"),
        ("a.b-1", "a.b-1"),
        ("--", "unnamed-"),
    ],
)
def test_names_follow_the_rules_of_stored_results(text: str, name: str):
    assert slug(text).startswith(name)


def test_long_names_stay_apart():
    names = {slug("Deployment-" + "x" * 300 + str(number)) for number in range(10)}
    assert len(names) == 10
    assert max(map(len, names)) <= 253


def test_label_values_are_cut_to_what_a_label_takes():
    assert label_value("a:b") == "a-b"
    assert label_value("Web") == "Web"
    assert len(label_value("x" * 100)) == 63


def test_a_subject_is_named_with_its_role_and_binding(scan: Callable[..., PostureReport]):
    report = scan("""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everybody}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
subjects: [{kind: ServiceAccount, name: robot, namespace: shop}]
""")
    derived = [resource for resource in report.resources if resource.origin.kind == "derived"]
    names = [
        result_name(resource, [report.resource(id) for id in parts])
        for resource, parts in zip(derived, report.joined, strict=True)
    ]
    assert "serviceaccount-robot-clusterrole-all-clusterrolebinding-everybody" in names


def test_a_role_that_was_not_read_is_named_like_one_that_was():
    subject = Resource(
        "rbac.authorization.k8s.io/v1", "Group", "", "ops", {}, Origin(kind="derived", path="x")
    )
    binding = Resource("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "ops", {})
    id = "rbac.authorization.k8s.io/v1//ClusterRole/cluster-admin"
    unread = Resource("", "", "", id, {}, Origin(kind="derived", path=id))
    assert (
        result_name(subject, [binding, unread])
        == "group-ops-clusterrole-cluster-admin-clusterrolebinding-ops"
    )
