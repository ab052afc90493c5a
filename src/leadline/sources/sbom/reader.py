"""SBOM documents in place of an image: SPDX 2.2 and 2.3, CycloneDX 1.2 to 1.7, Syft, all as JSON.

A document may hold anything: entries that make no sense are named in ``Sbom.unread`` and the rest is kept.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any

import orjson
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.model.package import Sbom
from leadline.sbom.identity.distro import end_of_life
from leadline.sources.sbom.cyclonedx import read_cyclonedx
from leadline.sources.sbom.distro import distro_of
from leadline.sources.sbom.envelopes import is_sbom, unwrapped
from leadline.sources.sbom.fields import entries, fields, text
from leadline.sources.sbom.json import parsed
from leadline.sources.sbom.sniff import OTHER_FORMS, in_utf_8
from leadline.sources.sbom.spdx import read_spdx
from leadline.sources.sbom.syft import read_syft

LARGEST_BYTES = 512 << 20
MOST_LINES = 1_000
_SPDX = ("SPDX-2.2", "SPDX-2.3")
_CYCLONEDX = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")

_HINT = "SPDX 2.3, CycloneDX and Syft documents are read, as JSON"

Reader = Callable[[Mapping[str, Any], str], Sbom]


def read_sbom_document(content: bytes, name: str, created: str) -> Sbom:
    """The SBOM in ``content``; ``name`` is what messages call it.

    Raises:
        SourceError: it is none that can be read.
    """
    if len(content) > LARGEST_BYTES:
        raise SourceError(f"{name} is larger than {LARGEST_BYTES >> 20} MiB")
    document = fields(_document(_parsed(in_utf_8(content), name), name))
    reader = _reader(document, name)
    if reader is None:
        raise SourceError(f"{name} is not an SBOM", hint=_HINT)
    sbom = reader(document, name)
    distro = distro_of(sbom)
    return replace(sbom, distro=replace(distro, end_of_life=end_of_life(distro)), created=created)


def _parsed(content: bytes, name: str) -> list[object]:
    """One document, or one on each line."""
    if not content or content.isspace():
        raise SourceError(f"{name} is empty", hint=_HINT)
    try:
        return [parsed(content, name)]
    except orjson.JSONDecodeError as error:
        lines = _lines(content)
        if lines:
            return lines
        form = next((form for mark, form in OTHER_FORMS.items() if content.lstrip().startswith(mark)), "")
        if form:
            raise SourceError(f"{name} is {form}, not JSON", hint=_HINT) from error
        raise SourceError(f"{name} is not valid JSON: {error}", hint=_HINT) from error


def _lines(content: bytes) -> list[object]:
    """What builds on each line by itself; empty where not all of them are objects."""
    found: list[object] = []
    for line in filter(None, map(bytes.strip, BytesIO(content))):
        try:
            found.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            return []
        if not isinstance(found[-1], dict) or len(found) > MOST_LINES:
            return []
    return found


def _document(documents: list[object], name: str) -> object:
    """The one SBOM among ``documents``: an image has attestations of other kinds beside it."""
    if len(documents) == 1:
        return unwrapped(documents[0], name)
    found = []
    for document in documents:
        with suppress(SourceError):
            found.append(unwrapped(document, name))
    sboms = [one for one in found if is_sbom(one)]
    if len(sboms) > 1:
        raise SourceError(f"{name} holds {len(sboms):,} SBOMs", hint="save one of them by itself")
    return sboms[0] if sboms else None


def _reader(document: Mapping[str, Any], name: str) -> Reader | None:
    """``None`` for JSON that is something else.

    Raises: ``SourceError`` for a version that is not supported.
    """
    if "spdxVersion" in document:
        version = text(document["spdxVersion"])
        if version not in _SPDX:
            raise SourceError(
                f"{name} is {version[:40] or 'SPDX of no version'}", hint=f"{' and '.join(_SPDX)} are read"
            )
        return read_spdx
    if document.get("bomFormat") == "CycloneDX":
        version = text(document.get("specVersion"))
        if version not in _CYCLONEDX:
            raise SourceError(
                f"{name} is CycloneDX {version[:40] or 'of no version'}",
                hint=f"{_CYCLONEDX[0]} to {_CYCLONEDX[-1]} are read",
            )
        return read_cyclonedx
    if isinstance(document.get("artifacts"), list) and "descriptor" in document:
        return read_syft
    context = document.get("@context")
    if any("spdx.org/rdf/3" in text(one) for one in entries(context) or [context]):
        raise SourceError(f"{name} is SPDX 3", hint=f"{' and '.join(_SPDX)} are read")
    return None
