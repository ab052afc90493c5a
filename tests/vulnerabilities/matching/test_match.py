"""Which advisories meet which packages, and which do not though they look as if."""

from pathlib import Path

import pytest
from made_database import advisory, database_of

from leadline.model.package import Distro, Package
from leadline.model.vulnerability import (
    Advisory,
    Affected,
    Cvss,
    Evidence,
    ExploitChance,
    Exploited,
    Fact,
    Import,
    Matched,
    VersionRange,
)
from leadline.vulnerabilities.match import match

NO_DISTRO = Distro()
DEBIAN = Distro("debian", "12")
ALMA = Distro("almalinux", "8.9")
UBUNTU = Distro("ubuntu", "22.04")


def matched(
    tmp_path: Path, packages: list[Package], *facts: Fact, distro: Distro = NO_DISTRO, **feeds: list[Fact]
) -> Matched:
    with database_of(tmp_path, *facts, **feeds) as database:
        return match(packages, distro, database)


def ids(found: Matched) -> list[str]:
    return [one.id for one in found.matches]


def uncovered(found: Matched) -> dict[str, int]:
    return {f"{one.ecosystem}: {one.why}": one.packages for one in found.coverage if one.why}


def test_a_package_of_debian_is_met_by_its_source_package_with_the_source_version(tmp_path: Path):
    package = Package("deb", "libc6", "2.36-9+b1", source="glibc", source_version="2.36-9")
    facts = [
        advisory("CVE-2024-1000", "Debian:12", "glibc", fixed="2.36-9+deb12u1"),
        advisory("CVE-2024-1001", "Debian:12", "glibc", fixed="2.36-9"),
        advisory("CVE-2024-1002", "Debian:11", "glibc", fixed="9"),
        advisory("CVE-2024-1003", "Debian:12", "libc6", fixed="9"),
    ]
    found = matched(tmp_path, [package], *facts, distro=DEBIAN)
    assert ids(found) == ["CVE-2024-1000"]
    assert found.matches[0].evidence == (
        Evidence("feed", "CVE-2024-1000", "Debian:12", "glibc", "< 2.36-9+deb12u1", "source package"),
    )
    assert (found.matches[0].state, found.matches[0].fixed_in) == ("fixed", ("2.36-9+deb12u1",))


def test_an_update_of_rpm_speaks_of_binary_packages(tmp_path: Path):
    packages = [
        Package("rpm", name, "1.2-3.el8", source="bind", source_version="1.2-3.el8")
        for name in ("bind", "bind-libs")
    ]
    fact = advisory(
        "ALSA-1", "AlmaLinux:8", "bind-libs", fixed="1.2-4.el8", is_source=False, covers=("CVE-2024-1000",)
    )
    found = matched(tmp_path, packages, fact, distro=ALMA)
    assert [(one.package.name, one.id, one.evidence[0].advisory) for one in found.matches] == [
        ("bind-libs", "CVE-2024-1000", "ALSA-1")
    ]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("affected", "not fixed"),
        ("wont fix", "wont fix"),
        ("deferred", "deferred"),
        ("end of life", "end of life"),
        ("under investigation", "unknown"),
    ],
)
def test_what_gets_no_fix_is_told_with_the_reason_for_it(tmp_path: Path, state: str, expected: str):
    fact = advisory("CVE-2024-1000", "Debian:12", "x", state=state)
    found = matched(tmp_path, [Package("deb", "x", "1")], fact, distro=DEBIAN)
    assert [(one.state, one.fixed_in) for one in found.matches] == [(expected, ())]


def test_a_publisher_that_says_not_affected_takes_away_what_others_say(tmp_path: Path):
    facts = [
        advisory("CVE-2024-1000", "Wolfi", "x"),
        advisory(
            "CGA-1",
            "Wolfi",
            "x",
            state="not affected",
            aliases=("CVE-2024-1000",),
            reason="component_not_present",
        ),
        advisory("CVE-2024-2000", "Wolfi", "x"),
    ]
    found = matched(tmp_path, [Package("apk", "x", "1.0-r0")], *facts, distro=Distro("wolfi", "2023"))
    assert ids(found) == ["CVE-2024-2000"]
    assert [(one.match.id, one.by, one.why) for one in found.suppressed] == [
        ("CVE-2024-1000", "publisher", "Wolfi: not affected (component_not_present)")
    ]


def test_not_affected_alone_is_no_match_and_nothing_to_suppress(tmp_path: Path):
    fact = advisory("CVE-2024-1000", "Debian:12", "x", state="not affected")
    found = matched(tmp_path, [Package("deb", "x", "1")], fact, distro=DEBIAN)
    assert (found.matches, found.suppressed) == ((), ())


@pytest.mark.parametrize(
    ("label", "version", "expected"),
    [
        ("nodejs:18:8090020231023:abc", "1:18.1-1.module_el8", ["CVE-2024-1000"]),
        ("nodejs:16:8090020231023:abc", "1:16.1-1.module_el8", []),
        ("", "1:10.1-1.el8", []),
        ("", "1:18.1-1.module_el8", ["CVE-2024-1000"]),
        ("", "1:16.1-1.module_el8", []),
        ("", "1:18.1-1.el8", []),
    ],
)
def test_an_update_of_a_module_meets_its_stream_alone(
    tmp_path: Path, label: str, version: str, expected: list[str]
):
    fact = advisory(
        "CVE-2024-1000",
        "AlmaLinux:8",
        "nodejs",
        fixed="1:18.2-1.module_el8",
        module="nodejs:18",
        is_source=False,
    )
    package = Package("rpm", "nodejs", version, qualifiers=(("modularitylabel", label),) if label else ())
    assert ids(matched(tmp_path, [package], fact, distro=ALMA)) == expected


@pytest.mark.parametrize(
    ("version", "fixed", "expected"),
    [
        ("1.0-1.module_el8.1", "1.0-2.module_el8.2", ["CVE-2024-1000"]),
        ("1.0-1.el8", "1.0-2.module_el8.2", []),
        ("1.0-1.module_el8.1", "1.0-2.el8", []),
        ("1:1.0-1.el8", "1:1.0-2.el8", ["CVE-2024-1000"]),
        ("1.0-2.el8", "1:1.0-2.el8", []),
        ("1.0-1.el8", "1:1.0-2.el8", ["CVE-2024-1000"]),
        ("1.0-1.ksplice1.el8", "1.0-2.el8", []),
        ("1.0-1.el8", "1.0-2.ksplice1.el8", []),
        ("1.0-1.ksplice1.el8", "1.0-2.ksplice1.el8", ["CVE-2024-1000"]),
    ],
)
def test_modules_epochs_and_flavours_of_rpm_show_in_versions(
    tmp_path: Path, version: str, fixed: str, expected: list[str]
):
    fact = advisory("CVE-2024-1000", "AlmaLinux:8", "x", fixed=fixed, is_source=False)
    assert ids(matched(tmp_path, [Package("rpm", "x", version)], fact, distro=ALMA)) == expected


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        (Package("rpm", "x", "1.0-2.el8", found_by="rpm"), ["CVE-2024-1000"]),
        (Package("rpm", "x", "1.0-2.el8", qualifiers=(("epoch", "0"),)), ["CVE-2024-1000"]),
        (Package("rpm", "x", "1:1.0-2.el8", found_by="rpm"), []),
        (Package("rpm", "y", "1:1.0-2.el8", source="x", source_version="1.0-2.el8"), []),
        (Package("rpm", "y", "1:1.0-1.el8", source="x", source_version="1.0-1.el8"), ["CVE-2024-1000"]),
        (
            Package("rpm", "y", "1.0-3.el8", source="x", source_version="1.0-3.el8", found_by="rpm"),
            ["CVE-2024-1000"],
        ),
    ],
)
def test_an_epoch_that_a_database_of_rpm_does_not_name_is_none(
    tmp_path: Path, package: Package, expected: list[str]
):
    fact = advisory("CVE-2024-1000", "Oracle:8", "x", fixed="1:1.0-2.el8")
    assert ids(matched(tmp_path, [package], fact, distro=Distro("ol", "8.9"))) == expected


def test_an_architecture_is_met_by_either_of_its_names(tmp_path: Path):
    fact = advisory("CVE-2024-1000", "AlmaLinux:8", "x", is_source=False, arches=("x86_64",))
    packages = [Package("rpm", "x", "1-1", arch=arch) for arch in ("x86_64", "amd64", "aarch64", "noarch")]
    found = matched(tmp_path, packages, fact, distro=ALMA)
    assert {one.package.arch for one in found.matches} == {"x86_64", "amd64", "noarch"}


def esm(fixed: str) -> list[Advisory]:
    return [
        advisory("CVE-2024-1000", "Ubuntu:22.04", "x"),
        Advisory(
            "CVE-2024-1000",
            (Affected("Ubuntu", "x", "22.04", "esm-apps", (VersionRange(fixed=fixed),)),),
        ),
    ]


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.0-1", ["CVE-2024-1000"]), ("1.0-1ubuntu0.1~esm1", []), ("1.0-0ubuntu0.1~esm1", ["CVE-2024-1000"])],
)
def test_a_fix_for_subscribers_counts_for_those_who_have_it(
    tmp_path: Path, version: str, expected: list[str]
):
    found = matched(tmp_path, [Package("deb", "x", version)], *esm("1.0-1ubuntu0.1~esm1"), distro=UBUNTU)
    assert ids(found) == expected
    fixes = ("1.0-1ubuntu0.1~esm1",) if "esm" in version else ()
    assert all(one.fixed_in == fixes for one in found.matches)


@pytest.mark.parametrize(
    ("channel", "expected"), [("eus", []), ("fips-updates", []), ("esm-infra", ["CVE-2024-1000"])]
)
def test_channels_that_others_pay_for_match_nothing_of_their_own(
    tmp_path: Path, channel: str, expected: list[str]
):
    fact = advisory("CVE-2024-1000", "Ubuntu:22.04", "x", channel=channel, fixed="2")
    assert ids(matched(tmp_path, [Package("deb", "x", "1")], fact, distro=UBUNTU)) == expected


@pytest.mark.parametrize(
    ("channel", "version", "expected"),
    [
        ("kernel-5.10", "5.10.1-1.amzn2", ["CVE-2024-1000"]),
        ("kernel-5.10", "4.14.1-1.amzn2", []),
        ("postgresql14", "1:14.1-1.amzn2", ["CVE-2024-1000"]),
        ("docker", "20.10.1-1.amzn2", ["CVE-2024-1000"]),
    ],
)
def test_topics_of_amazon_are_told_by_what_they_bring(
    tmp_path: Path, channel: str, version: str, expected: list[str]
):
    fact = advisory("CVE-2024-1000", "Amazon:2", "x", channel=channel, fixed="9:99-1", is_source=False)
    found = matched(tmp_path, [Package("rpm", "x", version)], fact, distro=Distro("amzn", "2"))
    assert ids(found) == expected
    assert all(one.fixed_in == ("9:99-1",) for one in found.matches)


def test_one_problem_with_many_ids_is_one_match(tmp_path: Path):
    feeds: dict[str, list[Fact]] = {
        "pypa": [
            advisory(
                "PYSEC-1", "PyPI", "django", fixed="1.11.29", aliases=("CVE-2024-1000",), summary="the one"
            )
        ],
        "github": [
            advisory(
                "GHSA-1",
                "PyPI",
                "Django",
                introduced="1.11",
                fixed="1.11.30",
                aliases=("CVE-2024-1000",),
                severity="high",
            )
        ],
        "nvd": [
            Advisory(
                "CVE-2024-1000",
                severity="critical",
                cvss=(Cvss("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),),
            )
        ],
        "kev": [Exploited("CVE-2024-1000", "2024-01-02")],
        "epss": [ExploitChance("CVE-2024-1000", 0.9, 0.99)],
    }
    (found,) = matched(tmp_path, [Package("pypi", "Django", "1.11.28")], **feeds).matches
    assert (found.id, found.aliases) == ("CVE-2024-1000", ("GHSA-1", "PYSEC-1"))
    assert (found.severity, found.state, found.fixed_in) == ("high", "fixed", ("1.11.30",))
    assert [one.advisory for one in found.evidence] == ["PYSEC-1", "GHSA-1"]
    assert [one.score for one in found.cvss] == [9.8]
    assert found.exploited is not None
    assert found.chance is not None
    assert found.summary == "the one"


def test_without_a_word_the_score_rates(tmp_path: Path):
    fact = advisory("GO-1", "Go", "x/y", cvss=(Cvss("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"),))
    (found,) = matched(tmp_path, [Package("golang", "y", "v1.0.0", namespace="x")], fact).matches
    assert found.severity == "medium"


def test_the_distribution_rates_its_own_packages(tmp_path: Path):
    feeds: dict[str, list[Fact]] = {
        "debian": [advisory("CVE-2024-1000", "Debian:12", "x", **{"severity": "low"})],
        "nvd": [Advisory("CVE-2024-1000", severity="critical")],
    }
    assert [
        one.severity for one in matched(tmp_path, [Package("deb", "x", "1")], distro=DEBIAN, **feeds).matches
    ] == ["low"]


def test_the_standard_library_and_pseudo_versions_of_go_are_compared(tmp_path: Path):
    facts = [
        advisory("GO-1", "Go", "stdlib", introduced="1.21.0-0", fixed="1.21.5"),
        advisory("GO-2", "Go", "golang.org/x/crypto", fixed="0.0.0-20220101000000-abcdef123456"),
        advisory("GO-3", "Go", "golang.org/x/text", fixed="0.3.8"),
    ]
    packages = [
        Package("golang", "stdlib", "go1.21.4"),
        Package("golang", "stdlib", "go1.21.5"),
        Package("golang", "crypto", "v0.0.0-20210101000000-ffffffffffff", namespace="golang.org/x"),
        Package("golang", "crypto", "v0.0.0-20230101000000-000000000000", namespace="golang.org/x"),
        Package("golang", "text", "v0.3.7", namespace="golang.org/x"),
    ]
    found = matched(tmp_path, packages, *facts)
    assert sorted((one.id, one.package.version) for one in found.matches) == [
        ("GO-1", "go1.21.4"),
        ("GO-2", "v0.0.0-20210101000000-ffffffffffff"),
        ("GO-3", "v0.3.7"),
    ]


def test_versions_that_say_nothing_are_reported_and_not_matched(tmp_path: Path):
    facts = [
        advisory("GO-1", "Go", "x/main", fixed="1.0.0"),
        advisory("GHSA-1", "Maven", "a:b", fixed="2"),
        advisory("PYSEC-1", "PyPI", "p", fixed="9"),
    ]
    packages = [
        Package("golang", "main", "(devel)", namespace="x"),
        Package("golang", "main", "v0.0.0-20210101000000-ffffffffffff", namespace="x", arch="amd64"),
        Package("maven", "b", "1"),
        Package("maven", "b", "1", namespace="a"),
        Package("maven", "b", "${project.version}", namespace="a"),
        Package("maven", "b", "0.0.0-development", namespace="a"),
        Package("npm", "y", "1.0.0"),
        Package("pypi", "p", "2.0rc1.1"),
        Package("pypi", "q", "2.0rc1.1"),
        Package("julia", "Z", "1.0.0"),
    ]
    found = matched(tmp_path, packages, *facts)
    assert ids(found) == ["GHSA-1"]
    assert uncovered(found) == {
        "Go: the version cannot be compared": 1,
        "Go: built from a checkout, not a release": 1,
        "Maven: the Maven group is not known": 1,
        "Maven: the version is a placeholder": 2,
        "PyPI: the version cannot be compared": 1,
        "npm: no feed of the database speaks of them": 1,
        "julia: no feed of the database speaks of them": 1,
    }


def test_a_distribution_without_a_feed_is_reported_with_its_packages(tmp_path: Path):
    fact = advisory("CVE-2024-1000", "Debian:12", "x")
    packages = [Package("deb", "x", "1"), Package("deb", "y", "1")]
    assert uncovered(matched(tmp_path, packages, fact, distro=Distro("debian", "13"))) == {
        "Debian 13: no feed of the database speaks of this release": 2
    }
    assert uncovered(matched(tmp_path, packages, fact)) == {
        "an unknown distribution (deb): no feed of the database speaks of this release": 2
    }
    found = matched(tmp_path, packages, fact, distro=DEBIAN)
    assert [(one.ecosystem, one.packages, one.feeds) for one in found.coverage] == [
        ("Debian 12", 2, ("feed",))
    ]


def test_packages_of_a_document_carry_their_distribution_themselves(tmp_path: Path):
    fact = advisory("CVE-2024-1000", "Debian:12", "x")
    package = Package("deb", "x", "1", namespace="debian", qualifiers=(("distro", "debian-12"),))
    assert ids(matched(tmp_path, [package], fact)) == ["CVE-2024-1000"]


def test_a_language_package_of_the_distribution_is_judged_by_the_distribution(tmp_path: Path):
    facts = [advisory("GHSA-1", "PyPI", "jinja2", fixed="9"), advisory("CVE-2024-1000", "Debian:12", "other")]
    packages = [
        Package(
            "deb",
            "python3-jinja2",
            "3.1-1",
            source="jinja2",
            supplier="Debian Python Team <team@lists.debian.org>",
        ),
        Package("pypi", "Jinja2", "3.1", owned_by="python3-jinja2"),
    ]
    found = matched(tmp_path, packages, *facts, distro=DEBIAN)
    assert found.matches == ()
    assert {(one.match.package.name, one.by) for one in found.suppressed} == {("Jinja2", "distribution")}
    assert uncovered(found) == {
        "pypi in packages of Debian 12: the distribution's advisories about the package they came in count": 1
    }


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], []),
        ([("other", "9")], ["CVE-2021-1", "CVE-2021-2"]),
        ([("py3-django", "1.11.29-r0")], ["CVE-2021-2"]),
        ([("py3-django", "9")], ["CVE-2021-1", "CVE-2021-2"]),
    ],
)
def test_what_alpines_list_of_fixes_does_not_name_is_judged_by_the_language(
    tmp_path: Path, facts: list[tuple[str, str]], expected: list[str]
):
    of_language = [advisory(f"CVE-2021-{n}", "PyPI", "django", fixed="2.0") for n in (1, 2)]
    of_alpine = [advisory("CVE-2021-1", "Alpine:3.12", name, fixed=fix) for name, fix in facts]
    packages = [
        Package("apk", "py3-django", "1.11.29-r0"),
        Package("pypi", "Django", "1.11.29", owned_by="py3-django"),
    ]
    found = matched(tmp_path, packages, *of_language, *of_alpine, distro=Distro("alpine", "3.12.1"))
    assert sorted(ids(found)) == expected
    assert {one.package.type for one in found.matches if one.id == "CVE-2021-2"} <= {"pypi"}


def test_a_package_that_somebody_else_built_for_the_distribution_is_not_the_distributions(tmp_path: Path):
    facts = [advisory("GO-1", "Go", "x/y", fixed="2.0.0"), advisory("CVE-2024-1000", "Debian:12", "other")]
    packages = [
        Package("deb", "docker-ce", "26", supplier="Docker <support@docker.com>"),
        Package("golang", "y", "v1.0.0", namespace="x", owned_by="docker-ce"),
    ]
    assert ids(matched(tmp_path, packages, *facts, distro=DEBIAN)) == ["GO-1"]


def test_headers_hold_none_of_the_kernels_code(tmp_path: Path):
    fact = advisory("CVE-2024-1000", "Debian:12", "linux")
    packages = [
        Package("deb", "linux-libc-dev", "6.1", source="linux"),
        Package("deb", "linux-image-6.1-amd64", "6.1", source="linux"),
    ]
    found = matched(tmp_path, packages, fact, distro=DEBIAN)
    assert [one.package.name for one in found.matches] == ["linux-image-6.1-amd64"]
    assert [(one.match.package.name, one.by) for one in found.suppressed] == [("linux-libc-dev", "rule")]


def nvd(id: str, package: str, cpe: str = "", **span: str) -> Advisory:
    return advisory(id, "CPE", package, cpe=cpe, is_fix=False, **span)


def test_a_program_without_a_package_is_met_by_cpe_and_marked_so(tmp_path: Path):
    facts = [
        nvd("CVE-2024-1000", "openssl:openssl", introduced="1.1.1", fixed="1.1.1w"),
        nvd("CVE-2024-2000", "openssl:openssl", "cpe:2.3:a:openssl:openssl:*:*:*:*:*:node.js:*:*"),
        nvd("CVE-2024-3000", "requests:requests"),
        advisory("GHSA-1", "PyPI", "x"),
    ]
    packages = [
        Package("generic", "openssl", "1.1.1k", cpes=("cpe:2.3:a:openssl:openssl:1.1.1k:*:*:*:*:*:*:*",)),
        Package("pypi", "requests", "1.0", cpes=("cpe:2.3:a:requests:requests:1.0:*:*:*:*:*:*:*",)),
    ]
    (found,) = matched(tmp_path, packages, *facts).matches
    assert (found.id, found.how, found.state, found.fixed_in) == ("CVE-2024-1000", "CPE", "unknown", ())
    assert found.evidence[0].versions == ">= 1.1.1, < 1.1.1w"


def test_go_itself_is_met_by_cpe_only_without_the_feed_of_go(tmp_path: Path):
    cve = nvd("CVE-2024-1000", "golang:go", fixed="1.21.5")
    package = Package("golang", "stdlib", "go1.21.4", cpes=("cpe:2.3:a:golang:go:1.21.4:-:*:*:*:*:*:*",))
    assert ids(matched(tmp_path, [package], cve)) == ["CVE-2024-1000"]
    other = advisory("GO-1", "Go", "stdlib", fixed="1.21.4")
    assert ids(matched(tmp_path, [package], cve, other)) == []


def test_kubernetes_own_list_speaks_of_programs(tmp_path: Path):
    facts = [
        advisory("CVE-2024-1000", "Kubernetes", "k8s.io/kubelet", introduced="1.28.0", fixed="1.28.4"),
        advisory("GO-1", "Go", "x/y"),
    ]
    packages = [
        Package("golang", "kubernetes", "v1.28.3", namespace="k8s.io", found_in=(f"usr/bin/{name}",))
        for name in ("kubelet", "kube-apiserver")
    ]
    found = matched(tmp_path, packages, *facts)
    assert [one.package.found_in for one in found.matches] == [("usr/bin/kubelet",)]


def test_the_most_urgent_comes_first(tmp_path: Path):
    facts: list[Fact] = [
        advisory("CVE-2024-1000", "npm", "x", severity="critical"),
        advisory("CVE-2024-2000", "npm", "x", severity="medium"),
        advisory("CVE-2024-3000", "npm", "x", severity="high"),
        advisory("CVE-2024-4000", "npm", "x", severity="low"),
        advisory("CVE-2024-5000", "npm", "x", severity="critical"),
        Exploited("CVE-2024-2000"),
        ExploitChance("CVE-2024-3000", 0.6),
        ExploitChance("CVE-2024-5000", 0.05),
    ]
    assert ids(matched(tmp_path, [Package("npm", "x", "1.0.0")], *facts)) == [
        f"CVE-2024-{number}000" for number in (2, 3, 5, 1, 4)
    ]


def test_names_that_no_encoding_holds_are_met_by_nothing(tmp_path: Path):
    facts = [advisory("CVE-2024-1000", "Ubuntu:22.04", "x"), advisory("GHSA-1", "npm", "x")]
    packages = [
        Package(type, name, version)
        for name in ("x\0y", "\udcff", "x", "💥" * 5000)
        for type, version in (("deb", "1~esm1"), ("npm", "1.0.0"))
    ]
    assert sorted(ids(matched(tmp_path, packages, *facts, distro=UBUNTU))) == ["CVE-2024-1000", "GHSA-1"]


def test_what_is_wrong_is_told_by_the_advisory_of_the_problem_not_by_the_title_of_an_update(tmp_path: Path):
    facts = [
        advisory(
            "ALSA-1",
            "AlmaLinux:8",
            "x",
            is_source=False,
            covers=("CVE-2024-1000",),
            summary="Important: x security update",
            severity="high",
        ),
        Advisory(
            "CVE-2024-1000", summary="x runs what it is given", severity="low", references=("https://a",)
        ),
        Advisory("CVE-2024-1000", summary="withdrawn", withdrawn="2024-01-01"),
    ]
    found = matched(tmp_path, [Package("rpm", "x", "1-1")], *facts, distro=ALMA)
    assert [(one.summary, one.severity, one.references) for one in found.matches] == [
        ("x runs what it is given", "high", ("https://a",))
    ]


NODEJS = "nodejs:14:8040020220112:abc"


@pytest.mark.parametrize(
    ("name", "version", "label", "expected"),
    [
        ("kernel", "5.14.0-427.81.1.el9_4", "", []),
        ("kernel", "5.14.0-427.70.1.el9_4", "", ["CVE-2021-47527"]),
        ("kernel", "5.14.0-427.60.1.el9_4", "", ["CVE-2021-47527", "CVE-2024-0340"]),
        ("kernel", "5.14.0-362.99.1.el9_3", "", ["CVE-2021-47527", "CVE-2024-0340"]),
        ("kernel", "5.14.0-503.11.1.el9_5", "", ["CVE-2021-47527"]),
        ("nginx", "1:1.20.1-14.el9_4", "", []),
        ("nginx", "1.20.1-14.el9_4", "", []),
        ("nginx", "1.20.1-13.el9_4", "", ["CVE-2024-7347"]),
        ("nodejs", "1:14.18.2-2.module+el9.4.0+13643+6c0ebf22", NODEJS, []),
        ("nodejs", "1:14.18.2-1.module+el9.4.0+13600+6c0ebf22", NODEJS, ["CVE-2020-7788"]),
        ("nodejs", "1:14.15.4-2.module+el9.3.0+9635+ffdf8381", NODEJS, []),
        ("nodejs", "1:14.17.0-1.module+el9.2.0+9600+ffdf8381", NODEJS, ["CVE-2020-7788"]),
    ],
)
def test_what_a_minor_release_of_red_hat_got_fixed_is_fixed_there(
    tmp_path: Path, name: str, version: str, label: str, expected: list[str]
):
    """Facts of RHEL 8 and 9, with the streams of the one put into the other."""

    def fixed(id: str, package: str, fix: str, release: str = "9", **more: object) -> Advisory:
        own = {"is_source": False, "channel": "" if release == "9" else "eus"} | more
        return advisory(id, f"Red Hat:{release}", package, fixed=fix, **own)

    facts = [
        fixed("CVE-2021-47527", "kernel", ""),
        fixed("CVE-2021-47527", "kernel", "5.14.0-427.81.1.el9_4", "9.4"),
        fixed("RHSA-2024:9315", "kernel", "5.14.0-503.11.1.el9_5", covers=("CVE-2024-0340",)),
        fixed("RHSA-2025:7526", "kernel", "5.14.0-427.68.1.el9_4", "9.4", covers=("CVE-2024-0340",)),
        fixed("CVE-2024-7347", "nginx", ""),
        fixed("CVE-2024-7347", "nginx", "1:1.20.1-14.el9_4", "9.4"),
        *(
            fixed(id, "nodejs", fix, release, covers=("CVE-2020-7788",), module="nodejs:14")
            for id, fix, release in (
                ("RHSA-2021:0551", "1:14.15.4-2.module+el9.3.0+9635+ffdf8381", "9"),
                ("RHSA-2022:0350", "1:14.18.2-2.module+el9.5.0+13644+8d46dafd", "9"),
                ("RHSA-2022:0246", "1:14.18.2-2.module+el9.4.0+13643+6c0ebf22", "9.4"),
            )
        ),
    ]
    qualifiers = (("modularitylabel", label),) if label else ()
    package = Package("rpm", name, version, qualifiers=qualifiers)
    found = matched(tmp_path, [package], *facts, distro=Distro("rhel", "9.4"))
    assert sorted(ids(found)) == expected


@pytest.mark.parametrize(
    ("distro", "stream", "channel"),
    [
        (Distro("sles", "15.3"), "SUSE:15.3", "ltss"),
        (Distro("rhel", "7.9"), "Red Hat:7", "els"),
    ],
)
def test_what_subscribers_alone_get_fixed_is_open_for_all_others(
    tmp_path: Path, distro: Distro, stream: str, channel: str
):
    fact = advisory("CVE-2024-1000", stream, "x", fixed="2-1", is_source=False, channel=channel)
    found = matched(tmp_path, [Package("rpm", "x", "1-1")], fact, distro=distro)
    assert [(one.id, one.state, one.fixed_in) for one in found.matches] == [
        ("CVE-2024-1000", "not fixed", ())
    ]
    assert ids(matched(tmp_path, [Package("rpm", "x", "2-1")], fact, distro=distro)) == []


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.8.1", ("fixed", ("3.4.9",), ">= 2.8, < 3.0")),
        ("3.0", ("fixed", ("3.4.9",), ">= 3.0, < 3.4.9")),
        ("4.0", ("fixed", ("4.2",), ">= 4.0, < 4.2")),
        ("5.0", ("unknown", (), ">= 5.0, < 6.0")),
        ("6.5", ("not fixed", (), ">= 6.0")),
    ],
)
def test_a_release_that_begins_the_next_range_fixes_nothing(tmp_path: Path, version: str, expected: object):
    spans = [("2.8", "3.0"), ("3.0", "3.4.9"), ("4.0", "4.2"), ("5.0", "6.0"), ("6.0", "")]
    affected = Affected("Packagist", "a/b", ranges=tuple(VersionRange(*span) for span in spans))
    found = matched(
        tmp_path, [Package("composer", "b", version, namespace="a")], Advisory("CVE-2024-1000", (affected,))
    )
    assert [(one.state, one.fixed_in, one.evidence[0].versions) for one in found.matches] == [expected]


def test_of_a_go_module_the_packages_with_the_problem_are_named(tmp_path: Path):
    imports = (Import("net/http", ("Server.Serve", "Serve")), Import("net/http/httputil"))
    fact = advisory("GO-2022-0969", "Go", "stdlib", fixed="1.18.6", imports=imports)
    found = matched(tmp_path, [Package("golang", "stdlib", "1.18.5")], fact)
    assert [one.evidence[0].imports for one in found.matches] == [imports]
    assert found.matches[0].evidence[0].versions == "< 1.18.6"
