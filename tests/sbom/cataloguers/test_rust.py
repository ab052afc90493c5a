import json
import zlib

import pytest
from memory_tree import MemoryTree, read
from test_golang import elf

from leadline.model.package import Package
from leadline.sbom.cataloguers import rust

CRATES = {
    "packages": [
        {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"},
        {"name": "hello", "version": "0.1.0", "source": "local", "root": True, "dependencies": [2]},
        {"name": "itoa", "version": "1.0.1", "source": "crates.io"},
    ]
}


def audited(content: bytes) -> MemoryTree:
    return MemoryTree({"bin/hello": elf({".dep-v0": content})})


def test_crates_are_found_except_those_that_only_ran_while_building() -> None:
    packages, complaint = read(rust.rust, audited(zlib.compress(json.dumps(CRATES).encode())), "bin/hello")
    assert packages == [Package("cargo", "hello", "0.1.0"), Package("cargo", "itoa", "1.0.1")]
    assert complaint == ""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"no zlib", "the list of crates is damaged"),
        (zlib.compress(b"{"), "the list of crates is damaged"),
        (zlib.compress(b'{"packages": [{"name": "x"}]}'), "a crate without name or version"),
        (zlib.compress(b"[" * 100_000), "the list of crates is damaged"),
        (zlib.compress(bytes(rust.JSON_BYTES + 1)), "inflates to more than is allowed"),
    ],
)
def test_a_list_that_makes_no_sense_is_unreadable(content: bytes, complaint: str) -> None:
    assert complaint in read(rust.rust, audited(content), "bin/hello")[1]
