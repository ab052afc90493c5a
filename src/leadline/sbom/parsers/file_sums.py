"""Checksums of files in the lists of dpkg and apk: what a list says of a file counts only where its checksum is the file's."""

import base64
import binascii
from hashlib import md5, sha1

from leadline.packages.file import File
from leadline.sbom.cataloguer import Tree

_OF_DPKG = "var/lib/dpkg/info"
_OF_APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")


class FileSums:
    """Reads a package's list when it is first asked about."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._dpkg: dict[str, dict[str, str] | None] = {}
        self._apk: dict[str, bytes] | None = None

    def deny(self, package: str, path: str) -> bool:
        """Whether the file at ``path`` is not the one that ``package`` brought. False where neither list nor file was kept."""
        file = self._tree.get(path)
        if file is None:
            return False
        sums = self._of_dpkg(package)
        if sums is not None:
            names = (path, path.removeprefix("usr/"))
            found = next((sums[name] for name in names if name in sums), "")
            return found != md5(file.data, usedforsecurity=False).hexdigest()
        listed = self._of_apk()
        return bool(listed) and listed.get(path) != sha1(file.data, usedforsecurity=False).digest()

    def _of_dpkg(self, package: str) -> dict[str, str] | None:
        if package not in self._dpkg:
            self._dpkg[package] = self._read_dpkg(package)
        return self._dpkg[package]

    def _read_dpkg(self, package: str) -> dict[str, str] | None:
        stems = (
            package,
            *(f"{package}:{arch}" for arch in ("amd64", "arm64", "armhf", "i386", "ppc64el", "s390x")),
        )
        held = next(filter(None, (self._tree.get(f"{_OF_DPKG}/{stem}.md5sums") for stem in stems)), None)
        if held is None:
            return None
        rows = (line.partition("  ") for line in held.text.splitlines())
        return {path.removeprefix("./"): digest for digest, _, path in rows}

    def _of_apk(self) -> dict[str, bytes]:
        if self._apk is None:
            held = next(filter(None, map(self._tree.get, _OF_APK)), None)
            self._apk = {} if held is None else _apk_sums(held)
        return self._apk


def _apk_sums(database: File) -> dict[str, bytes]:
    """``F:`` opens a folder, ``R:`` a file in it, ``Z:Q1`` and base 64 is its SHA-1."""
    found: dict[str, bytes] = {}
    folder = path = ""
    for line in database.text.splitlines():
        match line[:2]:
            case "F:":
                folder = line[2:]
            case "R:":
                path = f"{folder}/{line[2:]}" if folder else line[2:]
            case "Z:" if line[2:4] == "Q1":
                try:
                    found[path] = base64.b64decode(line[4:])
                except binascii.Error:
                    continue
    return found
