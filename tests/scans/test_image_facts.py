"""What a report about images says of workloads: by the name of the image, or by who runs it; what it lacks is named."""

import io
import json
from pathlib import Path

import pytest

from leadline.errors import SourceError
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.resource import Resource, resource_of
from leadline.model.risk import ImageFacts
from leadline.model.vulnerability import DatabaseState, Exploited, Match
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces
from leadline.scans.stored.image_facts import image_facts

OPENSSL = Package("deb", "openssl", "3.0.1")
ZLIB = Package("deb", "zlib", "1.2.1")
MATCHES = (
    Match("CVE-1", OPENSSL, "critical", "fixed", fixed_in=("3.0.2",)),
    Match("CVE-1", ZLIB, "critical", "fixed", fixed_in=("1.2.2",)),
    Match("CVE-2", OPENSSL, "critical"),
    Match(
        "CVE-3",
        OPENSSL,
        "high",
        "fixed",
        exploited=Exploited("CVE-3", "2024-01-01"),
        fixed_in=("3.0.3",),
        loaded=True,
    ),
    Match("CVE-4", OPENSSL, "high", "fixed", fixed_in=("3.0.4",)),
)
DATABASE = DatabaseState("2027-01-01T00:00:00Z", ())


def pod(*images: str) -> Resource:
    containers = [{"name": f"c{n}", "image": image} for n, image in enumerate(images)]
    return resource_of(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers}}
    )


def image_report(
    name: str, database: DatabaseState | None = DATABASE, vulnerabilities=MATCHES
) -> ImageReport:
    return ImageReport(
        Sbom(ImageIdentity(name), (OPENSSL, ZLIB)), (), vulnerabilities=vulnerabilities, database=database
    )


def written(report: ImagesReport | ImageReport, tmp_path: Path) -> str:
    out = io.StringIO()
    find_format("json", type(report)).write(report, out, Page(places=NoPlaces()))
    (tmp_path / "images.json").write_text(out.getvalue())
    return str(tmp_path / "images.json")


@pytest.mark.parametrize(
    "name", ["nginx", "nginx:latest", "docker.io/library/nginx", "index.docker.io/library/nginx:latest"]
)
def test_an_image_is_known_by_any_way_to_write_its_name(name: str, tmp_path: Path):
    path = written(ImagesReport((ScannedImage(("nginx",), image_report("nginx")),)), tmp_path)
    workload = pod(name, name)
    known = image_facts(path, [workload])
    assert known.facts == {workload.id: ImageFacts(exploited=1, critical=2, loaded_exploited=1, fixable=2)}
    assert known.unknown == ()


def test_the_report_of_one_image_does_as_well(tmp_path: Path):
    workload = pod("nginx:1.27")
    known = image_facts(written(image_report("nginx:1.27"), tmp_path), [workload])
    assert known.facts[workload.id].critical == 2


def test_an_image_that_pods_run_by_its_digest_is_known_by_its_user(tmp_path: Path):
    workload = pod("nginx:1.27", "redis:7")
    use = ImageUse(workload.id, workload.title, "c0")
    digest = "nginx@sha256:" + "a" * 64
    path = written(ImagesReport((ScannedImage((digest,), image_report(digest), (use,)),)), tmp_path)
    known = image_facts(path, [workload])
    assert workload.id in known.facts
    assert len(known.unknown) == 1


def test_what_was_matched_with_no_database_is_not_known(tmp_path: Path):
    path = written(ImagesReport((ScannedImage(("nginx",), image_report("nginx", None, ())),)), tmp_path)
    workload = pod("nginx", "redis")
    known = image_facts(path, [workload])
    assert known.facts == {}
    assert known.unknown == ((workload.id, "nginx"), (workload.id, "redis"))


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"version": 1}', '{"version":1,"tool":{},"images":[1]}', "\0"]
)
def test_another_file_is_no_report_about_images(content: str, tmp_path: Path):
    (tmp_path / "images.json").write_text(content)
    with pytest.raises(SourceError, match="not a JSON report about images"):
        image_facts(str(tmp_path / "images.json"), [])


def test_a_posture_report_is_none_either(tmp_path: Path):
    (tmp_path / "images.json").write_text(json.dumps({"summaryDetails": {}, "results": []}))
    with pytest.raises(SourceError, match="not a JSON report"):
        image_facts(str(tmp_path / "images.json"), [])
