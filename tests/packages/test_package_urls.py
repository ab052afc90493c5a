"""Package URLs that are written without the library are those that it writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from leadline.model.package import Package
from leadline.packages import package_url as module
from leadline.packages.package_url import package_url, read_package_url

_TYPES = [
    *sorted(module._PLAIN_TYPES),
    "bitnami",
    "pub",
    "github",
    "hackage",
    "oci",
    "generic",
    "c",
    "mlflow",
]
_TEXT = st.text("aZ9.-_+~:@%/ é\t", max_size=6)
_KEYS = st.sampled_from(["arch", "epoch", "distro", "Distro", "a_b", "é", ""])


@st.composite
def packages(draw: st.DrawFn) -> Package:
    return Package(
        draw(st.sampled_from(_TYPES)),
        draw(_TEXT),
        draw(_TEXT | st.just("1:2.3-4+b1~rc")),
        namespace=draw(_TEXT | st.sampled_from(["debian", "@types", "github.com/a"])),
        arch=draw(st.sampled_from(["", "amd64"])),
        qualifiers=tuple(draw(st.dictionaries(_KEYS, _TEXT | st.just("debian-12"), max_size=3)).items()),
        subpath=draw(st.sampled_from(["", "", "a/b"])),
    )


@given(packages())
def test_what_is_written_without_the_library_is_what_it_writes(package: Package):
    qualifiers = dict(package.qualifiers)
    if package.arch and package.type in ("alpm", "apk", "deb", "rpm"):
        qualifiers["arch"] = package.arch
    plain = module._plain(package, qualifiers)
    assert plain in ("", module._by_library(package, qualifiers))
    if plain:
        # It is canonical, so that reading and writing change nothing.
        assert PackageURL.from_string(plain).to_string() == plain


@pytest.mark.parametrize(
    ("package", "url"),
    [
        (
            Package("deb", "curl", "7.88.1-10+deb12u5", namespace="debian", arch="amd64"),
            "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?arch=amd64",
        ),
        (Package("npm", "node", "20.1.0", namespace="@types"), "pkg:npm/%40types/node@20.1.0"),
        (Package("pypi", "Zope.Interface", "6.0"), "pkg:pypi/zope-interface@6.0"),
        (
            Package("golang", "cobra", "v1.8.0", namespace="github.com/spf13"),
            "pkg:golang/github.com/spf13/cobra@v1.8.0",
        ),
        (
            Package("rpm", "bash", "1:5.1", namespace="rhel", qualifiers=(("epoch", "1"),)),
            "pkg:rpm/rhel/bash@5.1?epoch=1",
        ),
    ],
)
def test_usual_packages_need_no_library(package: Package, url: str):
    assert (
        package_url(package)
        == url
        == module._by_library(
            package, dict(package.qualifiers) | ({"arch": package.arch} if package.arch else {})
        )
    )
    assert read_package_url(url) is not None
