""".NET assemblies that no ``*.deps.json`` need list: name and version from the version resource of each.

https://learn.microsoft.com/en-us/windows/win32/menurc/vs-versioninfo; that a program is managed shows in the
signature of its metadata (ECMA-335, II.24.2.1).
"""

import re

from leadline.model.package import Package
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.executable import PE, executable_of

METADATA_SIGNATURE = b"BSJB"
TEXT_BYTES = 1024

_FRAMEWORK = late_pattern(r"(?:^|/)(?:shared/[\w.]+\.App|sdk|packs/[\w.]+|host/fxr)/\d[^/]*/")
"""Folders of .NET itself. Its assemblies bear the version of the whole, which is not a version of a package of their
name; the ``*.deps.json`` among them names what they came in.

https://learn.microsoft.com/en-us/dotnet/core/distribution-packaging#disk-layout
"""
_VERSION = late_pattern(r"(?!0\.0\.)\d+(?:\.\d+)*[\w.-]*")
"""Beginning with 0.0 it is a version that was never filled in."""


@cataloguer("dotnet-assembly", executables=True, version=3)
def dotnet_assembly(library: File) -> Packages:
    if _FRAMEWORK.search(library.path) or library.data[:2] != PE or library.data.find(METADATA_SIGNATURE) < 0:
        return
    # Libraries compiled ahead of time, as those of .NET Core itself, have their resources within the code.
    resource = executable_of(library).section(".rsrc") or library.data
    start = resource.find("VS_VERSION_INFO".encode("utf-16-le")) - 6
    if start < 0:
        return
    file_name = _text(resource, start, "OriginalFilename") or _text(resource, start, "InternalName")
    name = re.sub(r"\.(?:dll|exe)$", "", file_name, flags=re.IGNORECASE)
    versions = (_text(resource, start, key) for key in ("ProductVersion", "FileVersion"))
    version = next((found[0] for text in versions if (found := _VERSION.match(text))), "")
    if name and version and "/" not in name:
        yield Package(
            "nuget",
            name,
            version,
            supplier=_text(resource, start, "CompanyName"),
            description=_text(resource, start, "FileDescription"),
        )


def _text(resource: bytes, start: int, key: str) -> str:
    """The text under ``key`` in the version resource that begins at ``start``; empty where there is none.

    A text is three 16-bit numbers, of which the second counts its characters, the key, a zero, blanks up to
    a multiple of four bytes, and the text itself.
    """
    written = key.encode("utf-16-le") + b"\0\0"
    at = resource.find(written, start)
    if at < 6:
        return ""
    count = int.from_bytes(resource[at - 4 : at - 2], "little")
    first = at + len(written)
    first += -(first - start) % 4
    content = resource[first : first + min(2 * count, TEXT_BYTES)]
    return content.decode("utf-16-le", "replace").partition("\0")[0].strip()
