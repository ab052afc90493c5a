import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_tree import MemoryTree, read
from mutations import damaged

from leadline.model.package import Digest, Distro, Package
from leadline.sbom.cataloguers.chisel import chisel
from leadline.sbom.parsers.chisel_manifest import LARGEST

PATH = "var/lib/chisel/manifest.wall"
MANIFEST = b"""{"jsonwall":"1.0","schema":"1.0","count":7}
{"kind":"content","slice":"libexample1_libs","path":"/usr/lib/libexample.so.1"}
{"kind":"package","name":"libexample1","version":"2.4-1ubuntu1","sha256":"ab12","arch":"amd64"}
{"kind":"package","name":"base-example","version":"13"}
{"kind":"path","path":"/usr/lib/","mode":"0755","slices":["libexample1_libs"]}
{"kind":"path","path":"/usr/lib/libexample.so.1","mode":"0644","slices":["libexample1_libs"],"sha256":"cd34"}
{"kind":"slice","name":"libexample1_libs"}
"""


def packed(manifest: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(manifest)


def found(content: bytes) -> tuple[list[Package], str]:
    return read(chisel, MemoryTree({PATH: content}, Distro("ubuntu", "24.04")), PATH)


def test_manifest_is_read_whole() -> None:
    expected = [
        Package(
            "deb",
            "libexample1",
            "2.4-1ubuntu1",
            namespace="ubuntu",
            arch="amd64",
            found_in=(PATH,),
            qualifiers=(("distro", "ubuntu-24.04"),),
            digests=(Digest("sha256", "ab12"),),
            files=("usr/lib/libexample.so.1",),
        ),
        Package(
            "deb",
            "base-example",
            "13",
            namespace="ubuntu",
            found_in=(PATH,),
            qualifiers=(("distro", "ubuntu-24.04"),),
        ),
    ]
    packages, stops = found(packed(MANIFEST))
    assert (msgspec.to_builtins(packages), stops) == (msgspec.to_builtins(expected), "")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not begin as a manifest of Chisel does"),
        (b"plain", "is not compressed with Zstandard, or damaged"),
        (packed(b"{}\n"), "does not begin as a manifest of Chisel does"),
        (
            packed(MANIFEST[:43] + b'\n{"kind":"package","name":"x"}\n[1]\n'),
            "entries that make no sense or are missing: at least 3",
        ),
        (packed(bytes(LARGEST + 1)), "is larger than 64 MiB when unpacked"),
    ],
)
def test_what_cannot_be_read_is_named(content: bytes, why: str) -> None:
    assert found(content) == ([], why)


def test_manifest_cut_short_is_said_so() -> None:
    packages, stops = found(packed(MANIFEST[: MANIFEST.index(b'{"kind":"path"')]))
    assert [package.name for package in packages] == ["libexample1", "base-example"]
    assert stops == "entries that make no sense or are missing: at least 1"


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_manifest_is_unreadable_at_worst(data: st.DataObject) -> None:
    packages, _ = found(packed(data.draw(damaged(MANIFEST))))
    assert all(package.name and package.version for package in packages)
    found(data.draw(damaged(packed(MANIFEST))))
