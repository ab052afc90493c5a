"""Rust crates linked into executables by cargo-auditable.

The section ``.dep-v0`` holds JSON packed by zlib
(https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md).
"""

import zlib

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, word
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.executable import executable_of

SECTIONS = (".dep-v0", "__DATA,.dep-v0")
JSON_BYTES = 8 << 20


@cataloguer("rust", executables=True)
def rust(binary: File) -> Packages:
    packed = executable_of(binary).section(*SECTIONS)
    if not packed:
        return
    for entry in entries(fields(_inflated(packed)).get("packages")):
        crate = fields(entry)
        name, version = word(crate.get("name")), word(crate.get("version"))
        if not name or not version:
            raise Unreadable("lists a crate without name or version")
        if word(crate.get("kind")) != "build":  # such crates ran while building and are not inside
            yield Package("cargo", name, version)


def _inflated(packed: bytes) -> object:
    import orjson  # as for other documents

    try:
        content = zlib.decompressobj().decompress(packed, JSON_BYTES + 1)
        if len(content) > JSON_BYTES:
            raise Unreadable("the list of crates inflates to more than is allowed")
        return orjson.loads(content)
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise Unreadable(f"the list of crates is damaged: {error}") from error
