"""Executables are built here, byte by byte: the smallest ELF files that hold Go's build information."""

import struct

import pytest
from go_executables import ADDRESS, MAGIC, MARK, SECTION, elf, inline
from memory_tree import MemoryTree, read

from leadline.sbom.cataloguers.golang import golang

LINES = (
    "path\tgithub.com/example/shop/v2\n"
    "mod\tgithub.com/example/shop/v2\t{version}\t\n"
    "dep\texample.com/local\tv0.0.0\n"
    "=>\t./local\t(devel)\t\n"
    "dep\tgithub.com/sirupsen/logrus\tv1.9.0\th1:abc=\n"
    "=>\tgithub.com/sirupsen/logrus\tv1.9.3\th1:def=\n"
    "dep\tgolang.org/x/text\tv0.3.7\th1:ghi=\n"
    "build\tGOARCH=amd64\n"
)


def pointed(lines: str, width: int, order: str) -> bytes:
    """The form before Go 1.18; pointers count from ``ADDRESS``, where the section begins."""
    number = {4: "I", 8: "Q"}[width]
    version, marked = b"go1.13.4", MARK + lines.encode() + MARK
    texts = 32 + 4 * width
    header = MAGIC + bytes((width, 1 if order == ">" else 0))
    header += struct.pack(order + number * 2, ADDRESS + 32, ADDRESS + 32 + 2 * width)
    strings = struct.pack(
        order + number * 4, ADDRESS + texts, len(version), ADDRESS + texts + len(version), len(marked)
    )
    return header.ljust(32, b"\0") + strings + version + marked


def found_in(content: bytes) -> list[tuple[str, str]]:
    packages, complaint = read(golang, MemoryTree({"bin/shop": content}), "bin/shop")
    assert not complaint
    return [(f"{one.namespace}/{one.name}".strip("/"), one.version) for one in packages]


MODULES = [
    ("example.com/local", "(devel)"),
    ("github.com/sirupsen/logrus", "v1.9.3"),
    ("golang.org/x/text", "v0.3.7"),
]


def test_modules_stand_in_the_section_with_replacements_applied() -> None:
    content = elf({SECTION: inline(LINES.format(version="v2.3.4"))})
    expected = [("stdlib", "1.21.3"), ("github.com/example/shop/v2", "v2.3.4"), *MODULES]
    assert found_in(content) == expected


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("width", [4, 8])
def test_form_with_pointers_is_read_in_every_width_and_byte_order(width: int, order: str) -> None:
    content = elf({SECTION: pointed(LINES.format(version="v2.3.4"), width, order)}, width == 8, order)
    expected = [("stdlib", "1.13.4"), ("github.com/example/shop/v2", "v2.3.4"), *MODULES]
    assert found_in(content) == expected


def test_without_sections_the_writable_segment_is_searched() -> None:
    content = bytearray(elf({SECTION: inline(LINES.format(version="v2.3.4"))}))
    content[40:48] = bytes(8)
    content[60:64] = bytes(4)
    assert len(found_in(bytes(content))) == 5


@pytest.mark.parametrize(
    ("flags", "version"),
    [
        ("-s -w -X main.version=v1.2.3", "v1.2.3"),
        ("-X main.version=1.2.3 -X main.commit=abc", "v1.2.3"),
        ("-X 'main.goVersion=1.22.1' -X 'github.com/example/shop/v2/build.Version=v3.0.0'", "v3.0.0"),
        ("-X other.example/x.Version=v9.9.9 -X=github.com/example/shop/v2/build.Version=v3.0.0", "v3.0.0"),
        (
            r" \t\t-w \t-X \"github.com/example/shop/v2/build.Version=3.0.0+dfsg1\" \t-X \"main.commit=1\"",
            "v3.0.0+dfsg1",
        ),
        ("-X main.version=dev", "(devel)"),
        ("-s -w", "(devel)"),
    ],
)
def test_version_of_the_program_comes_from_the_linker(flags: str, version: str) -> None:
    lines = f'{LINES.format(version="(devel)")}build\t-ldflags="{flags}"\n'
    assert found_in(elf({SECTION: inline(lines)}))[1] == ("github.com/example/shop/v2", version)


def test_version_written_by_a_linker_whose_settings_are_unknown_is_the_only_one_that_ends_in_zero() -> None:
    content = elf(
        {".rodata": b"v1.0.0\0text\0v4.5.6\0 v7.8.9 more", SECTION: inline(LINES.format(version="(devel)"))}
    )
    assert found_in(content)[1] == ("github.com/example/shop/v2", "v4.5.6")


@pytest.mark.parametrize(
    ("settings", "version"),
    [
        ({}, "v0.0.0-20240609211631-fc37c2fa9de2"),
        ({"vcs.modified": "true"}, "v0.0.0-20240609211631-fc37c2fa9de2+dirty"),
        ({"-ldflags": '"-X main.version=1.2.3"'}, "v1.2.3"),
        ({"vcs.time": "yesterday"}, "(devel)"),
        ({"vcs.revision": "../../x"}, "(devel)"),
    ],
)
def test_commit_stands_in_for_a_version_that_go_did_not_know(settings: dict[str, str], version: str) -> None:
    commit = {"vcs.revision": "fc37c2fa9de2ad77476a6d4a8f1516196b90187e", "vcs.time": "2024-06-09T21:16:31Z"}
    build = "".join(f"build\t{key}={value}\n" for key, value in {**commit, **settings}.items())
    lines = LINES.format(version="(devel)") + build
    assert found_in(elf({SECTION: inline(lines)}))[1] == ("github.com/example/shop/v2", version)


@pytest.mark.parametrize(
    ("texts", "version"),
    [
        (b"\0001.1.5+ds1\0\0001.1.5+ds1-1+deb12u1\0", "v1.1.5+ds1"),
        (b"\0001.1.5\0\0001.1.51\0", "(devel)"),
        (b"\0001.1.5\0\0002.0.0\0", "(devel)"),
    ],
)
def test_of_several_such_texts_one_must_be_the_beginning_of_all(texts: bytes, version: str) -> None:
    content = elf({".rodata": texts, SECTION: inline(LINES.format(version="(devel)"))})
    assert found_in(content)[1] == ("github.com/example/shop/v2", version)


def test_program_without_modules_is_named_by_its_path() -> None:
    content = elf({SECTION: inline("path\tgo.etcd.io/etcd\n")})
    assert found_in(content) == [("stdlib", "1.21.3"), ("go.etcd.io/etcd", "(devel)")]


def test_magic_as_a_text_of_the_program_is_no_build_information() -> None:
    assert found_in(elf({".rodata": MAGIC + b"not a header, just a text"})) == []


def test_build_information_that_is_cut_short_is_unreadable() -> None:
    content = elf({SECTION: inline(LINES.format(version="v1.0.0"))[:60]})
    packages, complaint = read(golang, MemoryTree({"bin/shop": content}), "bin/shop")
    assert (packages, complaint) == ([], "the build information of Go is cut short")
