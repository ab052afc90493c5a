"""Cases of cataloguers as TOML: the files of a tree, which of them are read, and the packages expected.

::

    read = ["var/lib/dpkg/status"]      # in this order
    stops = "…"                         # why the last one is Unreadable; left out where it is not
    distro = {id = "debian", version = "12"}
    [files]                             # text by path
    [binary]                            # name of a file beside the case, by path
    [[package]]                         # fields of Package; those with their default may be left out
"""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
from memory_tree import MemoryTree, read

from leadline.model.package import Distro, Package
from leadline.sbom.cataloguer import Cataloguer

HERE = Path(__file__).parent


def cases(folder: str) -> list[str]:
    """``folder/name`` of each case in ``folder``."""
    found = sorted(f"{folder}/{path.stem}" for path in (HERE / folder).glob("*.toml"))
    assert found, f"no cases in {folder}"
    return found


def tree_of(case: str) -> tuple[MemoryTree, dict[str, Any]]:
    """The tree of a case, and the whole case."""
    path = HERE / f"{case}.toml"
    content = tomllib.loads(path.read_text("utf-8"))
    files: dict[str, bytes | str] = dict(content.get("files", {}))
    for name, beside in content.get("binary", {}).items():
        files[name] = (path.parent / beside).read_bytes()
    return MemoryTree(files, msgspec.convert(content.get("distro", {}), Distro)), content


def assert_finds(cataloguer: Cataloguer, case: str) -> None:
    tree, content = tree_of(case)
    found: list[Package] = []
    stops = ""
    for path in content["read"]:
        packages, stops = read(cataloguer, tree, path)
        found += packages
    expected = [msgspec.convert(fields, Package) for fields in content["package"]]
    assert msgspec.to_builtins(found) == msgspec.to_builtins(expected)
    assert stops == content.get("stops", "")
