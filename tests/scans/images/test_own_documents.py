"""A scan of the SBOM that we write of an image finds what the scan of the image does, in every format."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.model.image_report import ImageReport
from leadline.model.package import Distro, Package, Sbom
from leadline.model.vulnerability import Advisory, Affected, Fact, Import
from leadline.outputs.format_registry import find_format
from leadline.sbom.documents.reader import read_sbom_document
from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions
from leadline.vulnerabilities.ecosystems import ecosystem_of, package_name, release_of
from leadline.vulnerabilities.match import match
from outputs.sample_packages import CREATED, SBOM, sbom_page
from vulnerabilities.matching.made_database import advisory, database_of

ROOT = Path(__file__).resolve().parents[3]
FORMATS = ("spdx-json", "cyclonedx-json", "syft-json")
EL9 = (("distro", "almalinux-9.2"),)
PACKAGES = (
    Package(
        "rpm", "nodejs", "1:18.1.0-1.module_el9.2.0+1+ab", namespace="almalinux", arch="x86_64",
        qualifiers=(*EL9, ("modularitylabel", "nodejs:18:9020:rhel9")), supplier="AlmaLinux", source="nodejs",
    ),
    Package(
        "rpm", "glibc-common", "2.34-60.el9", namespace="almalinux", arch="x86_64", qualifiers=EL9, supplier="AlmaLinux",
        source="glibc", source_version="2.34-60.el9",
    ),
    Package("rpm", "python3-requests", "2.25.1-6.el9", namespace="almalinux", arch="noarch", qualifiers=EL9, supplier="AlmaLinux"),
    Package("pypi", "requests", "2.25.1", owned_by="python3-requests", found_in=("usr/lib/python3/METADATA",)),
    Package("golang", "net", "v0.30.0", namespace="golang.org/x", linked=("golang.org/x/net/html",), built_for="linux/amd64"),
    Package("golang", "crypto", "v0.30.0", namespace="golang.org/x", linked=(), built_for="linux/amd64"),
    Package("maven", "log4j-core", "2.14.1", namespace="org.apache.logging.log4j"),
)  # fmt: skip
FACTS: list[Fact] = [
    advisory("A-1", "AlmaLinux:9", "nodejs", fixed="1:18.2.0-1", is_source=False, module="nodejs:18"),
    advisory("A-2", "AlmaLinux:9", "nodejs", fixed="1:20.2.0-1", is_source=False, module="nodejs:20"),
    advisory("A-3", "AlmaLinux:9", "glibc-common", fixed="2.34-61.el9", is_source=False),
    advisory("P-1", "PyPI", "requests", fixed="2.31.0"),
    advisory("GO-1", "Go", "golang.org/x/net", fixed="0.33.0", imports=(Import("golang.org/x/net/html"),)),
    advisory("GO-2", "Go", "golang.org/x/net", fixed="0.33.0", imports=(Import("golang.org/x/net/http2"),)),
    advisory("GO-3", "Go", "golang.org/x/net", fixed="0.33.0", imports=(Import("golang.org/x/net/html", systems=("windows",)),)),
    advisory("GO-4", "Go", "golang.org/x/crypto", fixed="0.33.0", imports=(Import("golang.org/x/crypto/ssh"),)),
    advisory("M-1", "Maven", "org.apache.logging.log4j:log4j-core", fixed="2.15.0"),
]  # fmt: skip


def read_again(sbom: Sbom, format: str) -> Sbom:
    out = io.StringIO()
    find_format(format, Sbom).write(sbom, out, sbom_page())
    return read_sbom_document(out.getvalue().encode(), "it.json", CREATED)


def found(sbom: Sbom, folder: Path) -> tuple[list[tuple[object, ...]], list[tuple[str, str]]]:
    with database_of(folder, *FACTS) as database:
        matching = match(sbom.packages, sbom.distro, database)
    matches = sorted((one.id, one.package.name, one.state, one.fixed_in) for one in matching.matches)
    return matches, sorted((one.match.id, one.match.package.name) for one in matching.suppressed)


@pytest.mark.parametrize("format", FORMATS)
def test_modules_owners_and_linked_packages_decide_the_same(format: str, tmp_path: Path) -> None:
    sbom = replace(SBOM, packages=PACKAGES, distro=Distro("almalinux", "9.2"), unread=())
    of_image = found(sbom, tmp_path)
    assert [one[0] for one in of_image[0]] == ["A-1", "A-3", "GO-1", "M-1"]
    assert {one[0] for one in of_image[1]} == {"P-1", "GO-2", "GO-3", "GO-4"}
    assert found(read_again(sbom, format), tmp_path) == of_image


def judged(report: ImageReport) -> list[tuple[object, ...]]:
    found = [(one.id, one.package.name, one.severity, one.fixed_in, "") for one in report.vulnerabilities]
    found += [(one.match.id, one.match.package.name, "", (), one.by) for one in report.suppressed]
    return sorted(found)


@pytest.mark.parametrize("format", FORMATS)
def test_a_package_in_several_places_counts_as_often_as_in_the_image(format: str, tmp_path: Path) -> None:
    """A dependency of npm in three folders, a module of two Go programs with other code of it, and one of which the distribution owns one."""
    folders = ("srv/node_modules", "srv/node_modules/b/node_modules", "opt/node_modules")
    packages = (
        *(Package("npm", "ms", "2.0.0", found_in=(f"{folder}/ms/package.json",)) for folder in folders),
        *(
            Package("golang", "net", "v0.30.0", namespace="golang.org/x", linked=(f"golang.org/x/net/{part}",), found_in=(f"bin/{part}",))
            for part in ("html", "http2")
        ),
        Package("rpm", "python3-requests", "2.25.1-6.el9", namespace="almalinux", arch="noarch", qualifiers=EL9),
        Package("pypi", "requests", "2.25.1", owned_by="python3-requests", found_in=("usr/lib/METADATA",)),
        Package("pypi", "requests", "2.25.1", found_in=("opt/METADATA",)),
    )  # fmt: skip
    sbom = replace(SBOM, packages=packages, distro=Distro("almalinux", "9.2"), unread=())
    again = read_again(sbom, format)
    assert [one.found_in for one in again.packages if one.type != "rpm"] == [
        one.found_in
        for one in sorted(packages, key=lambda one: (one.type, one.name, one.found_in))
        if one.type != "rpm"
    ]
    npm = advisory("N-1", "npm", "ms", fixed="2.1.0")
    with database_of(tmp_path, *FACTS, npm) as database:
        both = [match(one.packages, one.distro, database) for one in (sbom, again)]
    of_image, of_document = (
        sorted((one.id, one.package.found_in) for one in each.matches)
        + sorted((one.match.id, one.match.package.found_in) for one in each.suppressed)
        for each in both
    )
    assert of_document == of_image
    assert sum(id == "N-1" for id, _ in of_image) == 3


@pytest.mark.parametrize("format", FORMATS)
def test_the_document_of_the_example_image_is_judged_as_the_image(format: str, tmp_path: Path) -> None:
    options = ImageOptions(database=str(ROOT / "examples/image/web.db"), created=CREATED)
    of_image = image_scan(str(ROOT / "examples/image/web.tar"), options)
    out = io.StringIO()
    find_format(format, Sbom).write(of_image.sbom, out, sbom_page())
    document = tmp_path / "web.json"
    document.write_text(out.getvalue())
    assert len(of_image.vulnerabilities) > 50
    assert judged(image_scan(f"sbom:{document}", options)) == judged(of_image)


def problems_of_all(sbom: Sbom) -> Iterator[Fact]:
    """One of each package, by its binary name and by that of its source: whatever a document loses of it shows."""
    release = release_of(sbom.distro)
    for number, package in enumerate(sbom.packages):
        if ecosystem := ecosystem_of(package):
            linked = tuple(map(Import, package.linked or ()))
            affected = Affected(ecosystem, package_name(package), imports=linked)
            yield Advisory(f"LANGUAGE-{number}", (affected,))
        elif release:
            module = dict(package.qualifiers).get("modularitylabel", "").rpartition(":")[0].rpartition(":")[0]
            for name, is_source in ((package.name, False), (package.source or package.name, True)):
                affected = Affected(
                    release.ecosystem, name, release.release, is_source=is_source, module=module
                )
                yield Advisory(f"PACKAGE-{number}-{is_source}", (affected,))


@pytest.mark.nightly("database")
@pytest.mark.parametrize("format", FORMATS)
def test_documents_of_every_image_of_this_machine_are_judged_as_the_image(
    format: str, tmp_path: Path
) -> None:
    """Those that the tests have built, and those in the folders of LEADLINE_IMAGES."""
    folders = [Path.home() / ".cache/leadline/images", ROOT / "examples/image"]
    folders += map(Path, filter(None, os.environ.get("LEADLINE_IMAGES", "").split(":")))
    images = [image for folder in folders for image in sorted(folder.glob("*.tar"))]
    images += [layout.parent for folder in folders for layout in sorted(folder.glob("*/oci-layout"))]
    assert images
    for number, image in enumerate(images):
        folder = tmp_path / str(number)
        folder.mkdir()
        sbom = image_scan(str(image), ImageOptions(created=CREATED)).sbom
        with database_of(folder, *problems_of_all(sbom)):
            options = ImageOptions(database=str(folder / "vulnerabilities.db"), created=CREATED)
        of_image = image_scan(str(image), options)
        out = io.StringIO()
        find_format(format, Sbom).write(of_image.sbom, out, sbom_page())
        document = folder / "it.json"
        document.write_text(out.getvalue())
        assert len(of_image.vulnerabilities) > 10, image
        of_document = image_scan(f"sbom:{document}", options)
        assert judged(of_document) == judged(of_image), image
        assert len(of_document.sbom.packages) == len(of_image.sbom.packages), image
        print(
            f"{format} {image.name}: {len(sbom.packages)} packages, {len(of_image.vulnerabilities)} problems"
        )
