"""Whether the list of a distribution's package names a file by its checksum.

A list in an image is the word of who made the image. It takes a package away from the advisories of its ecosystem, so that it
counts only where the checksum beside the file is that of the file: of dpkg, of Chisel, of apk, of rpm and of pacman.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator

from leadline.model.package import Package
from leadline.packages.file import File, Unreadable
from leadline.sbom.layers.tree import MergedTree
from leadline.sbom.parsers import rpm_header
from leadline.sbom.parsers.chisel_manifest import chisel_lines
from leadline.sbom.parsers.content_sums import has_sum, sums_of
from leadline.sbom.parsers.rpm_database import RPM_ERRORS, rpm_blobs
from leadline.sbom.parsers.rpm_header import HeaderError, read_header

Sum = tuple[str, bytes]
"""Algorithm and digest."""
Listed = dict[str, Sum]
"""By path without a leading slash."""
_OF_DPKG = "var/lib/dpkg/info"
_ALGORITHMS_OF_APK = {"Q1": "sha1", "Q2": "sha256"}
_ALGORITHMS_OF_RPM = {1: "md5", 2: "sha1", 8: "sha256"}
"""https://www.rfc-editor.org/rfc/rfc4880#section-9.4"""
_MTREE_BYTES = 64 << 20
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")


class ListedSums:
    """Reads a list when it is first asked about."""

    def __init__(self, tree: MergedTree) -> None:
        self._tree = tree
        self._lists: dict[tuple[str, str], Listed] = {}
        self._of_rpm: dict[str, dict[str, Listed]] = {}

    def confirm(self, owner: Package, path: str) -> bool:
        """Whether the list of ``owner`` has the checksum of the file at ``path``. False where either is not known."""
        listed = self._of(owner)
        # Databases written before /lib and /bin became links still name files by the old place.
        algorithm, digest = listed.get(path) or listed.get(path.removeprefix("usr/")) or ("", b"")
        return bool(digest) and has_sum(self._sums(path), algorithm, digest)

    def _sums(self, path: str) -> bytes:
        one = self._tree.standing_at(path) or self._tree.standing_at(self._tree.resolve(path))
        if one is None:
            return b""
        content = one.facts.content
        return one.facts.sums if content is None else sums_of(content)

    def _of(self, owner: Package) -> Listed:
        database = owner.found_in[0] if owner.found_in else ""
        if owner.type == "rpm":
            return self._rpm(database, owner.name)
        key = (database, "" if owner.type == "apk" or database.endswith(".wall") else owner.name)
        if key not in self._lists:
            self._lists[key] = dict(self._read(owner, database))
        return self._lists[key]

    def _read(self, owner: Package, database: str) -> Iterator[tuple[str, Sum]]:
        file = self._tree.get(database)
        if file is None:
            return
        if owner.type == "apk":
            yield from _of_apk(file)
        elif owner.type == "alpm":
            mtree = self._tree.get(f"{file.folder}/mtree")
            yield from _of_mtree(mtree.data) if mtree is not None else ()
        elif file.name == "manifest.wall":
            yield from _of_chisel(file)
        else:
            name = owner.name
            stems = (
                f"{_OF_DPKG}/{name}",
                f"{_OF_DPKG}/{name}:{owner.arch}",
                database,
                f"{file.folder}/{name}",
            )
            held = next(filter(None, (self._tree.get(f"{stem}.md5sums") for stem in stems)), None)
            yield from _of_dpkg(held) if held is not None else ()

    def _rpm(self, database: str, name: str) -> Listed:
        if database not in self._of_rpm:
            self._of_rpm[database] = self._read_rpm(database)
        return self._of_rpm[database].get(name, {})

    def _read_rpm(self, database: str) -> dict[str, Listed]:
        found: dict[str, Listed] = {}
        file = self._tree.get(database)
        log = self._tree.get(f"{database}-wal")
        try:
            for blob in rpm_blobs(file.data, log.data if log else b"") if file is not None else ():
                try:
                    header = read_header(blob)
                except HeaderError:
                    continue
                algorithm = next(iter(header.numbers(rpm_header.FILE_DIGEST_ALGORITHM)), 1)
                if named := _ALGORITHMS_OF_RPM.get(algorithm):
                    found.setdefault(header.text(rpm_header.NAME), {}).update(
                        (path, (named, digest)) for path, digest in header.file_digests()
                    )
        except RPM_ERRORS:
            # The cataloguer has reported it.
            pass
        return found


def _of_dpkg(sums: File) -> Iterator[tuple[str, Sum]]:
    for line in sums.text.splitlines():
        digest, _, path = line.partition("  ")
        yield path.removeprefix("./").lstrip("/"), ("md5", hexadecimal(digest))


def _of_apk(database: File) -> Iterator[tuple[str, Sum]]:
    """``F:`` opens a folder, ``R:`` a file in it, ``Z:`` an algorithm and base 64 is its checksum."""
    folder = path = ""
    for line in database.text.splitlines():
        match line[:2]:
            case "F:":
                folder = line[2:]
            case "R:":
                path = f"{folder}/{line[2:]}" if folder else line[2:]
            case "Z:" if algorithm := _ALGORITHMS_OF_APK.get(line[2:4]):
                try:
                    yield path, (algorithm, base64.b64decode(line[4:].encode(), validate=True))
                except binascii.Error:
                    continue


def _of_chisel(manifest: File) -> Iterator[tuple[str, Sum]]:
    try:
        for line in chisel_lines(manifest.data):
            if line is not None and line.kind == "path":
                yield line.path.lstrip("/"), ("sha256", hexadecimal(line.final_sha256 or line.sha256))
    except Unreadable:
        return


def _of_mtree(packed: bytes) -> Iterator[tuple[str, Sum]]:
    """Lines of a path and ``key=value`` words, compressed with gzip (https://man.archlinux.org/man/mtree.5)."""
    reader = zlib.decompressobj(wbits=31)
    try:
        text = reader.decompress(packed, _MTREE_BYTES).decode("utf-8", "replace")
    except zlib.error:
        return
    for line in text.splitlines():
        path, _, words = line.partition(" ")
        digest = next((one[13:] for one in words.split() if one.startswith("sha256digest=")), "")
        if path.startswith("./") and digest:
            yield _unescaped(path[2:]), ("sha256", hexadecimal(digest))


def _unescaped(path: str) -> str:
    """Three octal digits behind a backslash are a byte."""
    if "\\" not in path:
        return path
    return (
        _OCTAL.sub(lambda match: chr(int(match[1], 8)), path)
        .encode("latin-1", "replace")
        .decode("utf-8", "replace")
    )


def hexadecimal(text: str) -> bytes:
    """Empty for what is not hexadecimal."""
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        return b""


def owners_by_file(packages: Iterable[Package], types: frozenset[str]) -> dict[str, Package]:
    """The package of one of ``types`` that lists a path."""
    return {path: package for package in packages if package.type in types for path in package.files}
