"""Finished bills of materials in place of an image: SPDX 2.2 and 2.3, CycloneDX 1.2 to 1.7, Syft, all as JSON.

A document is a stranger's: entries that make no sense are named in ``Sbom.unread`` and the rest is kept.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.image.distro import end_of_life
from leadline.model.package import Sbom
from leadline.sources.sbom_cyclonedx import read_cyclonedx
from leadline.sources.sbom_distro import distro_of
from leadline.sources.sbom_entries import text
from leadline.sources.sbom_sniff import BYTE_ORDER_MARK, OTHER_FORMS
from leadline.sources.sbom_spdx import read_spdx
from leadline.sources.sbom_syft import read_syft

LARGEST_BYTES = 512 << 20
_SPDX = ("SPDX-2.2", "SPDX-2.3")
_CYCLONEDX = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")

_WRAPPERS = ("sbom", "predicate", "SPDX")

Reader = Callable[[Mapping[str, Any], str], Sbom]


def read_sbom_document(content: bytes, name: str, created: str) -> Sbom:
    """The bill of materials in ``content``; ``name`` is what messages call it.

    Raises:
        SourceError: it is none that can be read.
    """
    hint = "SPDX 2.3, CycloneDX and Syft documents are read, as JSON"
    if len(content) > LARGEST_BYTES:
        raise SourceError(f"{name} is larger than {LARGEST_BYTES >> 20} MiB")
    plain = content.removeprefix(BYTE_ORDER_MARK)
    if not plain.strip():
        raise SourceError(f"{name} is empty", hint=hint)
    try:
        document = orjson.loads(plain)
    except orjson.JSONDecodeError as error:
        if plain.lstrip().startswith(OTHER_FORMS):
            raise SourceError(f"{name} is no JSON", hint=hint) from error
        raise SourceError(f"{name} is no valid JSON: {error}", hint=hint) from error
    document = _unwrapped(document)
    reader = _reader(document, name) if isinstance(document, dict) else None
    if reader is None:
        raise SourceError(f"{name} is no bill of materials", hint=hint)
    sbom = reader(document, name)
    distro = distro_of(sbom)
    return replace(sbom, distro=replace(distro, end_of_life=end_of_life(distro)), created=created)


def _unwrapped(document: Any) -> Any:
    """What GitHub's export, an in-toto statement or BuildKit's attestation holds inside."""
    if isinstance(document, dict):
        for key in _WRAPPERS:
            if isinstance(document.get(key), dict):
                return document[key]
    return document


def _reader(document: Mapping[str, Any], name: str) -> Reader | None:
    """``None`` for JSON that is something else.

    Raises: ``SourceError`` for a version that nobody here reads.
    """
    if "spdxVersion" in document:
        version = text(document["spdxVersion"])
        if version not in _SPDX:
            raise SourceError(f"{name} is {version[:40]}", hint=f"{' and '.join(_SPDX)} are read")
        return read_spdx
    if document.get("bomFormat") == "CycloneDX":
        version = text(document.get("specVersion"))
        if version not in _CYCLONEDX:
            raise SourceError(
                f"{name} is CycloneDX {version[:40]}", hint=f"{_CYCLONEDX[0]} to {_CYCLONEDX[-1]} are read"
            )
        return read_cyclonedx
    if isinstance(document.get("artifacts"), list) and "descriptor" in document:
        return read_syft
    if "@context" in document and "spdx" in text(document["@context"]).lower():
        raise SourceError(f"{name} is SPDX 3", hint=f"{' and '.join(_SPDX)} are read")
    return None
