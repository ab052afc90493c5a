import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_tree import MemoryTree, read

from leadline.model.package import Package
from leadline.sbom.cataloguers.java_runtime import java_runtime

PATH = "opt/java/release"
RELEASES = {
    'IMPLEMENTOR="Debian"\nJAVA_RUNTIME_VERSION="17.0.9+9-Debian-1"\nJAVA_VERSION="17.0.9"\n': Package(
        "generic",
        "openjdk",
        "17.0.9+9-Debian-1",
        found_in=(PATH,),
        cpes=(r"cpe:2.3:a:oracle:openjdk:17.0.9\+9-Debian-1:*:*:*:*:*:*:*",),
        supplier="Debian",
    ),
    'JAVA_VERSION="1.8.0_392"\nOS_NAME="Linux"\n': Package(
        "generic",
        "openjdk",
        "1.8.0_392",
        found_in=(PATH,),
        cpes=("cpe:2.3:a:oracle:openjdk:1.8.0_392:*:*:*:*:*:*:*",),
    ),
    'IMPLEMENTOR="Azul Systems, Inc."\nJAVA_VERSION="21.0.1"\n': Package(
        "generic",
        "zulu",
        "21.0.1",
        found_in=(PATH,),
        cpes=(
            "cpe:2.3:a:azul:zulu:21.0.1:*:*:*:*:*:*:*",
            "cpe:2.3:a:oracle:openjdk:21.0.1:*:*:*:*:*:*:*",
        ),
        supplier="Azul Systems, Inc.",
    ),
}


@pytest.mark.parametrize("text", RELEASES)
def test_runtime_is_known_by_its_release_file(text: str) -> None:
    packages, stops = read(java_runtime, MemoryTree({PATH: text}), PATH)
    assert (msgspec.to_builtins(packages), stops) == (msgspec.to_builtins([RELEASES[text]]), "")


@pytest.mark.parametrize(
    "text", ["", "CentOS release 6.10 (Final)\n", 'JAVA_VERSION=""\n', 'JAVA_VERSION="$(id)"\n']
)
def test_other_release_files_tell_nothing(text: str) -> None:
    assert read(java_runtime, MemoryTree({PATH: text}), PATH) == ([], "")


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: f'JAVA_VERSION="{text}"'.encode()))
def test_any_content_is_read_without_fault(content: bytes) -> None:
    assert len(read(java_runtime, MemoryTree({PATH: content}), PATH)[0]) <= 1
