"""Feeds name releases as images are looked up by."""

import pytest

from feed_samples import FEEDS, documents
from leadline.model.package import Distro
from leadline.model.vulnerability import Advisory
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.ecosystems import release_of
from leadline.vulnerabilities.feed_formats.releases import (
    Release,
    osv_release,
    red_hat_release,
    suse_release,
    ubuntu_distro,
)


def releases(feed: str) -> set[tuple[str, str]]:
    """Ecosystem and release of every package in the samples of a feed."""
    found = set[tuple[str, str]]()
    for document in documents(feed):
        try:
            for fact in FEEDS[feed].read(document):
                if isinstance(fact, Advisory):
                    found |= {(one.ecosystem, one.release) for one in fact.affected}
        except Unreadable:
            continue
    return found


@pytest.mark.parametrize(
    ("distro", "feed"),
    [
        (Distro("almalinux", "10.0"), "almalinux"),
        (Distro("alpine", "3.15.4"), "alpine-secdb"),
        (Distro("amzn", "2018.03"), "amazon"),
        (Distro("amzn", "2"), "amazon"),
        (Distro("amzn", "2023"), "amazon"),
        (Distro("azurelinux", "3.0.20240727"), "azure-linux"),
        (Distro("mariner", "2.0.20230126"), "azure-linux"),
        (Distro("chainguard", "20230214"), "chainguard-secdb"),
        (Distro("chainguard", "20230214"), "chainguard-osv"),
        (Distro("debian", "12"), "debian-tracker"),
        (Distro("debian", "trixie/sid"), "debian-tracker"),
        (Distro("debian", "12"), "debian-updates"),
        (Distro("debian", "11"), "osv"),
        (Distro("minimos", "20250101"), "minimos-secdb"),
        (Distro("ol", "8.9"), "oracle"),
        (Distro("photon", "4.0"), "photon"),
        (Distro("rhel", "9.4"), "redhat-csaf"),
        (Distro("rhel", "9.4"), "redhat-vex"),
        (Distro("rhel", "9.4"), "osv"),
        (Distro("rocky", "8.8"), "rocky-osv"),
        (Distro("rocky", "8.8"), "rocky-updateinfo"),
        (Distro("sles", "15.5"), "suse-csaf"),
        (Distro("sles", "15.5"), "suse-vex"),
        (Distro("sles", "15"), "suse-oval"),
        (Distro("opensuse-leap", "15.5"), "suse-csaf"),
        (Distro("opensuse-leap", "15.5"), "suse-oval"),
        (Distro("ubuntu", "22.04"), "ubuntu-osv"),
        (Distro("ubuntu", "22.04"), "ubuntu-oval"),
        (Distro("ubuntu", "22.04"), "ubuntu-vex"),
        (Distro("wolfi", "20230201"), "wolfi-secdb"),
    ],
)
def test_an_image_finds_the_advisories_of_its_release(distro: Distro, feed: str) -> None:
    wanted = release_of(distro)
    assert wanted is not None
    assert (wanted.ecosystem, wanted.release) in releases(feed)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Debian:12", Release("Debian", "12")),
        ("Alpine:v3.20", Release("Alpine", "3.20")),
        ("Ubuntu:22.04:LTS", Release("Ubuntu", "22.04")),
        ("Ubuntu:24.10", Release("Ubuntu", "24.10")),
        ("Ubuntu:Pro:16.04:LTS", Release("Ubuntu", "16.04", "esm")),
        ("Ubuntu:Pro:FIPS-updates:20.04:LTS", Release("Ubuntu", "20.04", "fips-updates")),
        ("Red Hat:enterprise_linux:9::baseos", Release("Red Hat", "9")),
        ("Red Hat:rhel_eus:9.2::appstream", Release("Red Hat", "9.2", "eus")),
        ("SUSE:Linux Enterprise Server 15 SP5", Release("SUSE", "15.5")),
        ("SUSE:Linux Enterprise Server 12 SP5-LTSS", Release("SUSE", "12.5", "ltss")),
        ("openSUSE:Leap 15.6", Release("openSUSE", "15.6")),
        ("openSUSE:Tumbleweed", Release("openSUSE", "Tumbleweed")),
        ("Rocky Linux:9", Release("Rocky Linux", "9")),
        ("Azure Linux:3", Release("Azure Linux", "3.0")),
        ("kubernetes", Release("Kubernetes")),
        ("PyPI", Release("PyPI")),
    ],
)
def test_ecosystems_of_osv(written: str, expected: Release) -> None:
    assert osv_release(written) == expected


@pytest.mark.parametrize(
    ("cpe", "expected"),
    [
        ("cpe:/o:redhat:enterprise_linux:8::baseos", Release("Red Hat", "8")),
        ("cpe:/a:redhat:enterprise_linux:9.4", Release("Red Hat", "9")),
        ("cpe:/a:redhat:rhel_e4s:8.2::appstream", Release("Red Hat", "8.2", "e4s")),
        ("cpe:/a:redhat:openshift:4.14::el9", Release("Red Hat", "9", "openshift:4.14")),
        ("cpe:/a:redhat:jboss_enterprise_application_platform:7", None),
        ("cpe:/o:centos:centos:8", None),
        ("", None),
    ],
)
def test_products_of_red_hat(cpe: str, expected: Release | None) -> None:
    assert red_hat_release(cpe) == expected


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        ("SUSE Linux Enterprise Module for Basesystem 15 SP6", Release("SUSE", "15.6")),
        ("SUSE Linux Enterprise Server 15 SP3-LTSS", Release("SUSE", "15.3", "ltss")),
        ("SUSE Linux Enterprise Server for SAP Applications 15", Release("SUSE", "15")),
        ("openSUSE Leap 15.5", Release("openSUSE", "15.5")),
        ("Container suse/sle15:15.5", None),
        ("SUSE Manager Server 4.3", None),
    ],
)
def test_products_of_suse(product: str, expected: Release | None) -> None:
    assert suse_release(product) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("jammy", Release("Ubuntu", "22.04")),
        ("esm-infra/xenial", Release("Ubuntu", "16.04", "esm-infra")),
        ("trusty/esm", Release("Ubuntu", "14.04", "esm")),
        ("middle-earth", Release("Ubuntu", "", "middle-earth")),
    ],
)
def test_distributions_in_package_urls_of_ubuntu(written: str, expected: Release) -> None:
    assert ubuntu_distro(written) == expected
