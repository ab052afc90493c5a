"""A SBOM with one of everything that formats treat in a way of its own."""

from typing import Any

from leadline.model.package import Digest, Distro, ImageIdentity, Package, Sbom
from leadline.model.unread import Unread
from leadline.outputs.format_registry import Page
from leadline.outputs.rows.no_places import NoPlaces

CREATED = "2026-01-02T03:04:05Z"
BASE_LAYER = "sha256:" + "a1" * 32
APP_LAYER = "sha256:" + "b2" * 32
STATUS = "var/lib/dpkg/status"
DEBIAN = (("distro", "debian-12"),)

DEBS = (
    Package(
        "deb",
        "libssl3",
        "3.0.11-1~deb12u2",
        namespace="debian",
        arch="amd64",
        source="openssl",
        licenses=(
            "Apache-2.0",
            "GPL-1.0-or-later OR Artistic-1.0-Perl",
            "Debian's own words, see /copyright",
        ),
        found_in=(STATUS, "usr/share/doc/libssl3/copyright"),
        layer=BASE_LAYER,
        found_by="dpkg",
        qualifiers=(*DEBIAN, ("upstream", "openssl")),
        supplier="Debian OpenSSL Team <openssl@lists.example>",
        home="https://www.openssl.example/",
        description="Secure Sockets Layer toolkit - shared libraries",
        depends=("libc6", "debconf"),
        files=("usr/lib/x86_64-linux-gnu/libssl.so.3",),
    ),
    Package(
        "deb",
        "libc6",
        "1:2.36-9+deb12u4",
        namespace="debian",
        arch="amd64",
        source="glibc",
        source_version="2.36-9+deb12u4",
        licenses=("LGPL-2.1-only",),
        found_in=(STATUS,),
        layer=BASE_LAYER,
        found_by="dpkg",
        qualifiers=(*DEBIAN, ("upstream", "glibc@2.36-9+deb12u4")),
        supplier="GNU Libc Maintainers <glibc@lists.example>",
    ),
    Package(
        "deb",
        "python3-requests",
        "2.28.1+dfsg-1",
        namespace="debian",
        arch="all",
        found_in=(STATUS,),
        layer=BASE_LAYER,
        found_by="dpkg",
        qualifiers=DEBIAN,
    ),
)
OTHERS = (
    Package(
        "rpm",
        "openssl-libs",
        "1:1.1.1k-6.el8",
        namespace="redhat",
        arch="x86_64",
        source="openssl",
        source_version="1.1.1k-6.el8",
        licenses=("OpenSSL",),
        found_in=("var/lib/rpm/rpmdb.sqlite",),
        layer=BASE_LAYER,
        found_by="rpm",
        qualifiers=(("distro", "rhel-8.9"), ("epoch", "1"), ("upstream", "openssl-1.1.1k-6.el8.src.rpm")),
        supplier="Red Hat, Inc.",
    ),
    Package(
        "apk",
        "musl",
        "1.2.4_git20230717-r4",
        namespace="alpine",
        arch="x86_64",
        licenses=("MIT",),
        found_in=("lib/apk/db/installed",),
        found_by="apk",
        qualifiers=(("distro", "alpine-3.19.1"),),
    ),
    Package(
        "pypi",
        "requests",
        "2.28.1",
        licenses=("Apache-2.0",),
        found_in=("usr/lib/python3/dist-packages/requests-2.28.1.egg-info/PKG-INFO",),
        layer=BASE_LAYER,
        found_by="python",
        owned_by="python3-requests",
        depends=("Zope.Interface",),
    ),
    Package(
        "pypi",
        "zope.interface",
        "6.1",
        licenses=("ZPL-2.1",),
        found_in=("usr/lib/python3/dist-packages/zope.interface-6.1.dist-info/METADATA",),
        layer=APP_LAYER,
        found_by="python",
        cpes=("cpe:2.3:a:zope:zope.interface:6.1:*:*:*:*:*:*:*", "cpe:2.3:a:zope:zope:6.1:*:*:*:*:*:*:*"),
    ),
    Package(
        "npm",
        "core",
        "7.24.0",
        namespace="@babel",
        licenses=("MIT",),
        found_in=("app/node_modules/@babel/core/package.json",),
        layer=APP_LAYER,
        found_by="npm",
        depends=("semver",),
        home="https://babel.example/",
    ),
    Package(
        "npm",
        "semver",
        "6.3.1",
        licenses=("ISC",),
        found_in=("app/node_modules/semver/package.json",),
        layer=APP_LAYER,
        found_by="npm",
    ),
    Package(
        "npm",
        "semver",
        "6.3.1",
        licenses=("ISC", "MIT OR CC0-1.0"),
        found_in=("app/node_modules/nyc/node_modules/semver/package.json",),
        layer=APP_LAYER,
        found_by="npm",
    ),
    Package(
        "golang",
        "toml",
        "(devel)",
        namespace="github.com/BurntSushi",
        found_in=("usr/bin/tool",),
        layer=APP_LAYER,
        found_by="golang",
    ),
    Package(
        "golang",
        "cloud.google.com",
        "v0.110.0",
        found_in=("usr/bin/tool",),
        layer=APP_LAYER,
        found_by="golang",
        subpath="cmd/tool",
    ),
    Package("golang", "stdlib", "1.21.5", found_in=("usr/bin/tool",), layer=APP_LAYER, found_by="golang"),
    Package(
        "maven",
        "log4j-core",
        "2.17.1",
        namespace="org.apache.logging.log4j",
        licenses=("Apache-2.0",),
        found_in=("app/app.jar",),
        layer=APP_LAYER,
        found_by="java",
        digests=(Digest("sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),),
    ),
    Package(
        "composer",
        "console",
        "v6.4.1",
        namespace="symfony",
        licenses=("MIT",),
        found_in=("app/composer.lock",),
        layer=APP_LAYER,
        found_by="composer",
        is_dev=True,
    ),
    Package("generic", "nginx", "1.25.3", found_in=("usr/sbin/nginx",), layer=APP_LAYER, found_by="binaries"),
    Package("gem", "rack", "", found_in=("app/Gemfile.lock",), layer=APP_LAYER, found_by="ruby"),
)
SBOM = Sbom(
    ImageIdentity(
        "registry.example/team/app:1.4",
        id="sha256:" + "c3" * 32,
        digest="sha256:" + "d4" * 32,
        repo_tags=("registry.example/team/app:1.4",),
        platform="linux/arm64/v8",
        layers=(BASE_LAYER, APP_LAYER),
        size_bytes=123_456_789,
    ),
    (*DEBS, *OTHERS),
    Distro("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)", ("ubuntu",), "2028-06-30"),
    unread=(
        Unread("var/lib/app/broken.jar", "no zip file: the central directory is missing", "malformed"),
        Unread("srv/C: drive/yarn.lock", "line 3: no version", "malformed", 3),
    ),
    created=CREATED,
)


def sbom_page(**fields: Any) -> Page:
    return Page(NoPlaces(), **{"at": "2026-01-03T00:00:00Z", "version": "0.1.0"} | fields)
