"""Which upgrades remove most, and in which order to do them."""

from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import Exploited, Match
from leadline.vulnerabilities.upgrades import upgrades

BASE, OWN = "sha256:base", "sha256:own"
SBOM = Sbom(ImageIdentity("web", layers=(BASE, OWN)), ())
SSL = [
    Package("deb", name, "3.0.9-1", source="openssl", layer=layer)
    for name, layer in (("libssl3", BASE), ("openssl", BASE))
]
CURL = Package("deb", "curl", "7.88-1", layer=OWN)
LOG4J = Package("maven", "log4j-core", "2.14.1", namespace="org.apache")


def found(package: Package, id: str, fixed: str, severity: str = "high", **more: object) -> Match:
    return Match(id, package, severity, "fixed", (fixed,) if fixed else (), **more)  # type: ignore[arg-type]


def test_packages_of_one_source_are_one_step_to_the_highest_version_that_is_asked_for():
    matches = [
        found(SSL[0], "CVE-2024-1", "3.0.10-1"),
        found(SSL[1], "CVE-2024-1", "3.0.10-1"),
        found(SSL[1], "CVE-2024-2", "3.0.9-1+deb12u2"),
    ]
    (step,) = upgrades(matches, SBOM)
    assert (step.name, step.version, step.to) == ("openssl", "3.0.9-1", "3.0.10-1")
    assert step.packages == ("libssl3", "openssl")
    assert step.command == "apt-get install --only-upgrade libssl3 openssl"
    assert step.removes == tuple(matches)
    assert step.is_in_base


def test_what_removes_most_comes_first_and_attackers_weigh_most():
    matches = [
        found(CURL, "CVE-2024-1", "7.88-2", "medium", exploited=Exploited("CVE-2024-1")),
        found(LOG4J, "CVE-2024-2", "2.17.0", "critical"),
        *(found(SSL[0], f"CVE-2024-1{number}", "3.0.10-1") for number in range(9)),
    ]
    assert [step.name for step in upgrades(matches, SBOM)] == ["curl", "org.apache:log4j-core", "openssl"]


def test_a_problem_in_two_packages_of_a_source_counts_once():
    both = [found(each, "CVE-2024-1", "3.0.10-1") for each in SSL]
    two = [found(CURL, f"CVE-2024-{number}", "7.88-2") for number in (2, 3)]
    assert [step.name for step in upgrades([*both, *two], SBOM)] == ["curl", "openssl"]


def test_what_has_no_fix_is_no_step():
    assert upgrades([found(CURL, "CVE-2024-1", "")], SBOM) == ()


def test_numbers_are_compared_as_the_ecosystem_does():
    matches = [found(LOG4J, "CVE-2024-1", "2.9.0"), found(LOG4J, "CVE-2024-2", "2.17.0")]
    (step,) = upgrades(matches, SBOM)
    assert (step.to, step.command, step.is_in_base) == ("2.17.0", "", False)


def test_of_steps_about_as_many_problems_that_for_more_packages_comes_first():
    both = [found(each, "CVE-2024-1", "3.0.10-1") for each in SSL]
    assert [step.name for step in upgrades([found(CURL, "CVE-2024-2", "7.88-2"), *both], SBOM)] == [
        "openssl",
        "curl",
    ]
