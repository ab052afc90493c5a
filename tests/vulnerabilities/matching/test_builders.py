"""Programs of a vendor's repository under the distribution's names: the distribution's tracker says nothing of them."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_database import advisory, database_of

from leadline.model.package import STATED, Distro, Package
from leadline.vulnerabilities.match import match

_NGINX = "NGINX Packaging <nginx-packaging@f5.com>"
_DEBIAN = "Debian Nginx Maintainers <pkg-nginx-maintainers@alioth-lists.debian.net>"
_PERSON = "Ann <ann@example.org>"


@pytest.mark.parametrize(
    ("version", "supplier"),
    [
        ("1.27.4-1~bookworm", _NGINX),
        ("1.27.4-1", _NGINX),
        ("1.27.4-1~bookworm", "Example <packages@example.org>"),
        ("16.4-1.pgdg120+1", "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>"),
        ("20.18.0-1nodesource1", "Ivan Iguaran <x@nodesource.com>"),
        ("1:11.4.3+maria~deb12", "MariaDB Developers <x@lists.mariadb.org>"),
        ("8.3.12-1+0~20240927.43+debian12~1.gbpad3b8c", "Debian PHP Maintainers <x@tracker.debian.org>"),
        ("1:2.46.0-0ppa1~ubuntu22.04.1", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>"),
        ("3.12.7-1+jammy1", _PERSON),
    ],
)
def test_what_another_built_is_not_judged_but_named(tmp_path: Path, version: str, supplier: str):
    found = _matched(tmp_path, Package("deb", "nginx", version, supplier=supplier))
    assert found.matches == ()
    (gap,) = [one for one in found.coverage if one.why]
    assert (
        gap.why == "not built by Debian 12, by maintainer or version; follow the advisories of who built it"
    )
    assert gap.ecosystem.endswith(" (nginx)")
    assert gap.counts


@pytest.mark.parametrize(
    ("version", "supplier"),
    [
        ("1.22.1-9+deb12u1", _DEBIAN),
        ("1.22.1-9", _PERSON),
        ("1.22.1-9", ""),
        ("1.22.1-9~bookworm", ""),
        ("1.22.1-9~bpo12+1", _PERSON),
        ("1.22.1-9~deb12u2", _PERSON),
        ("1.22.1-0ubuntu0.22.04.1", _PERSON),
        ("1.22.1-1~ubuntu22.04.1", _PERSON),
        ("1.22.1-9+b1", _PERSON),
        ("1.22.1-9+squeeze1", _PERSON),
    ],
)
def test_what_the_distribution_built_is_judged(tmp_path: Path, version: str, supplier: str):
    found = _matched(tmp_path, Package("deb", "nginx", version, supplier=supplier))
    assert [one.id for one in found.matches] == ["CVE-2024-7347"]


def test_packages_of_one_builder_are_one_gap_with_some_of_their_names(tmp_path: Path):
    names = [f"nginx-{number:02}" for number in range(12)]
    found = _matched(tmp_path, *(Package("deb", one, "1.27.4-1~bookworm", supplier=_NGINX) for one in names))
    (gap,) = found.coverage
    assert gap.packages == 12
    assert gap.ecosystem == f"NGINX Packaging ({', '.join(names[:10])} and 2 more)"


def test_of_rpm_the_vendor_says_it_and_a_distribution_that_is_not_listed_builds_the_most(tmp_path: Path):
    fact = advisory("CVE-1", "Photon OS:5.0", "nginx")
    own = [Package("rpm", name, "1-1.ph5", supplier="VMware, Inc.") for name in ("bash", "nginx")]
    other = Package("rpm", "nginx", "1:1.27.4-1.el9.ngx", supplier=_NGINX)
    with database_of(tmp_path, fact) as database:
        found = match([*own, other], Distro("photon", "5.0"), database)
    assert [(one.id, one.package.supplier) for one in found.matches] == [("CVE-1", "VMware, Inc.")]


def test_packages_of_another_distribution_are_judged_by_that_one(tmp_path: Path):
    facts = [
        advisory("CVE-1", "AlmaLinux:8", "openssl", fixed="9"),
        advisory("CVE-2", "Debian:12", "openssl"),
    ]
    package = Package("rpm", "openssl", "1-1.el8", "almalinux", qualifiers=(("distro", "almalinux-8"),))
    with database_of(tmp_path, *facts) as database:
        found = match([package], Distro("debian", "12"), database)
    assert [one.id for one in found.matches] == ["CVE-1"]


_SUPPLIERS = ("", "Evil", "VMware, Inc.", "Red Hat, Inc.", _NGINX, _PERSON)
_STATED = st.builds(
    Package,
    st.sampled_from(("deb", "apk", "rpm", "pypi")),
    st.sampled_from(("nginx", "acme-agent", "acmelib", "x")),
    st.sampled_from(("1", "9", "1.27.4-1~bookworm", "1-1.ph5")),
    source=st.sampled_from(("", "told")),
    supplier=st.sampled_from(_SUPPLIERS),
    owned_by=st.sampled_from(("", "acme-agent")),
    found_by=st.just(STATED),
)


@given(
    stated=st.lists(_STATED, max_size=5),
    distro=st.sampled_from([Distro("debian", "12"), Distro("photon", "5.0"), Distro("alpine", "3.19.1")]),
    are_last=st.booleans(),
)
@example(
    [Package("apk", "acme-agent", "9", source="told", found_by=STATED)], Distro("alpine", "3.19.1"), True
)
def test_what_documents_in_an_image_state_takes_no_finding_away(
    tmp_path_factory: pytest.TempPathFactory, stated: list[Package], distro: Distro, are_last: bool
):
    type = {"debian": "deb", "photon": "rpm", "alpine": "apk"}[distro.id]
    supplier = "VMware, Inc." if type == "rpm" else ""
    found = [
        Package(type, "nginx", "1-1.ph5" if type == "rpm" else "1", supplier=supplier),
        Package(type, "acme-agent", "1", supplier="Acme Inc <x@acme.example>"),
        Package("pypi", "acmelib", "1", owned_by="acme-agent"),
    ]
    facts = [
        advisory("CVE-1", "Debian:12", "nginx"),
        advisory("CVE-1", "Photon OS:5.0", "nginx"),
        advisory("CVE-1", "Alpine:3.19", "nginx"),
        advisory("CVE-2", "Alpine:3.19", "told", fixed="5"),
        advisory("CVE-2", "PyPI", "acmelib"),
    ]
    with database_of(tmp_path_factory.mktemp("stated"), *facts) as database:
        alone = match(found, distro, database)
        beside = match([*found, *stated] if are_last else [*stated, *found], distro, database)
    assert {one.id for one in alone.matches} == {"CVE-1", "CVE-2"}
    assert {(one.id, one.package) for one in alone.matches} <= {
        (one.id, one.package) for one in beside.matches
    }


def _matched(folder: Path, *packages: Package):
    fact = advisory("CVE-2024-7347", "Debian:12", "nginx")
    with database_of(folder, fact) as database:
        return match(packages, Distro("debian", "12"), database)
