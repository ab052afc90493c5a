"""A SBOM with one of everything, made by hand."""

from leadline.model.image_report import ImageFinding, ImageReport
from leadline.model.package import Digest, Distro, ImageConfig, ImageFile, ImageIdentity, Package, Sbom
from leadline.model.unread import Unread
from leadline.model.vulnerability import (
    Coverage,
    Cvss,
    DatabaseState,
    Evidence,
    ExploitChance,
    Exploited,
    FeedState,
    Match,
    Suppressed,
)

LAYER = "sha256:" + "1" * 64
DISTRO = (("distro", "debian-12"),)

PACKAGES = (
    Package(
        "deb",
        "libc6",
        "2.36-9+deb12u9",
        namespace="debian",
        arch="amd64",
        source="glibc",
        source_version="2.36-9+deb12u9",
        licenses=("LGPL-2.1-only", "GPL-2.0-only"),
        found_in=("var/lib/dpkg/status", "usr/share/doc/libc6/copyright"),
        layer=LAYER,
        found_by="dpkg",
        qualifiers=(("upstream", "glibc"), *DISTRO),
        supplier="GNU Libc Maintainers <debian-glibc@lists.debian.org>",
        home="https://www.gnu.org/software/libc/libc.html",
        description="GNU C Library: Shared libraries",
    ),
    Package(
        "deb",
        "bash",
        "5.2.15-2+b7",
        namespace="debian",
        arch="amd64",
        licenses=("GPL-3.0-or-later",),
        found_in=("var/lib/dpkg/status",),
        layer=LAYER,
        found_by="dpkg",
        qualifiers=(("upstream", "bash@5.2.15-2"), *DISTRO),
        depends=("libc6",),
        files=("bin/bash",),
    ),
    Package(
        "generic",
        "bash",
        "5.2.15",
        found_in=("usr/bin/bash",),
        layer=LAYER,
        found_by="binaries",
        cpes=("cpe:2.3:a:gnu:bash:5.2.15:*:*:*:*:*:*:*",),
        owned_by="bash",
    ),
    Package(
        "golang",
        "stdlib",
        "1.22.1",
        licenses=("BSD-3-Clause",),
        found_in=("usr/bin/one",),
        layer=LAYER,
        found_by="golang",
    ),
    Package(
        "golang",
        "stdlib",
        "1.22.1",
        licenses=("BSD-3-Clause",),
        found_in=("usr/bin/two",),
        layer=LAYER,
        found_by="golang",
        owned_by="bash",
    ),
    Package(
        "golang",
        "cobra",
        "v1.8.0",
        namespace="github.com/spf13",
        found_in=("usr/bin/one",),
        found_by="golang",
    ),
    Package(
        "maven",
        "log4j-core",
        "2.14.1",
        namespace="org.apache.logging.log4j",
        licenses=("Apache-2.0 OR MIT",),
        found_in=("srv/app.jar:BOOT-INF/lib/log4j-core-2.14.1.jar",),
        layer=LAYER,
        found_by="java",
        digests=(Digest("sha1", "9141212b8507ab50a45525b545b39d224614528b"),),
    ),
    Package(
        "npm",
        "code-frame",
        "7.0.0",
        namespace="@babel",
        licenses=("MIT",),
        found_in=("srv/node_modules/@babel/code-frame/package.json",),
        found_by="npm",
        supplier="Ann Example <ann@example.org>",
        depends=("ms",),
        is_dev=True,
    ),
    Package(
        "npm",
        "ms",
        "2.0.0",
        licenses=("SEE LICENSE IN hidden.txt",),
        found_in=("srv/node_modules/@babel/code-frame/node_modules/ms/package.json",),
        found_by="npm",
        home="not an address",
    ),
    Package("npm", "ms", "2.1.3", found_in=("srv/node_modules/ms/package.json",), found_by="npm"),
    Package(
        "pypi",
        "Flask",
        "0.12.2",
        licenses=("BSD", "MIT"),
        found_in=("usr/lib/python3/dist-packages/Flask-0.12.2.dist-info/METADATA",),
        found_by="python",
        description="\x1b[31mred\x1b[0m\n\u202eand turned round",
    ),
    Package(
        "rpm",
        "openssl",
        "1:1.1.1k-6.el8",
        namespace="redhat",
        arch="x86_64",
        source="openssl",
        source_version="1.1.1k-6.el8",
        found_in=("var/lib/rpm/Packages",),
        found_by="rpm",
        qualifiers=(("epoch", "1"), ("upstream", "openssl-1.1.1k-6.el8.src.rpm")),
    ),
)

SBOM = Sbom(
    ImageIdentity(
        "registry.example/shop/web:1.4",
        id="sha256:" + "a" * 64,
        digest="sha256:" + "b" * 64,
        repo_tags=("registry.example/shop/web:1.4",),
        platform="linux/amd64",
        layers=(LAYER, "sha256:" + "2" * 64),
        size_bytes=72_400_000,
    ),
    PACKAGES,
    Distro("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)", end_of_life="2028-06-30"),
    ImageConfig(user="", ports=("80/tcp",)),
    (
        ImageFile("usr/bin/su", "setuid", mode=0o104755, layer=LAYER),
        ImageFile("usr/bin/passwd", "setuid", mode=0o104755, layer=LAYER),
        ImageFile("usr/bin/chage", "setgid", mode=0o102755, layer=LAYER),
        ImageFile("srv/.env", "secret", "AWS access key in line 3", 0o644, LAYER),
    ),
    (
        Unread("srv/broken.jar", "java: the archive ends early", "malformed", hint="copy the file again"),
        Unread("srv/\x1b[2Jevil.whl", "python: no\nmetadata", "malformed"),
    ),
    created="2026-01-02T03:04:05Z",
)

FINDINGS = (
    ImageFinding("high", "Credential in the image", "srv/.env", "AWS access key in line 3", "revoke it"),
    ImageFinding("medium", "Runs as root", "configuration", "no user is set", "name a user"),
    ImageFinding("low", "Set-uid file", "usr/bin/passwd", "mode 4755", "take the bit away"),
    ImageFinding("low", "Set-uid file", "usr/bin/su", "mode 4755", "take the bit away"),
)
NOT_JUDGED = ("vulnerabilities: not matched, no database found (leadline db fetch)",)
REPORT = ImageReport(SBOM, FINDINGS, NOT_JUDGED)
_LOG4J = Package(
    "maven",
    "log4j-core",
    "2.14.1",
    namespace="org.apache.logging.log4j",
    found_in=("srv/app.jar:log4j-core.jar",),
)
_FLASK = Package("pypi", "Flask", "0.12.2", found_in=("usr/lib/python3/Flask.dist-info/METADATA",))
_LIBC = Package("deb", "libc6", "2.36-9", source="glibc", found_in=("var/lib/dpkg/status",))
_DEBIAN = Evidence(
    "debian-tracker", "CVE-2024-2961", "Debian:12", "glibc", "< 2.36-9+deb12u7", "source package"
)
MATCHES = (
    Match(
        "CVE-2021-44228",
        _LOG4J,
        "critical",
        "fixed",
        ("2.15.0",),
        ("GHSA-jfh8-c2jp-5v3q",),
        (
            Evidence(
                "osv",
                "GHSA-jfh8-c2jp-5v3q",
                "Maven",
                "org.apache.logging.log4j:log4j-core",
                ">= 2.13.0, < 2.15.0",
            ),
        ),
        (Cvss("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),),
        "Remote code injection in \x1b[2JLog4j",
        "2021-12-10",
        ("https://github.com/advisories/GHSA-jfh8-c2jp-5v3q",),
        ("CWE-502",),
        Exploited("CVE-2021-44228", "2021-12-10", by_ransomware=True),
        ExploitChance("CVE-2021-44228", 0.944, 0.999),
    ),
    Match(
        "CVE-2024-2961",
        _LIBC,
        "high",
        "fixed",
        ("2.36-9+deb12u7",),
        (),
        (_DEBIAN,),
        chance=ExploitChance("CVE-2024-2961", 0.93),
    ),
    Match("CVE-2024-33599", _LIBC, "medium", "fixed", ("2.36-9+deb12u7",), (), (_DEBIAN,)),
    Match("CVE-2018-1000656", _FLASK, "high", "fixed", ("0.12.3",), ("GHSA-562c-5r94-xh97", "PYSEC-2018-66")),
    Match("CVE-2019-1010022", _LIBC, "negligible", "wont fix"),
    Match("GHSA-only-0000-0000", _FLASK, "unknown", "not fixed"),
)
"""Most urgent first."""
DATABASE = DatabaseState(
    "2026-01-01T00:00:00Z",
    (FeedState("debian-tracker", "Debian security tracker", "2026-01-01", "MIT", 1, 9),),
)
COVERAGE = (
    Coverage("Debian 12", 2, ("debian-tracker",)),
    Coverage("npm", 3, (), "no feed of the database speaks of them"),
)
SUPPRESSED = (Suppressed(Match("CVE-2024-1", _LIBC, "low"), "publisher", "Debian:12: not affected"),)
VULNERABLE = ImageReport(
    SBOM,
    FINDINGS,
    ("3 packages of npm not matched: no feed of the database speaks of them",),
    MATCHES,
    SUPPRESSED,
    COVERAGE,
    DATABASE,
)
