"""Every cataloguer of a language, on the files of ``ecosystems/NAME``, against ``ecosystems/NAME/expected.json``.

The files of a folder are one tree. To look at the outcome of a change:
``PYTHONPATH=tests/sbom/cataloguers python tests/sbom/cataloguers/test_ecosystems.py NAME`` prints what ``expected.json`` would have to be.
"""

import json
import sys
from pathlib import Path

import msgspec
import pytest
from memory_tree import MemoryTree, read

from leadline.discover import discover, members
from leadline.model.package import Package
from leadline.sbom import cataloguers
from leadline.sbom.cataloguer import Cataloguer
from leadline.sbom.layers.file_selector import FileSelector

FOLDER = Path(__file__).parent / "ecosystems"
CATALOGUERS = {one.name: one for one in discover(cataloguers, Cataloguer)}
NOTHING = msgspec.to_builtins(Package("", "", ""))


def test_a_file_of_lock_files_alone_is_called_so():
    """An image has no use for them, and does not import them."""
    files: dict[str, list[bool]] = {}
    for name, _, one in members(cataloguers, Cataloguer):
        files.setdefault(name, []).append(one.lock)
    assert [name for name, locks in files.items() if all(locks) != name.endswith("_lock")] == []


def tree_of(name: str) -> dict[str, bytes]:
    folder = FOLDER / name
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "expected.json"
    }


def catalogued(name: str) -> dict[str, object]:
    """What is found in each file that the cataloguer asks for."""
    files = tree_of(name)
    tree, wishes = MemoryTree(files), FileSelector([CATALOGUERS[name]])
    found: dict[str, object] = {}
    for path in files:
        wish = wishes.of(path)
        if wish and wish.readers:
            packages, complaint = read(CATALOGUERS[name], tree, path)
            found[path] = [without_defaults(package) for package in packages]
            if complaint:
                found[path] = {"found": found[path], "unreadable": complaint}
    return found


def without_defaults(package: Package) -> dict[str, object]:
    return {key: value for key, value in msgspec.to_builtins(package).items() if value != NOTHING[key]}


@pytest.mark.parametrize("name", sorted(folder.name for folder in FOLDER.iterdir()))
def test_every_package_is_found_with_all_that_is_told_of_it(name: str) -> None:
    expected = json.loads((FOLDER / name / "expected.json").read_text())
    assert json.loads(json.dumps(catalogued(name))) == expected


if __name__ == "__main__":
    print(json.dumps(catalogued(sys.argv[1]), indent=1))
