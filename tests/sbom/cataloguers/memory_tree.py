"""A ``Tree`` held in a dictionary, for the tests of cataloguers."""

from collections.abc import Iterator, Mapping

from leadline.model.package import Distro, Package
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Cataloguer
from leadline.sbom.run_cataloguers import packages_from


class MemoryTree:
    def __init__(self, files: Mapping[str, bytes | str], distro: Distro | None = None) -> None:
        self.distro = distro or Distro()
        self._files = {
            path: File(path, content.encode() if isinstance(content, str) else content)
            for path, content in files.items()
        }

    def get(self, path: str) -> File | None:
        return self._files.get(path)

    def below(self, folder: str) -> Iterator[File]:
        prefix = f"{folder}/"
        return (self._files[path] for path in sorted(self._files) if path.startswith(prefix))

    def exists(self, path: str) -> bool:
        return path in self._files


def read(cataloguer: Cataloguer, tree: MemoryTree, path: str) -> tuple[list[Package], str]:
    """What ``cataloguer`` finds in the file at ``path``, and why it stopped early (empty where it did not)."""
    file = tree.get(path)
    assert file is not None
    packages: list[Package] = []
    try:
        for package in packages_from(cataloguer, file, tree):
            packages.append(package)
    except Unreadable as error:
        return packages, str(error)
    return packages, ""
