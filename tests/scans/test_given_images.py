"""Results of images from files, as ``scan image -f json`` writes them, judged with the workloads that run the images."""

import io
import json
from pathlib import Path

import pytest

from leadline.errors import SourceError
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ScannedImage
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import DatabaseState, Match
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan

DIGEST = "sha256:" + "ab" * 32
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: %s}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}}
"""
CONTROLS = ("C-0083", "C-0084", "C-0085")


def report(name: str, *severities: str, database: bool = True) -> ImageReport:
    package = Package(type="deb", name="libssl3", version="3.0.1")
    matches = tuple(
        Match(f"CVE-2026-{n}", package, severity=one, weaknesses=("CWE-94",))
        for n, one in enumerate(severities)
    )
    state = DatabaseState("2026-01-02T00:00:00Z", ()) if database else None
    sbom = Sbom(ImageIdentity(name, id=DIGEST, digest=DIGEST), (package,))
    return ImageReport(sbom, (), vulnerabilities=matches, database=state)


def written(place: Path, what: ImageReport | ImagesReport) -> str:
    out = io.StringIO()
    find_format("json", type(what)).write(
        what, out, Page(NoPlaces(), at="2026-01-03T00:00:00Z", version="0.1.0")
    )
    place.write_text(out.getvalue())
    return str(place)


def judged(folder: Path, image: str, *files: str) -> tuple[set[str], dict[str, str]]:
    """Controls that failed, and why others are not judged."""
    (folder / "web.yaml").write_text(WEB % image)
    options = PostureOptions(controls=CONTROLS, image_results=files)
    found = posture_scan([str(folder / "web.yaml")], options)
    skips = [*found.skips, *(one for skips in found.gave_up.values() for one in skips)]
    why = {one.control: one.why for one in skips}
    return {finding.control for finding in found.findings}, why


@pytest.mark.parametrize("image", ["nginx:1.27", "docker.io/library/nginx:1.27", f"nginx@{DIGEST}"])
def test_the_image_of_a_workload_is_found_however_it_is_written(tmp_path: Path, image: str):
    file = written(tmp_path / "nginx.json", report("nginx:1.27", "critical", "high"))
    assert judged(tmp_path, image, file)[0] == {"C-0083", "C-0084"}


def test_a_document_about_several_images_serves_as_well(tmp_path: Path):
    images = tuple(
        ScannedImage((name,), report(name, *severities))
        for name, severities in {"nginx:1.27": (), "shop/web:1": ("critical",)}.items()
    )
    file = written(tmp_path / "images.json", ImagesReport(images=images))
    assert judged(tmp_path, "shop/web:1", file)[0] == {"C-0083", "C-0084"}
    assert judged(tmp_path, "nginx:1.27", file) == (set(), {})


def test_an_image_that_is_in_no_file_or_was_not_matched_is_never_passed(tmp_path: Path):
    other = written(tmp_path / "other.json", report("shop/other:1"))
    unmatched = written(tmp_path / "web.json", report("shop/web:1", database=False))
    for file, why in ((other, "no stored result"), (unmatched, "without a vulnerability database")):
        failed, not_judged = judged(tmp_path, "shop/web:1", file)
        assert failed == set()
        assert not_judged.keys() == set(CONTROLS)
        assert all(why in one for one in not_judged.values())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"images": 7}', '{"image": {"name": 7}}'])
def test_a_file_of_something_else_is_named(tmp_path: Path, content: str):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(SourceError, match=r"x\.json does not hold results of images"):
        judged(tmp_path, "shop/web:1", str(tmp_path / "x.json"))


def test_results_are_not_counted_as_objects_to_fix(tmp_path: Path):
    file = written(tmp_path / "web.json", report("shop/web:1", "critical"))
    (tmp_path / "web.yaml").write_text(WEB % "shop/web:1")
    found = posture_scan(
        [str(tmp_path / "web.yaml")], PostureOptions(controls=CONTROLS, image_results=(file,))
    )
    assert {finding.on.rpartition("/")[2] for finding in found.findings} == {"web"}
    assert json.loads((tmp_path / "web.json").read_text())["image"]["name"] == "shop/web:1"
