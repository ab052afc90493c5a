"""What changed from one image to another."""

from leadline.model.image_report import ImageReport
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import Match
from leadline.sbom.diff import PackageChange, image_diff


def report(packages: list[Package], *matches: Match) -> ImageReport:
    return ImageReport(Sbom(ImageIdentity("x"), tuple(packages)), (), vulnerabilities=matches)


OLD, NEW = Package("deb", "openssl", "3.0.9"), Package("deb", "openssl", "3.0.10")
BASH = Package("deb", "bash", "5.2")
FLASK = Package("pypi", "flask", "2.0")


def test_packages_come_go_and_change():
    found = image_diff(report([OLD, BASH]), report([NEW, FLASK]))
    assert found.packages == (
        PackageChange("deb", "", "bash", ("5.2",), ()),
        PackageChange("deb", "", "openssl", ("3.0.9",), ("3.0.10",)),
        PackageChange("pypi", "", "flask", (), ("2.0",)),
    )


def test_a_vulnerability_that_an_upgrade_fixed_is_told_from_one_that_stayed_and_one_that_came():
    before = report([OLD, BASH], Match("CVE-1", OLD), Match("CVE-2", OLD), Match("CVE-3", BASH))
    after = report([NEW, FLASK], Match("CVE-2", NEW), Match("CVE-4", FLASK))
    found = image_diff(before, after)
    assert [match.id for match in found.fixed] == ["CVE-1", "CVE-3"]
    assert [match.id for match in found.new] == ["CVE-4"]
    assert found.kept == 1


def test_a_package_in_two_places_is_one():
    twice = [Package("npm", "ms", "2.0", found_in=(place,)) for place in ("a", "b")]
    found = image_diff(report(twice, *(Match("CVE-1", each) for each in twice)), report([]))
    assert len(found.fixed) == 1
    assert found.packages == (PackageChange("npm", "", "ms", ("2.0",), ()),)


def test_the_same_image_has_no_changes():
    one = report([OLD], Match("CVE-1", OLD))
    found = image_diff(one, one)
    assert (found.packages, found.fixed, found.new, found.kept) == ((), (), (), 1)
