"""Packages of which Chisel cut slices: Ubuntu images without dpkg.

Format: ``manifest.wall``, lines of JSON compressed with Zstandard; the first is a heading, each of the others
has a ``kind`` (https://documentation.ubuntu.com/chisel/en/latest/reference/manifest/).
"""

import io
from collections.abc import Iterator

import msgspec
import zstandard

from leadline.model.package import Digest, Package
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.identity.distro import distro_qualifiers

LARGEST = 64 << 20
"""Bytes of the list when unpacked; that of a large image has some hundred thousand paths of 200 bytes."""


class Line(msgspec.Struct, frozen=True):
    """One line: of kind ``package`` with the first fields, of kind ``path`` with the last."""

    kind: str = ""
    name: str = ""
    version: str = ""
    sha256: str = ""
    arch: str = ""
    path: str = ""
    slices: tuple[str, ...] = ()
    """``PACKAGE_SLICE``."""


class Heading(msgspec.Struct, frozen=True):
    jsonwall: str
    count: int = 0
    """Of all lines, this one included."""


@cataloguer("chisel", folders=("var/lib/chisel",))
def chisel(manifest: File, tree: Tree) -> Packages:
    if manifest.name != "manifest.wall":
        return
    packages: list[Line] = []
    files: dict[str, list[str]] = {}
    damaged = 0
    for line in _lines(manifest.data):
        if line is None or (line.kind == "package" and not (line.name and line.version)):
            damaged += 1
        elif line.kind == "package":
            packages.append(line)
        elif line.kind == "path" and not line.path.endswith("/"):
            for owner in {one.partition("_")[0] for one in line.slices}:
                files.setdefault(owner, []).append(line.path.lstrip("/"))
    for line in packages:
        yield Package(
            type="deb",
            name=line.name,
            version=line.version,
            namespace=tree.distro.id or "ubuntu",
            arch=line.arch,
            found_in=(manifest.path,),
            qualifiers=distro_qualifiers(tree.distro),
            digests=(Digest("sha256", line.sha256),) if line.sha256 else (),
            files=tuple(files.get(line.name, ())),
        )
    if damaged:
        raise Unreadable(f"entries that make no sense or are missing: at least {damaged}")


def _lines(content: bytes) -> Iterator[Line | None]:
    """The lines after the heading; ``None`` for one that makes no sense, and once for all that are missing."""
    decoder = msgspec.json.Decoder(Line)
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(io.BytesIO(content)) as stream:
            plain = stream.read(LARGEST + 1)
    except zstandard.ZstdError as error:
        raise Unreadable("is not compressed with Zstandard, or damaged") from error
    if len(plain) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST >> 20} MiB when unpacked")
    heading, *lines = plain.split(b"\n")
    try:
        count = msgspec.json.decode(heading, type=Heading).count
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("does not begin as a manifest of Chisel does") from error
    entries = [line for line in lines if line.strip()]
    for entry in entries:
        try:
            yield decoder.decode(entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield None
    if len(entries) < count - 1:
        yield None
