"""The rules of each ecosystem for names and versions, in the spellings that images and advisories really have."""

from pathlib import Path

import pytest
from made_database import advisory, database_of

from leadline.model.package import Distro
from leadline.packages.package_url import read_package_url
from leadline.vulnerabilities.match import match

ECOSYSTEMS = {
    "bitnami": "Bitnami",
    "cargo": "crates.io",
    "composer": "Packagist",
    "conan": "ConanCenter",
    "gem": "RubyGems",
    "golang": "Go",
    "hex": "Hex",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
    "swift": "SwiftURL",
}

LANGUAGES = """
pypi    Flask_SQL.Alchemy  < 2.5.1           | pkg:pypi/flask-sql-alchemy@2.5.0           yes
pypi    flask--SQL__x      < 2               | pkg:pypi/Flask.sql_X@1.9                   yes
pypi    x  >= 1.0a1, < 1.0                   | pkg:pypi/x@1.0rc1                          yes
pypi    x  >= 1.0a1, < 1.0                   | pkg:pypi/x@1.0.post1                       no
pypi    x  < 1.0                             | pkg:pypi/x@1.0.dev3                        yes
pypi    x  < 1.0                             | pkg:pypi/x@1.0%2Blocal.1                   no
pypi    x  <= 1.0                            | pkg:pypi/x@1.0.0                           yes
pypi    x  < 1!1.0                           | pkg:pypi/x@2024.1                          yes
pypi    x  < v1.10                           | pkg:pypi/x@1.9                             yes
maven   org.apache:x  < 2.0                  | pkg:maven/org.apache/x@2.0-SNAPSHOT        yes
maven   org.apache:x  < 2.0                  | pkg:maven/org.apache/x@2.0.RELEASE         no
maven   org.apache:x  < 2.0                  | pkg:maven/org.apache/x@2.0.GA              no
maven   org.apache:x  < 2.0                  | pkg:maven/org.apache/x@2.0-rc1             yes
maven   org.apache:x  < 2.0                  | pkg:maven/org.apache/x@1.9?classifier=sources&type=jar yes
maven   org.apache:x  < 2.0                  | pkg:maven/org.apache.x/x@1.9               no
maven   com.google.guava:guava  < 32.0.0-android | pkg:maven/com.google.guava/guava@31.1-android yes
maven   com.google.guava:guava  < 32.0.0-android | pkg:maven/com.google.guava/guava@32.0.1-jre   no
npm     @babel/traverse  < 7.23.2            | pkg:npm/%40babel/traverse@7.23.1           yes
npm     @babel/traverse  < 7.23.2            | pkg:npm/traverse@7.23.1                    no
npm     x  < 2.0.0                           | pkg:npm/x@2.0.0-beta.1                     yes
npm     x  < 2.0.0                           | pkg:npm/x@v1.2.3                           yes
npm     x  < 2.0.0                           | pkg:npm/x@2.0.0%2Bbuild.1                  no
golang  golang.org/x/crypto  < 0.0.0-20220314234659-1baeb1ce4c0b | pkg:golang/golang.org/x/crypto@v0.0.0-20210921155107-089bfa567519 yes
golang  golang.org/x/crypto  < 0.0.0-20220314234659-1baeb1ce4c0b | pkg:golang/golang.org/x/crypto@v0.17.0 no
golang  github.com/a/b  < 2.1.0+incompatible | pkg:golang/github.com/a/b@v2.0.5%2Bincompatible yes
golang  github.com/a/b  < 2.1.0              | pkg:golang/github.com/a/b@v2.0.5%2Bincompatible yes
golang  github.com/a/b/v2  < 2.1.0           | pkg:golang/github.com/a/b/v2@v2.0.5        yes
golang  github.com/a/b/v2  < 2.1.0           | pkg:golang/github.com/a/b@v2.0.5%2Bincompatible no
golang  github.com/a/b  < 1.1.0              | pkg:golang/github.com/a/b/v2@v2.0.5        no
golang  github.com/Azure/x  < 1.1.0          | pkg:golang/github.com/azure/x@v1.0.0       yes
golang  gopkg.in/yaml.v3  < 3.0.1            | pkg:golang/gopkg.in/yaml.v3@v3.0.0-20210107192922-496545a6307b yes
golang  x.y/z  < 1.4.1                       | pkg:golang/x.y/z@v1.4.1-0.20230101000000-abcdefabcdef yes
golang  x.y/z  < 1.4.1                       | pkg:golang/x.y/z@v1.4.2-0.20230101000000-abcdefabcdef no
golang  stdlib  < 1.20.5                     | pkg:golang/stdlib@go1.20.4                 yes
golang  stdlib  < 1.20.5                     | pkg:golang/stdlib@1.20rc2                  yes
golang  stdlib  >= 1.21.0-0, < 1.21.3        | pkg:golang/stdlib@go1.21rc3                yes
golang  stdlib  < 1.20.5                     | pkg:golang/stdlib@1.20.5                   no
nuget   Newtonsoft.Json  < 13.0.1            | pkg:nuget/newtonsoft.json@12.0.3           yes
nuget   newtonsoft.json  < 13.0.1            | pkg:nuget/Newtonsoft.Json@13.0.1.0         no
nuget   X  < 4.3.0.1                         | pkg:nuget/x@4.3.0                          yes
nuget   X  < 4.3.0                           | pkg:nuget/X@4.3.0-preview1                 yes
nuget   X  < 4.3.0                           | pkg:nuget/X@4.3                            no
nuget   X  < 1.0.0-Beta2                     | pkg:nuget/X@1.0.0-beta1                    yes
composer symfony/http-kernel  < 4.4.13       | pkg:composer/symfony/http-kernel@v4.4.12   yes
composer Symfony/Http-Kernel  < 4.4.13       | pkg:composer/symfony/http-kernel@4.4.13    no
composer a/b  < 2.0                          | pkg:composer/a/b@2.0.0-RC1                 yes
composer a/b  < 2.0                          | pkg:composer/a/b@2.0.0.0                   no
composer a/b  < 2.0                          | pkg:composer/a/b@2.0.x-dev                 no
composer a/b  < 2.1                          | pkg:composer/a/b@2.0.x-dev                 yes
composer a/b  < 2.0.5                        | pkg:composer/a/b@2.0.x-dev                 no
composer a/b  < 2.0                          | pkg:composer/a/b@dev-master                unknown
gem     nokogiri  < 1.13.9                   | pkg:gem/nokogiri@1.13.8?platform=x86_64-linux yes
gem     nokogiri  < 1.13.9                   | pkg:gem/nokogiri@1.13.8-x86_64-linux       yes
gem     nokogiri  < 1.13.9                   | pkg:gem/nokogiri@1.13.9-java               no
gem     nokogiri  < 1.13.9                   | pkg:gem/nokogiri@1.13.9-arm64-darwin       no
gem     nokogiri  < 1.13.9                   | pkg:gem/nokogiri@1.13.9-x64-mingw-ucrt     no
gem     nokogiri  < 1.13.9                   | pkg:gem/nokogiri@1.13.9-rc1                yes
gem     x  < 2.0                             | pkg:gem/x@2.0.0.pre1                       yes
gem     x  < 2.0                             | pkg:gem/x@2.0.0                            no
cargo   time  >= 0.1.0, < 0.2.23             | pkg:cargo/time@0.2.22                      yes
cargo   time  < 0.2.23                       | pkg:cargo/time@0.2.23-rc.1                 yes
cargo   openssl-sys  < 1.0.0                 | pkg:cargo/openssl_sys@0.9.0                no
hex     Plug  < 1.3.2                        | pkg:hex/plug@1.3.1                         yes
hex     plug  < 1.3.2                        | pkg:hex/plug@1.3.2-rc.0                    yes
pub     http  < 0.13.3                       | pkg:pub/http@0.13.2                        yes
pub     http  < 0.13.3                       | pkg:pub/http@0.13.3%2B1                    no
swift   https://github.com/apple/swift-nio.git  < 2.39.1 | pkg:swift/github.com/apple/swift-nio@2.39.0 yes
swift   github.com/apple/swift-nio  < 2.39.1 | pkg:swift/github.com/Apple/swift-nio@2.39.1 no
conan   openssl  < 3.0.8                     | pkg:conan/openssl@3.0.7                    yes
conan   openssl  < 3.0.8                     | pkg:conan/bincrafters/openssl@3.0.7?channel=stable yes
bitnami redis  < 7.0.12                      | pkg:bitnami/redis@7.0.11-2                 yes
bitnami redis  < 7.0.12                      | pkg:bitnami/redis@7.0.12-0                 no
"""

DISTRIBUTIONS = """
debian 12      | Debian:12 openssl 3.0.9-1          | pkg:deb/debian/libssl3@3.0.8-1?upstream=openssl   yes
debian 12      | Debian:12 openssl 3.0.9-1          | pkg:deb/debian/libssl3@3.0.9-1%2Bb1?upstream=openssl%403.0.9-1 no
debian 12      | Debian:12 gcc 12.2.0-14            | pkg:deb/debian/cpp@4:12.2.0-3?upstream=gcc%4012.2.0-14 no
debian 12      | Debian:12 gcc 12.2.0-14            | pkg:deb/debian/cpp@4:12.2.0-3?upstream=gcc%4012.2.0-13 yes
debian 12      | Debian:12 x 1:1.0-1                | pkg:deb/debian/x@2.0-1                            yes
debian 12      | Debian:12 x 1.0-1                  | pkg:deb/debian/x@1.0-1~bpo11%2B1                  yes
debian 12      | Debian:12 x 1.0-1+deb12u2          | pkg:deb/debian/x@1.0-1%2Bdeb12u1                  yes
debian 12.5    | Debian:12 x 2                      | pkg:deb/debian/x@1                                yes
raspbian 12    | Debian:12 x 2                      | pkg:deb/raspbian/x@1%2Brpi1                       yes
ubuntu 22.04   | Ubuntu:22.04 x 2                   | pkg:deb/ubuntu/x@1ubuntu1                         yes
ubuntu 22.04   | Ubuntu:20.04 x 2                   | pkg:deb/ubuntu/x@1ubuntu1                         no
alpine 3.18.4  | Alpine:3.18 x 1.2.3-r0             | pkg:apk/alpine/x@1.2.3_rc2-r0                     yes
alpine 3.18.4  | Alpine:3.18 x 1.2.3-r0             | pkg:apk/alpine/x@1.2.3_p1-r0                      no
alpine 3.18.4  | Alpine:3.18 x 1.2.3_p2-r0          | pkg:apk/alpine/x@1.2.3_p1-r5                      yes
alpine 3.18.4  | Alpine:3.18 x 1.2.3-r10            | pkg:apk/alpine/x@1.2.3-r9                         yes
alpine 3.18.4  | Alpine:3.18 x 1.0b-r0              | pkg:apk/alpine/x@1.0a-r0                          yes
alpine edge    | Alpine:edge x 2-r0                 | pkg:apk/alpine/x@1-r0                             yes
wolfi 20230201 | Wolfi x 2-r0                       | pkg:apk/wolfi/x@1-r0                              yes
chainguard 20230214 | Chainguard x 2-r0             | pkg:apk/chainguard/x@1-r0                         yes
rhel 9.4       | Red Hat:9 x 0:1.0-2.el9            | pkg:rpm/redhat/x@1.0-1.el9                        yes
centos 8       | Red Hat:8 x 0:1.0-2.el8            | pkg:rpm/centos/x@1.0-1.el8                        yes
rocky 9.3      | Rocky Linux:9 x 0:1.0-2.el9        | pkg:rpm/rocky/x@1.0-1.el9                         yes
ol 8.9         | Oracle:8 x 0:1.0-2.el8             | pkg:rpm/ol/x@1.0-1.ksplice1.el8                   no
ol 8.9         | Oracle:8 x 0:1.0-2.ksplice1.el8    | pkg:rpm/ol/x@1.0-1.el8                            no
ol 8.9         | Oracle:8 x 10:1.0-2_fips           | pkg:rpm/ol/x@1.0-1.el8                            no
ol 8.9         | Oracle:8 x 10:1.0-2_fips           | pkg:rpm/ol/x@1.0-1_fips?epoch=10                  yes
amzn 2         | Amazon:2 x 1.0-2.amzn2             | pkg:rpm/amzn/x@1.0-1.amzn2                        yes
amzn 2023      | Amazon:2023 kernel 6.1.50-1        | pkg:rpm/amzn/kernel@6.1.49-1                      yes
amzn 2018.03   | Amazon:1 x 1.0-2.amzn1             | pkg:rpm/amzn/x@1.0-1.amzn1                        yes
amzn 2         | Amazon:2 kernel-livepatch-5.10.1-1 1.0-2 | pkg:rpm/amzn/kernel@5.10.1-1                no
photon 4.0     | Photon OS:4.0 x 1.0-2.ph4          | pkg:rpm/photon/x@1.0-1.ph4                        yes
photon 5.0     | Photon OS:4.0 x 1.0-2.ph4          | pkg:rpm/photon/x@1.0-1.ph5                        no
azurelinux 3.0.20240824 | Azure Linux:3.0 x 0:1.0-2.azl3 | pkg:rpm/azurelinux/x@1.0-1.azl3               yes
mariner 2.0.20220226    | Azure Linux:2.0 x 0:1.0-2.cm2  | pkg:rpm/mariner/x@1.0-1.cm2                   yes
opensuse-leap 15.5 | openSUSE:15.5 x 1.0-150500.2    | pkg:rpm/opensuse/x@1.0-150500.1                  yes
opensuse-tumbleweed 20240101 | openSUSE:Tumbleweed x 1.0-2 | pkg:rpm/opensuse/x@1.0-1                    yes
sles 15.5      | SUSE:15.5 x 1.0-150500.2           | pkg:rpm/suse/x@1.0-150500.1                       yes
sles_sap 15.5  | SUSE:15.5 x 1.0-150500.2           | pkg:rpm/suse/x@1.0-150500.1                       yes
fedora 40      | Fedora:40 x 1.0-2.fc40             | pkg:rpm/fedora/x@1.0-1.fc40                       yes
"""


def rows(table: str) -> list[str]:
    return [" ".join(line.split()) for line in table.splitlines() if line.strip()]


@pytest.mark.parametrize("row", rows(LANGUAGES))
def test_a_language_package_is_met_as_its_ecosystem_has_it(tmp_path: Path, row: str):
    """``type name range | package URL verdict``; ``unknown``: the version cannot be compared, and that is said."""
    left, _, right = row.partition(" | ")
    type, name, text = left.split(" ", 2)
    url, verdict = right.split(" ")
    span = {}
    for part in text.split(", "):
        sign, version = part.split(" ")
        span[{"<": "fixed", "<=": "last_affected", ">=": "introduced"}[sign]] = version
    package = read_package_url(url)
    assert package is not None
    with database_of(tmp_path, advisory("CVE-2024-1000", ECOSYSTEMS[type], name, **span)) as database:
        found = match([package], Distro(), database)
    gaps = [one for one in found.coverage if one.why]
    assert ("unknown" if gaps else "yes" if found.matches else "no") == verdict


@pytest.mark.parametrize("row", rows(DISTRIBUTIONS))
def test_a_package_is_met_as_its_distribution_has_it(tmp_path: Path, row: str):
    """``distribution | release package fixed | package URL verdict``."""
    distro, fact, right = row.split(" | ")
    url, verdict = right.split(" ")
    release, name, fixed = fact.rsplit(" ", 2)
    id, version = distro.split(" ")
    package = read_package_url(url)
    assert package is not None
    given = advisory("CVE-2024-1000", release, name, fixed=fixed)
    if package.type == "rpm":
        given = advisory("CVE-2024-1000", release, name, fixed=fixed, is_source=False)
    with database_of(tmp_path, given) as database:
        found = match([package], Distro(id, version), database)
    assert ("yes" if found.matches else "no") == verdict
