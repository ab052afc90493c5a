"""Go modules that a project requires: ``go.mod``, with checksums from the ``go.sum`` beside it.

https://go.dev/ref/mod#go-mod-file
"""

from collections.abc import Iterator
from posixpath import join

from leadline.image.cataloguer import File, Packages, Tree, Unreadable, cataloguer
from leadline.image.go_module import DEVELOPMENT, module_package

FILE_BYTES = 16 << 20


@cataloguer("golang-mod", names=("go.mod",), beside=("go.sum",), lock=True)
def golang_mod(requirements: File, tree: Tree) -> Packages:
    if len(requirements.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    checksums = _checksums(tree.get(join(requirements.folder, "go.sum")))
    required: dict[str, str] = {}
    replaced: dict[str, tuple[str, ...]] = {}
    for verb, columns in _directives(requirements.text):
        match verb, columns:
            case "require", [path, version, *_]:
                required[path] = version
            case "replace", [path, "=>", *by] if by:
                replaced[path] = tuple(by)
            case "replace", [path, version, "=>", *by] if by and required.get(path, version) == version:
                replaced[path] = tuple(by)
    for path, version in required.items():
        substitute = replaced.get(path, ())
        if len(substitute) > 1:
            path, version = substitute[0], substitute[1]
        elif substitute:  # a folder: what stands in it has no other name, and no version
            version = DEVELOPMENT
        yield module_package(path, version, checksums.get((path, version), ""))


def _directives(text: str) -> Iterator[tuple[str, list[str]]]:
    """``require a v1`` and every line of ``require ( … )`` alike; comments are left out."""
    block = ""
    for line in text.split("\n"):
        columns = [column.strip('"`') for column in line.partition("//")[0].split()]
        if not columns:
            continue
        if block and columns == [")"]:
            block = ""
        elif block:
            yield block, columns
        elif columns[-1] == "(":
            block = columns[0]
        else:
            yield columns[0], columns[1:]


def _checksums(sums: File | None) -> dict[tuple[str, str], str]:
    found = {}
    for line in sums.text.split("\n") if sums and len(sums.data) <= FILE_BYTES else ():
        columns = line.split()
        if len(columns) == 3:
            found[columns[0], columns[1]] = columns[2]
    return found
