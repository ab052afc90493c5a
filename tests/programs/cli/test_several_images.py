"""``leadline scan image`` of several images, of what manifests run, and of what a cluster runs."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from image_archives import Blobs, docker_archive, layer
from leadline.model.images_report import ImagesReport
from leadline.model.vulnerability import Exploited, FeedDate
from leadline.outputs.format_registry import formats_for
from leadline.scans.images.images_scan import MOST_IMAGES
from list_server import ListServer, Row
from outputs.sarif_schema import SARIF
from outputs.screen_width import too_wide
from registry_server import Server, serving
from vulnerabilities.matching.made_database import advisory, build_of

pytestmark = pytest.mark.usefixtures("own_image_place")

DEBIAN = {
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc\n",
}
NODE = {"srv/node_modules/ms/package.json": b'{"name": "ms", "version": "2.0.0", "license": "MIT"}'}
FACTS = [
    advisory("CVE-2024-1000", "Debian:12", "glibc", fixed="2.36-9+deb12u7", severity="high"),
    advisory("CVE-2024-3000", "npm", "ms", fixed="2.0.1", severity="medium"),
    Exploited("CVE-2024-1000", "2024-01-02"),
    FeedDate("2026-06-30"),
]


@pytest.fixture
def database(tmp_path: Path) -> str:
    build_of(tmp_path / "v.db", {"debian": FACTS})
    return "v.db"


@pytest.fixture
def archives(tmp_path: Path) -> tuple[str, str]:
    docker_archive(tmp_path / "a.tar", [layer(NODE)], User="1000")
    docker_archive(tmp_path / "b.tar", [layer(DEBIAN)], User="1000")
    return "a.tar", "b.tar"


@pytest.fixture
def registry():
    server = Server(blobs=Blobs())
    server.tags["shop/web:1"] = str(server.blobs.image([layer(DEBIAN)])["digest"])
    server.tags["shop/same:2"] = server.tags["shop/web:1"]
    server.tags["shop/report:1"] = str(server.blobs.image([layer(NODE)], User="1000")["digest"])
    with serving(server) as running:
        yield running


def manifest(kind: str, name: str, *images: str) -> str:
    containers = [{"name": f"c{i}", "image": image} for i, image in enumerate(images)]
    pod = {"spec": {"containers": containers}}
    spec = {"template": pod} if kind == "Deployment" else {"jobTemplate": {"spec": {"template": pod}}}
    api = "apps/v1" if kind == "Deployment" else "batch/v1"
    return json.dumps(
        {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}
    )


HERE = ("--mirror", "127.0.0.1=127.0.0.1")
"""Names the registries of the tests, which manifests alone may not."""


def scanned(run, *words: str, here: tuple[str, ...] = HERE) -> tuple[int, dict, str]:
    code, out, err = run("scan", "image", *words, *here, "-f", "json")
    return code, json.loads(out), err


def test_a_host_that_a_manifest_names_is_not_asked_for_what_only_this_machine_may(run, database, tmp_path):
    with serving(Server()) as server:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
        pod["spec"] = {"containers": [{"name": "web", "image": f"{server.host}/internal/admin:1"}]}
        (tmp_path / "m.json").write_text(json.dumps(pod))
        words = ("--from-manifests", str(tmp_path / "m.json"), "--db", database)
        code, found, _ = scanned(run, *words, here=())
        assert code == 3
        assert "no flag names that host" in json.dumps(found)
        assert server.requests == []
        scanned(run, *words, here=("--mirror", f"{server.host}={server.host}"))
        assert server.requests


def test_the_worst_image_comes_first(run, archives, database):
    code, found, _ = scanned(run, *archives, "--db", database)
    assert code == 0
    assert [one["names"] for one in found["images"]] == [["b.tar"], ["a.tar"]]
    assert [v["id"] for one in found["images"] for v in one["vulnerabilities"]] == [
        "CVE-2024-1000",
        "CVE-2024-3000",
    ]


def test_a_gate_counts_all_images_together(run, archives, database):
    words = (*archives, "--db", database, "--severity-threshold")
    assert run("scan", "image", *words, "critical")[0] == 0
    code, out, _ = run("scan", "image", *words, "medium")
    assert code == 1
    assert "failed: --severity-threshold medium, 2 findings at or above it" in out


def test_an_image_that_was_named_and_cannot_be_read_costs_no_other_its_report(run, archives, database):
    code, out, err = run("scan", "image", *archives, "gone.tar", "--db", database)
    assert code == 3
    assert "CVE-2024-1000" in out
    assert "1 image not read" in out
    assert "gone.tar" in err


def test_a_database_that_is_too_old_is_refused_for_all(run, archives, database):
    code, _, err = run("scan", "image", *archives, "--db", database, "--max-db-age", "1")
    assert code == 3
    assert err.count("leadline:") == 1


@pytest.mark.parametrize("name", ["grype-json", "cyclonedx-json", "spdx-json", "syft-json"])
def test_a_document_about_one_image_is_refused_for_several(run, archives, name):
    code, out, err = run("scan", "image", *archives, "-f", name)
    assert (code, out) == (2, "")
    assert f"{name} holds one image" in err


def test_one_image_among_several_names_is_scanned_once(run, tmp_path, registry, database):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/web.json").write_text(
        manifest("Deployment", "web", f"{registry.host}/shop/web:1", f"{registry.host}/shop/same:2")
    )
    (tmp_path / "m/report.json").write_text(
        manifest("CronJob", "report", f"{registry.host}/shop/report:1", f"{registry.host}/shop/web:1")
    )
    code, found, _ = scanned(run, "--from-manifests", "m", "--db", database)
    assert code == 0
    web, report = found["images"]
    assert sorted(web["names"]) == [f"{registry.host}/shop/same:2", f"{registry.host}/shop/web:1"]
    assert [use["object"] for use in web["usedBy"]] == [
        "shop/CronJob/report",
        "shop/Deployment/web",
        "shop/Deployment/web",
    ]
    assert [use["container"] for use in report["usedBy"]] == ["c0"]
    assert report["usedBy"][0]["id"].startswith("path=")
    blobs = [path for path in registry.paths() if "/blobs/" in path]
    assert len(blobs) == len(set(blobs))


def test_images_that_cannot_be_read_are_named_with_what_runs_them(run, tmp_path, registry, database):
    gone = f"{registry.host}/shop/gone:1"
    (tmp_path / "m.json").write_text(
        manifest("Deployment", "web", f"{registry.host}/shop/web:1", gone, "${IMAGE}", "/etc/passwd", "dir:/")
    )
    code, found, _ = scanned(run, "--from-manifests", "m.json", "--db", database)
    assert code == 0
    assert [one["where"] for one in found["failed"]] == [gone, "${IMAGE}", "/etc/passwd", "dir:/"]
    assert {one["usedBy"][0]["object"] for one in found["failed"]} == {"shop/Deployment/web"}
    words = ("--from-manifests", "m.json", "--db", database, "--fail-on", "unread")
    assert run("scan", "image", *words, *HERE)[0] == 1


def test_a_target_may_name_any_number_of_images_and_those_beyond_a_bound_are_named(run, tmp_path):
    names = [f"${{IMAGE_{i}}}" for i in range(MOST_IMAGES + 2)]
    (tmp_path / "m.json").write_text(manifest("Deployment", "web", *names))
    code, found, _ = scanned(run, "--from-manifests", "m.json")
    assert code == 3
    assert len(found["failed"]) == MOST_IMAGES + 2
    beyond = [one["where"] for one in found["failed"] if "not scanned at once" in one["why"]]
    assert beyond == names[-2:]


def test_an_object_names_no_file_of_this_machine(run, tmp_path, archives):
    (tmp_path / "m.json").write_text(manifest("Deployment", "web", "a.tar", "docker-archive:a.tar"))
    code, found, err = scanned(run, "--from-manifests", "m.json")
    assert code == 3
    assert found["images"] == []
    assert [one["where"] for one in found["failed"]] == ["a.tar", "docker-archive:a.tar"]
    assert "2 images not read" in err


def test_a_password_of_one_registry_is_given_to_no_other(run, archives, monkeypatch):
    code, _, err = run("scan", "image", *archives, "--username", "ann", "--password-stdin")
    assert code == 2
    assert "LEADLINE_REGISTRY_HOST" in err


@pytest.mark.parametrize(
    "words",
    [(), ("a.tar", "--from-cluster"), ("--from-cluster", "--from-manifests", "x"), ("-", "a.tar")],
)
def test_images_come_from_one_place(run, words):
    assert run("scan", "image", *words, *HERE)[0] == 2


def test_of_images_alike_what_is_reachable_from_outside_comes_first(run, tmp_path, registry, database):
    registry.tags["shop/other:1"] = str(registry.blobs.image([layer({**DEBIAN, "a": b"1"})])["digest"])
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "web.json").write_text(manifest("CronJob", "job", f"{registry.host}/shop/web:1"))
    labels = {"labels": {"app": "other"}}
    pod = {
        "metadata": labels,
        "spec": {"containers": [{"name": "c", "image": f"{registry.host}/shop/other:1"}]},
    }
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "other", "namespace": "shop"},
        "spec": {"template": pod},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "open", "namespace": "shop"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "other"}},
    }
    (folder / "other.json").write_text(json.dumps(body))
    words = ("--from-manifests", "m", "--db", database)
    assert [one["names"][0][-7:] for one in scanned(run, *words)[1]["images"]] == ["other:1", "p/web:1"]
    (folder / "z.json").write_text(json.dumps(service))
    first = scanned(run, *words)[1]["images"][0]
    assert first["names"] == [f"{registry.host}/shop/other:1"]
    assert first["usedBy"][0]["exposedBy"] == ["shop/Service/open"]
    assert "reachable from outside through shop/Service/open" in run("scan", "image", *words, *HERE)[1]


POD = Row("", "v1", "Pod", "pods")
DEPLOYMENT = Row("apps", "v1", "Deployment", "deployments")


def test_a_cluster_is_asked_for_what_runs_by_digest(run, tmp_path, registry, database):
    web, digest = f"{registry.host}/shop/web:1", registry.tags["shop/web:1"]
    registry.tags["shop/web:1"] = registry.tags["shop/report:1"]
    template = {"spec": {"containers": [{"name": "web", "image": web}]}}
    with ListServer((POD, DEPLOYMENT)) as server:
        server.add(
            DEPLOYMENT,
            {"metadata": {"name": "web", "namespace": "shop", "uid": "1"}, "spec": {"template": template}},
        )
        owner = [{"kind": "Deployment", "name": "web", "uid": "1", "controller": True}]
        status = {"containerStatuses": [{"name": "web", "imageID": f"{registry.host}/shop/web@{digest}"}]}
        metadata = {"name": "web-1", "namespace": "shop", "uid": "2", "ownerReferences": owner}
        server.add(POD, {"metadata": metadata, "spec": template["spec"], "status": status})
        kubeconfig = {
            "current-context": "test",
            "clusters": [{"name": "c", "cluster": {"server": server.url}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
        words = ("--from-cluster", "--kubeconfig", "kubeconfig", "--db", database)
        code, found, _ = scanned(run, *words)
    assert code == 0
    assert found["target"] == {"kind": "cluster", "name": "test"}
    assert [one["names"] for one in found["images"]] == [[f"{web}@{digest}"]]
    assert [v["id"] for v in found["images"][0]["vulnerabilities"]] == ["CVE-2024-1000"]
    assert found["images"][0]["usedBy"] == [
        {"id": "apps/v1/shop/Deployment/web", "object": "shop/Deployment/web", "container": "web"}
    ]


@pytest.fixture
def mixed(tmp_path, registry):
    names = ("web:1", "report:1", "gone:1")
    (tmp_path / "m.json").write_text(
        manifest("Deployment", "web", *(f"{registry.host}/shop/{name}" for name in names))
    )
    (tmp_path / "broken.yaml").write_text("a: b: c\n")
    return ("scan", "image", "--from-manifests", "m.json", "--from-manifests", "broken.yaml", *HERE)


@pytest.mark.parametrize("name", sorted(formats_for(ImagesReport)))
def test_every_format_holds_every_image_and_what_could_not_be_read(run, mixed, database, name):
    code, out, err = run(*mixed, "--db", database, "-f", name)
    assert code == 0
    assert "CVE-2024-1000" in out or name == "prometheus"
    assert "shop/report" in out or name == "openvex"
    if name == "prometheus":
        assert "leadline_images_failed 1\n" in out
        assert "leadline_images_target_unread 1\n" in out
        assert out.count("# TYPE leadline_image_findings ") == 1
    elif name == "openvex":
        assert "shop/gone" in err
    else:
        assert "shop/gone" in out
        assert "broken.yaml" in out


def test_the_documents_are_what_their_readers_ask_for(run, mixed, database):
    sarif = json.loads(run(*mixed, "--db", database, "-f", "sarif")[1])
    assert list(SARIF.iter_errors(sarif)) == []
    assert len({one["automationDetails"]["id"] for one in sarif["runs"]}) == len(sarif["runs"]) == 3
    suites = ElementTree.fromstring(run(*mixed, "--db", database, "-f", "junit")[1])
    for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(suites.attrib[key]) == len(suites.findall(f".//{tag}")) > 0
    gitlab = json.loads(run(*mixed, "--db", database, "-f", "gitlab")[1])
    assert len({v["location"]["image"] for v in gitlab["vulnerabilities"]}) == 2


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("more", [(), ("-v",)])
def test_the_table_keeps_to_the_width(run, mixed, database, monkeypatch, width, more):
    monkeypatch.setenv("COLUMNS", str(width))
    assert too_wide(run(*mixed, "--db", database, *more)[1], width) == []
