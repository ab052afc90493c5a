"""Packages told once, what they need, and their licences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.outputs.documents.components import components
from leadline.outputs.documents.declared_licences import (
    Declared,
    _is_well_formed,
    _names,
    _parsed,
    _plainly,
    declared,
    is_license_id,
)
from leadline.outputs.documents.sbom_format import image_url, web_page
from leadline.outputs.redaction.sbom import redacted_sbom
from leadline.packages.package_url import package_url, read_package_url
from leadline.sbom.ownership import with_useful_files


def found(*packages: Package):
    return components(Sbom(ImageIdentity("x"), packages))


def needs(*packages: Package) -> dict[str, list[str]]:
    """``name version`` of each package to those of what it needs."""
    every = found(*packages)
    titles = [f"{one.package.name} {one.package.version}" for one in every]
    return {title: [titles[i] for i in one.needs] for title, one in zip(titles, every, strict=True)}


URLS = (
    (
        Package("deb", "libc++", "1:2.3~rc1+b1", namespace="debian", arch="amd64"),
        "pkg:deb/debian/libc%2B%2B@1:2.3~rc1%2Bb1?arch=amd64",
    ),
    (
        Package("rpm", "x", "1:1.1.1k-6", namespace="redhat", arch="x86_64", qualifiers=(("epoch", "1"),)),
        "pkg:rpm/redhat/x@1.1.1k-6?arch=x86_64&epoch=1",
    ),
    (Package("rpm", "x", "1.1.1k-6"), "pkg:rpm/x@1.1.1k-6"),
    (Package("npm", "core", "7.0.0", namespace="@babel"), "pkg:npm/%40babel/core@7.0.0"),
    (
        Package("golang", "plugins", "v1", namespace="github.com/Azure", arch="amd64"),
        "pkg:golang/github.com/Azure/plugins@v1",
    ),
    (Package("generic", "\u0142", "1"), "pkg:generic/%C5%82@1"),
)


@pytest.mark.parametrize(("package", "url"), URLS)
def test_package_urls_are_canonical(package: Package, url: str) -> None:
    assert package_url(package) == url


@pytest.mark.parametrize(("package", "url"), URLS)
def test_a_package_url_is_read_as_the_package(package: Package, url: str) -> None:
    again = read_package_url(url)
    assert again is not None
    assert (again.type, again.namespace, again.name, again.version) == (
        package.type,
        package.namespace,
        package.name,
        package.version,
    )
    assert package_url(again) == url


def test_a_name_that_no_url_can_hold_has_none() -> None:
    assert package_url(Package("npm", "", "1")) == ""


@pytest.mark.parametrize("text", ["", "npm/x@1", "pkg:", "pkg:npm", "pkg:npm/" + "a" * 9000])
def test_what_is_no_package_url_is_none(text: str) -> None:
    assert read_package_url(text) is None


@pytest.mark.parametrize(
    ("upstream", "source"),
    [
        ("glibc", ("glibc", "")),
        ("glibc@2.36-9", ("glibc", "2.36-9")),
        ("openssl-libs-3.0.7-24.el9.src.rpm", ("openssl-libs", "3.0.7-24.el9")),
        ("odd.src.rpm", ("odd.src.rpm", "")),
    ],
)
def test_the_source_package_is_read_from_the_url(upstream: str, source: tuple[str, str]) -> None:
    package = read_package_url(f"pkg:rpm/x@1?upstream={upstream}")
    assert package is not None
    assert (package.source, package.source_version) == source


def test_one_package_in_several_files_is_one_for_each() -> None:
    one, two = (
        Package("golang", "stdlib", "1.22.1", found_in=(path,), licenses=(name,))
        for path, name in (("bin/a", "MIT"), ("bin/b", "Apache-2.0"))
    )
    assert [each.package for each in found(two, one)] == [one, two]


@given(st.lists(st.sampled_from(("bin/a", "bin/b", "bin/c")), min_size=1, max_size=6), st.randoms())
def test_each_has_a_key_of_its_own_that_does_not_hang_on_their_order(places: list[str], random) -> None:
    packages = [Package("golang", "stdlib", "1.22.1", found_in=(place,)) for place in places]
    every = found(*packages)
    assert len({one.key for one in every}) == len(places)
    assert every[0].key == found(Package("golang", "stdlib", "1.22.1"))[0].key
    random.shuffle(packages)
    assert found(*packages) == every


def test_names_that_an_index_holds_for_one_have_keys_of_their_own() -> None:
    assert (
        len({one.key for one in found(Package("pypi", "Foo_Bar", "1"), Package("pypi", "foo-bar", "1"))}) == 2
    )


def test_two_architectures_are_two_packages() -> None:
    assert (
        len(
            {
                one.key
                for one in found(*(Package("deb", "libc6", "1", arch=arch) for arch in ("amd64", "i386")))
            }
        )
        == 2
    )


def test_each_copy_belongs_to_the_distribution_or_does_not() -> None:
    owner = Package("deb", "skopeo", "1")
    owned = Package("golang", "stdlib", "1.22", found_in=("bin/a",), owned_by="skopeo")
    free = Package("golang", "stdlib", "1.22", found_in=("bin/b",))
    assert [one.package.owned_by for one in found(owner, owned, free)] == ["", "skopeo", ""]
    assert [one.owners for one in found(owner, owned, free)] == [(), (0,), ()]


def test_of_copies_the_nearest_is_needed() -> None:
    def installed(name: str, folder: str, *depends: str) -> Package:
        return Package(
            "pypi", name, "1", found_in=(f"{folder}/{name}-1.dist-info/METADATA",), depends=depends
        )

    every = found(
        *(installed("b", folder) for folder in ("opt/x/site-packages", "usr/lib/site-packages")),
        installed("a", "usr/lib/site-packages", "b"),
    )
    assert [every[i].package.found_in for one in every for i in one.needs] == [
        ("usr/lib/site-packages/b-1.dist-info/METADATA",)
    ]


def test_a_name_that_fits_one_package_is_what_is_needed() -> None:
    assert needs(Package("deb", "a", "1", depends=("b", "gone")), Package("deb", "b", "2")) == {
        "a 1": ["b 2"],
        "b 2": [],
    }


def test_a_name_of_another_type_is_not() -> None:
    assert needs(Package("deb", "a", "1", depends=("b",)), Package("npm", "b", "2"))["a 1"] == []


def test_of_several_architectures_the_own_is_needed() -> None:
    every = found(
        Package("deb", "a", "1", arch="i386", depends=("b",)),
        Package("deb", "b", "2", arch="amd64"),
        Package("deb", "b", "2", arch="i386"),
    )
    assert [every[i].package.arch for i in every[0].needs] == ["i386"]


def test_a_name_that_fits_several_versions_is_left_open() -> None:
    assert (
        needs(Package("gem", "a", "1", depends=("b",)), Package("gem", "b", "1"), Package("gem", "b", "2"))[
            "a 1"
        ]
        == []
    )


def test_a_node_module_needs_the_nearest_of_several() -> None:
    def module(name: str, version: str, folder: str, *depends: str) -> Package:
        return Package("npm", name, version, found_in=(f"{folder}/{name}/package.json",), depends=depends)

    assert needs(
        module("a", "1", "srv/node_modules", "ms"),
        module("b", "1", "srv/node_modules", "ms"),
        module("ms", "1", "srv/node_modules"),
        module("ms", "2", "srv/node_modules/b/node_modules"),
    ) == {"a 1": ["ms 1"], "b 1": ["ms 2"], "ms 1": [], "ms 2": []}


def test_python_names_are_needed_however_they_are_written() -> None:
    assert needs(Package("pypi", "a", "1", depends=("Foo.Bar",)), Package("pypi", "foo_bar", "2"))["a 1"] == [
        "foo_bar 2"
    ]


def test_rpm_packages_need_what_provides_their_files_and_libraries() -> None:
    libc = Package("rpm", "glibc", "2", files=("usr/lib64/libc.so.6",))
    bash = Package("rpm", "bash", "5", files=("usr/bin/sh", "usr/bin/bash"))
    curl = Package(
        "rpm", "curl", "7", depends=("libc.so.6(GLIBC_2.34)(64bit)", "/bin/sh", "rpmlib(X)", "/usr/bin/bash")
    )
    packages = (libc, bash, curl)
    assert needs(*packages)["curl 7"] == ["bash 5", "glibc 2"]
    assert needs(*redacted_sbom(Sbom(ImageIdentity("x"), tuple(with_useful_files(packages, ())))).packages)[
        "curl 7"
    ] == ["bash 5", "glibc 2"]


@pytest.mark.parametrize(
    ("licenses", "expression", "references"),
    [
        ((), "", 0),
        (("MIT",), "MIT", 0),
        (("MIT", "Apache-2.0 OR GPL-2.0-only"), "MIT AND (Apache-2.0 OR GPL-2.0-only)", 0),
        (("MIT", "MIT"), "MIT", 0),
        (("GPL-2.0-only WITH Classpath-exception-2.0",), "GPL-2.0-only WITH Classpath-exception-2.0", 0),
        (("see the file",), "LicenseRef-see-the-file-2c58f8aa", 1),
        (("MIT MIT",), "LicenseRef-MIT-MIT-0e205876", 1),
        (("(MIT",), "LicenseRef-MIT-81cb5ffc", 1),
        (("MIT AND LicenseRef-Fedora-Public-Domain",), "MIT AND LicenseRef-Fedora-Public-Domain", 1),
    ],
)
def test_licences_are_one_expression(licenses: tuple[str, ...], expression: str, references: int) -> None:
    made = declared(licenses)
    assert (made.expression, len(made.references), made.has_only_spdx) == (
        expression,
        references,
        not references,
    )


def test_texts_that_differ_are_different_licences() -> None:
    assert declared(("a b",)).expression != declared(("a-b",)).expression
    assert declared(()) == Declared()


def test_ids_of_licences_are_known() -> None:
    assert [is_license_id(text) for text in ("MIT", "LicenseRef-x", "MIT OR ISC", "nonsense")] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "address", ["https://example.org/a?b=c#d", "http://x.museum", "http://a-b.example:8080/~ann"]
)
def test_addresses_of_pages_are_kept(address: str) -> None:
    assert web_page(f" {address} ") == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "UNKNOWN",
        "ftp://x",
        "https://",
        "https:///a",
        "https://x",
        "https://a--b.org",
        "https://ann@x.org",
        "https://a b",
        "https://a/%zz",
        "javascript:x",
    ],
)
def test_what_is_no_page_is_left_out(address: str) -> None:
    assert web_page(address) == ""


def test_only_an_image_of_a_registry_has_an_oci_url() -> None:
    digest = "sha256:" + "a" * 64
    image = ImageIdentity("ghcr.io/shop/web:1.4", digest=digest, platform="linux/arm64/v8")
    assert image_url(image) == f"pkg:oci/web@{digest}?arch=arm64&repository_url=ghcr.io/shop/web&tag=1.4"
    assert image_url(ImageIdentity("./web.tar", digest=digest)) == ""
    assert image_url(ImageIdentity("ghcr.io/shop/web:1.4")) == ""


def test_the_list_of_names_is_that_of_the_parser() -> None:
    kinds: dict[str, str] = {}
    for symbol in get_spdx_licensing().known_symbols.values():
        kinds.update({name: "alias" for name in symbol.aliases if " " not in name})
        kinds.setdefault(symbol.key, "exception" if symbol.is_exception else "")
    own = {name: kind for name, kind in kinds.items() if not name.startswith("LicenseRef-")}
    assert dict(_names().values()) == own


NAMES = sorted(name for name, _ in _names().values())
words = st.sampled_from(
    (*NAMES, "MIT", "nonsense", "LicenseRef-scancode-public-domain", "mit", "(MIT", "MIT)")
)
joints = st.sampled_from(("AND", "OR", "WITH", "and"))


@given(words, st.lists(st.tuples(joints, words), max_size=3))
def test_what_is_told_without_the_parser_is_what_the_parser_tells(
    first: str, more: list[tuple[str, str]]
) -> None:
    text = " ".join((first, *(word for pair in more for word in pair)))
    plainly = _plainly(text)
    assert not _is_well_formed(text) or plainly in (None, _parsed(text))
