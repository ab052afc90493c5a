"""An exception that names a framework: accepted in that framework's view, failed in every other, on every surface."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec import UNSET

from leadline.api.posture_results import SUMMARIES
from leadline.api.protocol import Paging
from leadline.api.selection import Selection
from leadline.model.report import PostureReport
from leadline.outputs.documents.report_document import decode, encode
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces
from leadline.programs.exporter.results import Results
from leadline.scans.gates import Gates, verdict
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.scans.stored.posture_runs import framework_scores
from leadline.scans.stored.store_posture import StoreOptions, store_posture
from leadline.scans.stored.stored_posture import stored_posture
from memory_store import MemoryStore

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "containers": [{"name": "main", "image": "nginx:1.27", "securityContext": {"privileged": True}}]
    },
}
PRIVILEGED = "C-0057"
FRAMEWORKS = ("NSA", "MITRE")


def exception(*frameworks: str, **spec: Any) -> dict[str, Any]:
    posture = [{"controlID": PRIVILEGED, "frameworkName": name} for name in frameworks]
    return {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "SecurityException",
        "metadata": {"name": "known", "namespace": "shop"},
        "spec": {"reason": "known", "posture": posture or [{"controlID": PRIVILEGED}], **spec},
    }


def scan(folder: Path, *objects: dict[str, Any], **options: Any) -> PostureReport:
    (folder / "m.json").write_bytes(orjson.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return posture_scan([str(folder / "m.json")], PostureOptions(**options))


def failing(report: PostureReport) -> bool:
    return any(finding.control == PRIVILEGED for finding in report.findings)


def score_of(report: PostureReport, name: str) -> float | None:
    return next(report.compliance(one) for one in report.frameworks if one.name == name)


def test_it_is_accepted_in_that_view_and_fails_in_every_other(tmp_path: Path) -> None:
    before = scan(tmp_path, POD)
    limited = scan(tmp_path, POD, exception("nsa"))
    whole = scan(tmp_path, POD, exception())
    assert failing(limited)
    assert limited.waived == ()
    assert score_of(limited, "NSA") == score_of(whole, "NSA") > score_of(before, "NSA")
    assert score_of(limited, "MITRE") == score_of(before, "MITRE") < score_of(whole, "MITRE")
    assert limited.compliance() == before.compliance() < whole.compliance()
    assert not verdict(limited, Gates(severity_threshold="high")).passed
    (use,) = limited.waivers
    assert (use.state, use.findings) == ("used", 1)
    assert decode(encode(limited)) == limited


def test_a_scan_of_that_framework_alone_takes_it_for_accepted(tmp_path: Path) -> None:
    assert not failing(scan(tmp_path, POD, exception("NSA"), frameworks=("nsa",)))
    assert failing(scan(tmp_path, POD, exception("NSA"), frameworks=("mitre",)))
    both = scan(tmp_path, POD, exception("NSA"), frameworks=("nsa", "mitre"))
    assert failing(both)
    assert [one.frameworks for one in both.waived_in_frameworks] == [("NSA",)]
    assert not failing(scan(tmp_path, POD, exception("NSA", "MITRE"), frameworks=("nsa", "mitre")))
    assert failing(scan(tmp_path, POD, exception("NSA"), frameworks=("all",)))
    assert failing(scan(tmp_path, POD, exception("NSA"), controls=(PRIVILEGED,)))


def test_one_that_holds_everywhere_goes_before_it(tmp_path: Path) -> None:
    own = exception("NSA") | {"metadata": {"name": "own", "namespace": "shop"}}
    report = scan(tmp_path, POD, own, exception())
    assert not failing(report)
    assert report.waived_in_frameworks == ()


def test_a_list_of_exceptions_says_the_same(tmp_path: Path) -> None:
    entry = {
        "resources": [{"designatorType": "Attributes", "attributes": {"kind": "Pod"}}],
        "posturePolicies": [{"controlID": PRIVILEGED, "frameworkName": "NSA"}],
    }
    (tmp_path / "e.json").write_text(json.dumps([entry]))
    report = scan(tmp_path, POD, waivers=(str(tmp_path / "e.json"),))
    assert report.waived_in_frameworks == scan(tmp_path, POD, exception("NSA")).waived_in_frameworks


@pytest.mark.parametrize("frameworks", [("NSA",), ("NSA", "MITRE"), ("gone",), ()])
def test_every_surface_shows_the_same_scores(tmp_path: Path, frameworks: tuple[str, ...]) -> None:
    async def run() -> None:
        report = scan(tmp_path, POD, exception(*frameworks), frameworks=("all",))
        wanted = {one.name: report.compliance(one) for one in report.frameworks}
        wanted = {name: score for name, score in wanted.items() if score is not None}
        run = {row.name: row.score for row in framework_scores(report) if row.score is not UNSET}
        assert run == pytest.approx(wanted, abs=0.01)
        out = io.StringIO()
        find_format("json", PostureReport).write(report, out, Page(NoPlaces()))
        summary = json.loads(out.getvalue())["summaryDetails"]
        shown = {one["name"]: one for one in summary["frameworks"]}
        assert {name: shown[name]["complianceScore"] for name in wanted} == pytest.approx(wanted, abs=0.01)
        for name in FRAMEWORKS:
            status = shown[name]["controls"][PRIVILEGED]["statusInfo"]
            accepted = name in frameworks or not frameworks
            assert status["status"] == ("passed" if accepted else "failed")
        store = MemoryStore()
        await store_posture(store, report, StoreOptions(is_full=True))
        stored = await stored_posture(store, PostureOptions(frameworks=("all",)))
        assert {one.name: stored.compliance(one) for one in stored.frameworks if one.name in wanted} == wanted
        exported = Results(report.frameworks)
        for entry in (await store.list(Selection(SUMMARIES), Paging())).entries:
            exported.posture.put(entry)
        assert exported.scores() == pytest.approx(wanted)

    asyncio.run(run())
