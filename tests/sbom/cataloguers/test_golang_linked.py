"""Which packages of its modules have code in a Go program: recorded tables of functions of several versions, and a real build."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest
import zstandard
from go_executables import SECTION, elf, inline
from memory_tree import MemoryTree, read

from leadline.model.package import Package
from leadline.sbom.cataloguers.golang import golang

FOLDER = Path(__file__).parent / "golang"
LINES = "path\texample.com/shop\nmod\texample.com/shop\tv1.2.3\t\n"
LINKED = ("example.com/shop/inlined", "example.com/shop/used", "example.com/shop")
SOURCES = {
    "go.mod": "module example.com/shop\n\ngo 1.16\n",
    "main.go": """package main

import (
	"os"

	"example.com/shop/inlined"
	"example.com/shop/unused"
	"example.com/shop/used"
)

func main() {
	var box unused.Box
	println(used.Answer(len(os.Args)), inlined.Double(len(os.Args)), box.Size)
}
""",
    "used/used.go": "package used\n\n//go:noinline\nfunc Answer(n int) int { return n + 41 }\n",
    "inlined/inlined.go": "package inlined\n\nfunc Double(n int) int { return n * 2 }\n",
    "unused/unused.go": """package unused

type Box struct{ Size int }

//go:noinline
func Vulnerable(n int) int { return n - 41 }
""",
}


def table(version: str) -> bytes:
    return zstandard.ZstdDecompressor().decompress((FOLDER / f"functions-{version}.zst").read_bytes())


def program(functions: bytes, lines: str = LINES, section: str = ".gopclntab") -> bytes:
    return elf({section: functions, SECTION: inline(lines)})


def packages(content: bytes) -> list[Package]:
    found, complaint = read(golang, MemoryTree({"bin/shop": content}), "bin/shop")
    assert complaint == ""
    return found


@pytest.mark.parametrize("version", ["1.16", "1.18", "1.20"])
def test_packages_of_which_nothing_is_called_are_not_linked(version: str) -> None:
    stdlib, shop = packages(program(table(version)))
    assert shop.linked == LINKED
    assert stdlib.linked is not None
    assert {"os", "runtime", "internal/poll"} <= set(stdlib.linked)
    assert not {"net/http", "go", "main", "type", "example.com/shop/used"} & set(stdlib.linked)


@pytest.mark.parametrize("width", [4, 8])
def test_the_table_is_read_in_the_other_byte_order_too(width: int) -> None:
    """Its header with numbers the other way round, and right behind it the names, as for s390x and mips."""
    little = table("1.20")
    words = [int.from_bytes(little[at : at + 8], "little") for at in range(8, 72, 8)]
    names = little[words[3] : words[4]]
    words[3:] = [8 + 8 * width, 8 + 8 * width + len(names), 0x00FFFFFF, 0x00FFFFFF, 0x00FFFFFF]
    header = little[3::-1] + b"\0\0\1" + bytes((width,))
    header += b"".join(word.to_bytes(8, "big")[8 - width :] for word in words)
    content = elf({".gopclntab": header + names, SECTION: inline(LINES)}, width == 8, ">")
    assert packages(content)[1].linked == LINKED


def test_go_builds_such_a_program(tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go")
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    for flags in ("-s -w", ""):
        command = [go, "build", "-buildvcs=false", "-ldflags", flags, "-o", "shop", "."]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=600)
        stdlib, shop = packages((tmp_path / "shop").read_bytes())
        assert shop.linked == LINKED
        assert stdlib.linked is not None
        assert "os" in stdlib.linked


def test_without_its_section_the_table_is_found_among_other_things() -> None:
    content = b"text " * 100 + table("1.20")
    assert packages(program(content, section=".data.rel.ro"))[1].linked == LINKED
    without_sections = bytearray(program(content, section=".rodata"))
    without_sections[40:48] = bytes(8)
    without_sections[60:64] = bytes(4)
    assert packages(bytes(without_sections))[1].linked == LINKED


@pytest.mark.parametrize(
    "functions",
    [
        b"",
        table("1.15"),
        table("1.20")[:20_000],
        table("1.20").replace(b"main.main\0", b"Xq3.Zw9pb\0"),
        table("1.20").replace(b"\xf1\xff\xff\xff", b"\xf7\xff\xff\xff"),
    ],
    ids=["none", "before Go 1.16", "cut short", "unreadable names", "another format"],
)
def test_what_cannot_be_known_is_not_said(functions: bytes) -> None:
    assert [one.linked for one in packages(program(functions))] == [None, None]


def test_a_program_that_shares_its_packages_says_nothing() -> None:
    assert packages(program(table("1.20"), f"{LINES}build\t-linkshared=true\n"))[1].linked is None


def test_names_of_which_those_of_most_modules_are_missing_were_made_unreadable() -> None:
    lines = LINES + "".join(f"dep\texample.com/{name}\tv1.0.0\t\n" for name in ("first", "second"))
    assert {one.linked for one in packages(program(table("1.20"), lines))} == {None}


def test_a_module_has_the_packages_below_its_path_and_of_none_deeper() -> None:
    lines = LINES + "dep\texample.com/shop/used\tv1.0.0\t\n"
    _, shop, used = packages(program(table("1.20"), lines))
    assert (shop.linked, used.linked) == (
        ("example.com/shop/inlined", "example.com/shop"),
        ("example.com/shop/used",),
    )


def test_packages_of_a_replaced_module_bear_the_name_of_what_replaced_it() -> None:
    lines = LINES + "dep\texample.com/shop/used\tv1.0.0\n=>\tgithub.com/fork/used\tv1.0.1\t\n"
    fork = packages(program(table("1.20"), lines))[2]
    assert (fork.namespace, fork.name, fork.linked) == ("github.com/fork", "used", ("github.com/fork/used",))


def test_dots_in_the_last_part_of_a_path_are_escaped_by_the_linker() -> None:
    functions = table("1.20").replace(b"example.com/shop/used.Answer", b"example.com/y%2ev3.Answ[a/b.c]")
    lines = LINES + "dep\texample.com/y.v3\tv3.0.1\t\n"
    assert packages(program(functions, lines))[2].linked == ("example.com/y.v3",)


def test_a_damaged_table_costs_nothing_but_itself() -> None:
    chance = random.Random(4)
    whole = table("1.20")
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(0, 100)] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        assert len(packages(program(bytes(damaged)))) == 2


@pytest.mark.parametrize("name", [b"p%d.f\0", b"a.f\0b.%d\0"])
def test_no_program_has_so_many_packages(name: bytes) -> None:
    head = table("1.20")
    begin = int.from_bytes(head[32:40], "little")
    names = head[begin:] + b"".join(name % number for number in range(600_000))
    functions = head[:40] + (begin + len(names)).to_bytes(8, "little") + head[48:begin] + names
    assert packages(program(functions))[1].linked is None


def test_a_program_says_what_it_was_built_for() -> None:
    lines = LINES + "build\tGOARCH=arm64\nbuild\tGOOS=linux\n"
    assert {one.built_for for one in packages(program(table("1.20"), lines))} == {"linux/arm64"}
    assert {one.built_for for one in packages(program(table("1.20")))} == {"linux/"}
