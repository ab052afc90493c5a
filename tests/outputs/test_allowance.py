"""What is scanned cannot make a report as large as it likes, and what is left out is counted."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadline.model.report import PostureReport
from leadline.outputs.documents.sealing import sealed
from leadline.outputs.format_registry import Page, find_format
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import PostureScan, open_posture_scan

OBJECTS, CONTAINERS = 40, 5


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostureScan]:
    folder = tmp_path_factory.mktemp("many")
    containers = [{"name": f"c{number}", "image": "a"} for number in range(CONTAINERS)]
    items = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"p{number}"},
            "spec": {"containers": containers},
        }
        for number in range(OBJECTS)
    ]
    (folder / "x.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    with open_posture_scan([str(folder)], PostureOptions()) as found:
        yield found


def written(format: str, scan: PostureScan, most: int) -> str:
    out = io.StringIO()
    page = Page(scan.places, most=most, verbose=True)
    find_format(format, PostureReport).write(scan.report, out, page)
    return out.getvalue()


def counted(document: dict) -> tuple[int, int, int]:
    controls = [control for result in document["results"] for control in result["controls"]]
    failed = [control for control in controls if control["status"]["status"] == "failed"]
    paths = sum(len(control["rules"][0].get("paths", ())) for control in failed)
    return len(controls) - len(failed), len(failed), paths


@pytest.mark.parametrize("most", [1, 3_000, 30_000, 300_000])
def test_json_leaves_passes_out_first_and_counts_all_that_it_leaves_out(scan: PostureScan, most: int) -> None:
    whole = json.loads(written("json", scan, 1 << 40))
    text = written("json", scan, most)
    cut = json.loads(text)
    assert "leftOutOfReport" not in whole
    left_out = cut.pop("leftOutOfReport")
    parts = zip(counted(cut), (left_out["passed"], left_out["failed"], left_out["paths"]), strict=True)
    passed, failed, paths = (written + missing for written, missing in parts)
    assert (passed, failed) == counted(whole)[:2]
    # Those of controls that are left out altogether are not counted again.
    assert paths <= counted(whole)[2]
    assert len(cut["results"]) == OBJECTS
    assert cut["summaryDetails"] == whole["summaryDetails"]
    assert left_out["passed"] >= left_out["failed"] or not left_out["failed"]
    without_results = len(text) - len(json.dumps(cut["results"], separators=(",", ":")))
    assert len(text) < without_results + 3 * most + 100 * OBJECTS + 60_000


def test_lines_are_counted_past_their_room(scan: PostureScan) -> None:
    whole = written("lines", scan, 1 << 40)
    cut = written("lines", scan, 5_000)
    assert "left out of this list" not in whole
    assert len(cut) < len(whole) / 10
    assert "left out of this list for its length: " in cut


def test_a_sealed_report_holds_so_many_source_lines_and_counts_the_others(scan: PostureScan) -> None:
    whole, cut = sealed(scan.report, scan.places), sealed(scan.report, scan.places, 5_000)
    with_lines = sum(bool(finding.lines) for finding in cut.findings)
    assert 0 < with_lines < 10
    assert [finding.place for finding in cut.findings] == [finding.place for finding in whole.findings]
    (named,) = cut.left_out
    without = sum(bool(finding.lines) for finding in whole.findings) - with_lines
    assert named.why.startswith(f"source lines of {without:,} findings are not in the report")
    assert whole.left_out == ()


class _Counting:
    def __init__(self, scan: PostureScan) -> None:
        self.places = scan.places
        self.read = 0

    def find(self, resource, path):
        return self.places.find(resource, path)

    def lines(self, resource, first, last):
        self.read += 1
        return self.places.lines(resource, first, last)


def test_a_line_is_read_and_searched_for_secrets_once_however_many_findings_point_at_it(
    tmp_path: Path,
) -> None:
    """46 KB on one line took 80 seconds: each finding looked through its whole object again."""
    listed = ", ".join(f"{{name: c{number}, image: a}}" for number in range(50))
    pod = f"{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{listed}]}}}}\n"
    (tmp_path / "x.yaml").write_text(pod)
    with open_posture_scan([str(tmp_path)], PostureOptions()) as found:
        counting = _Counting(found)
        out = io.StringIO()
        find_format("lines", PostureReport).write(found.report, out, Page(counting, verbose=True))
    assert out.getvalue().count("\n") > 500
    assert counting.read == 1
