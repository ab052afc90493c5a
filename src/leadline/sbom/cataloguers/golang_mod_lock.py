"""Go modules that a project requires: ``go.mod`` (https://go.dev/ref/mod#go-mod-file)."""

from collections.abc import Iterator

from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.go_module import DEVELOPMENT, module_package

FILE_BYTES = 16 << 20


@cataloguer("golang-mod", names=("go.mod",), lock=True)
def golang_mod(requirements: File) -> Packages:
    if len(requirements.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    required: dict[str, str] = {}
    replaced: dict[tuple[str, str], list[str]] = {}
    is_named = not requirements.data.strip()
    for verb, columns in _directives(requirements.text):
        match verb, columns:
            case "module", [_, *_]:
                is_named = True
            case "require", [path, version, *_]:
                required[path] = version
            case "replace", [path, "=>", *by] if by:
                replaced[path, ""] = by
            case "replace", [path, version, "=>", *by] if by:
                replaced[path, version] = by
    for path, version in required.items():
        match replaced.get((path, version)) or replaced.get((path, "")):
            case [substitute, its_version, *_]:
                path, version = substitute, its_version
            case [_]:  # a folder: what stands in it has no other name, and no version
                version = DEVELOPMENT
        yield module_package(path, version)
    if not is_named:
        raise Unreadable("declares no module")


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
