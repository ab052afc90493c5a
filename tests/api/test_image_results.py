"""Image reports as stored objects: in the form that existing clients read."""

import asyncio
from typing import Any

import orjson
import pytest
from asgi import Client

from leadline.api.catalogue import KINDS
from leadline.model.image_report import ImageReport
from leadline.model.package import Distro, ImageIdentity, Package, Sbom
from leadline.model.vulnerability import Cvss, DatabaseState, Evidence, Match, Suppressed
from leadline.programs.apiserver.encoding.forms import serve
from leadline.scans.stored.image_results import (
    MANIFESTS,
    SBOMS,
    SUMMARIES,
    VEX,
    RunningContainer,
    Scanned,
    image_puts,
    manifest_name,
    stored_image,
)

OPENSSL = Package(
    type="deb",
    name="libssl3",
    version="3.0.1",
    namespace="debian",
    source="openssl",
    found_in=("var/lib/dpkg/status",),
)
FIXED = Match(
    "CVE-2024-1",
    OPENSSL,
    severity="critical",
    state="fixed",
    fixed_in=("3.0.2",),
    aliases=("GHSA-1",),
    evidence=(Evidence("debian", "DSA-1", "Debian:12", "openssl", "< 3.0.2", "source package"),),
    cvss=(Cvss("CVSS:3.1/AV:N", 9.8),),
    summary="it breaks",
    references=("https://example.com/1",),
)
OPEN = Match("CVE-2024-2", OPENSSL, severity="low", state="wont fix")
IMAGE = ImageIdentity("docker.io/library/nginx:1.27", id="sha256:" + "ab" * 29 + "cdef12")
REPORT = ImageReport(
    Sbom(IMAGE, (OPENSSL,), Distro("debian", "12")),
    (),
    vulnerabilities=(FIXED, OPEN),
    suppressed=(Suppressed(OPEN, "VEX", "not reachable"),),
    database=DatabaseState("2026-01-02T00:00:00Z", ()),
)
SCANNED = Scanned("leadline", "2026-01-03T00:00:00Z")
WEB = RunningContainer("Deployment", "web", "shop", "main")


def bodies(report: ImageReport = REPORT) -> dict[str, Any]:
    return {
        put.key.plural: orjson.loads(put.content.body)["spec"] for put in image_puts(report, SCANNED, [WEB])
    }


def test_names_are_those_that_clients_work_out():
    assert manifest_name(REPORT) == "docker.io-library-nginx-1.27-cdef12"
    puts = image_puts(REPORT, SCANNED, [WEB])
    image = ("leadline", "docker.io-library-nginx-1.27-cdef12")
    assert {put.key.plural: (put.key.namespace, put.key.name) for put in puts} == {
        SBOMS: image,
        MANIFESTS: image,
        VEX: image,
        SUMMARIES: ("shop", "deployment-web-main"),
    }


def test_the_whole_report_comes_back():
    (body,) = (put.content.body for put in image_puts(REPORT, SCANNED) if put.key.plural == MANIFESTS)
    assert stored_image(body) == REPORT
    assert stored_image(b'{"spec":{"payload":{"matches":null,"descriptor":{"name":"grype"}}}}') is None


def test_the_packages_are_those_of_the_image():
    syft = bodies()[SBOMS]["syft"]
    assert [(one["name"], one["version"]) for one in syft["artifacts"]] == [("libssl3", "3.0.1")]
    assert syft["distro"]["id"] == "debian"


def test_what_is_stated_about_vulnerabilities_is_an_openvex_document():
    document = bodies()[VEX]
    assert document["@context"].startswith("https://openvex.dev/ns/")
    statements = {(s["vulnerability"]["name"], s["status"]) for s in document["statements"]}
    assert statements == {
        ("CVE-2024-1", "affected"),
        ("CVE-2024-2", "affected"),
        ("CVE-2024-2", "not_affected"),
    }


def test_a_match_carries_what_clients_show():
    fixed, unfixed = bodies()[MANIFESTS]["payload"]["matches"]
    assert fixed["vulnerability"]["id"] == "CVE-2024-1"
    assert fixed["vulnerability"]["severity"] == "Critical"
    assert fixed["vulnerability"]["fix"] == {"versions": ["3.0.2"], "state": "fixed"}
    assert fixed["vulnerability"]["cvss"][0]["metrics"]["baseScore"] == 9.8
    assert fixed["vulnerability"]["cvss"][0]["version"] == "3.1"
    assert fixed["artifact"]["name"] == "libssl3"
    assert fixed["artifact"]["purl"].startswith("pkg:deb/debian/libssl3@3.0.1")
    assert unfixed["vulnerability"]["fix"] == {"versions": None, "state": "wont-fix"}
    assert unfixed["vulnerability"]["cvss"] is None


def test_counts_are_those_of_the_manifest_and_point_to_it():
    summary = bodies()[SUMMARIES]
    assert summary["severities"]["critical"] == {"all": 1, "relevant": 0}
    assert summary["severities"]["low"] == {"all": 1, "relevant": 0}
    assert summary["severities"]["high"] == {"all": 0, "relevant": 0}
    assert summary["vulnerabilitiesRef"]["all"] == {
        "kind": "vulnerabilitymanifests",
        "namespace": "leadline",
        "name": "docker.io-library-nginx-1.27-cdef12",
    }


def test_what_is_suppressed_is_kept_with_its_reason():
    (ignored,) = bodies()[MANIFESTS]["payload"]["ignoredMatches"]
    assert ignored["appliedIgnoreRules"][0]["justification"] == "not reachable"


def test_an_image_without_matches_has_null_and_says_whether_it_was_matched():
    clean = ImageReport(REPORT.sbom, ())
    (manifest,) = (put for put in image_puts(clean, SCANNED) if put.key.plural == MANIFESTS)
    assert orjson.loads(manifest.content.body)["spec"]["payload"]["matches"] is None
    annotations = orjson.loads(manifest.content.metadata)["annotations"]
    assert annotations["kubescape.io/status"] == "incomplete"


@pytest.mark.parametrize("plural", [SBOMS, MANIFESTS, VEX, SUMMARIES])
def test_the_server_takes_them_without_a_complaint(plural: str):
    served = next(serve(kind) for kind in KINDS if kind.plural == plural)
    for put in image_puts(REPORT, SCANNED, [WEB]):
        if put.key.plural == plural:
            assert served.strict.problem(put.content.body) is None


def test_summaries_are_added_up_by_namespace():
    async def scenario() -> None:
        client = Client()
        computing = asyncio.ensure_future(client.app.computing.run())
        await asyncio.sleep(0)
        for put in image_puts(REPORT, SCANNED, [WEB]):
            kind = next(kind for kind in KINDS if kind.plural == put.key.plural)
            whole = {
                "apiVersion": kind.api_version,
                "kind": kind.name,
                "metadata": orjson.loads(put.content.metadata),
                **orjson.loads(put.content.body),
            }
            path = f"/apis/{kind.api_version}/namespaces/{put.key.namespace}/{kind.plural}"
            assert (await client.ask("POST", path, whole, query={"fieldValidation": "Strict"})).code == 201
        sums = await client.ask(
            "GET", "/apis/spdx.softwarecomposition.kubescape.io/v1beta1/vulnerabilitysummaries/shop"
        )
        computing.cancel()
        assert sums.json["spec"]["severities"]["critical"] == {"all": 1, "relevant": 0}

    asyncio.run(scenario())
