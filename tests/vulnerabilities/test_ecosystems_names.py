"""How advisories call what packages and images call otherwise."""

import pytest

from leadline.model.package import Distro, Package
from leadline.vulnerabilities.ecosystems import package_name, release_of


@pytest.mark.parametrize(
    ("distro", "name"),
    [
        (Distro("debian", "12"), "Debian:12"),
        (Distro("debian", "trixie/sid"), "Debian:sid"),
        (Distro("ubuntu", "22.04"), "Ubuntu:22.04"),
        (Distro("alpine", "3.18.4"), "Alpine:3.18"),
        (Distro("alpine", "3.21.0_alpha20240923"), "Alpine:edge"),
        (Distro("rhel", "8.9"), "Red Hat:8"),
        (Distro("centos", "7"), "Red Hat:7"),
        (Distro("sles", "15.5"), "SUSE:15.5"),
        (Distro("sle-micro", "5.4"), "SUSE:Micro 5.4"),
        (Distro("sl-micro", "6.0"), "SUSE:Micro 6.0"),
        (Distro("openeuler", "24.03", name="openEuler 24.03 (LTS-SP1)"), "openEuler:24.03-LTS-SP1"),
        (Distro("openEuler", "24.03 (LTS)"), "openEuler:24.03-LTS"),
        (Distro("openeuler", "24.09", name="openEuler 24.09"), "openEuler:24.09"),
        (Distro("amzn", "2023"), "Amazon:2023"),
        (Distro("amzn", "2"), "Amazon:2"),
        (Distro("amzn", "2018.03"), "Amazon:1"),
        (Distro("raspbian", "12"), "Debian:12"),
        (Distro("azurelinux", "3.0.20240727"), "Azure Linux:3.0"),
        (Distro("wolfi", "20230201"), "Wolfi"),
    ],
)
def test_a_release_has_the_name_of_its_advisories(distro: Distro, name: str):
    found = release_of(distro)
    assert found is not None
    assert found.name == name


def test_a_distribution_of_which_no_advisories_speak_has_no_name():
    assert release_of(Distro("gentoo", "")) is None
    assert release_of(Distro()) is None


@pytest.mark.parametrize(
    ("package", "name"),
    [
        (Package("pypi", "Zope.Interface", "1"), "zope-interface"),
        (
            Package("maven", "log4j-core", "2", namespace="org.apache.logging.log4j"),
            "org.apache.logging.log4j:log4j-core",
        ),
        (Package("npm", "core", "7", namespace="@babel"), "@babel/core"),
        (Package("golang", "crypto", "v0.1.0", namespace="golang.org/x"), "golang.org/x/crypto"),
        (Package("nuget", "Newtonsoft.Json", "13"), "newtonsoft.json"),
        (Package("swift", "swift-nio", "2", namespace="github.com/apple"), "github.com/apple/swift-nio"),
    ],
)
def test_a_package_has_the_name_of_its_advisories(package: Package, name: str):
    assert package_name(package) == name
