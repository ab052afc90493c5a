"""SBOM documents in place of an image: SPDX 2.2 and 2.3, CycloneDX 1.2 to 1.7, Syft, all as JSON, CycloneDX as XML too.

A document may hold anything: entries that make no sense are named in ``Sbom.unread`` and the rest is kept.
"""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any

import orjson
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.model.package import Distro, Package, Sbom
from leadline.packages.file import Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.documents.cyclonedx import read_cyclonedx
from leadline.sbom.documents.cyclonedx_xml import as_json
from leadline.sbom.documents.fields import entries, fields, text
from leadline.sbom.documents.json import MOST_VALUES, parsed
from leadline.sbom.documents.sniff import OTHER_FORMS, in_utf_8
from leadline.sbom.documents.spdx import read_spdx
from leadline.sbom.documents.syft import read_syft
from leadline.sbom.identity.distro import end_of_life

LARGEST_BYTES = 512 << 20
MOST_LINES = 1_000
_SPDX = ("SPDX-2.2", "SPDX-2.3")
_CYCLONEDX = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")

_HINT = "SPDX 2.3, CycloneDX and Syft documents are read, as JSON; CycloneDX as XML too"

_UTF_16 = late_pattern(rb"\s*<\?xml[^>]{1,100}encoding\s*=\s*[\"']utf-16", re.IGNORECASE)

Reader = Callable[[Mapping[str, Any], str], Sbom]


def read_sbom_document(content: bytes, name: str, created: str, most_values: int = MOST_VALUES) -> Sbom:
    """The SBOM in ``content``; ``name`` is what messages call it, ``most_values`` how many it may hold.

    Raises:
        SourceError: it is none that can be read.
    """
    if len(content) > LARGEST_BYTES:
        raise SourceError(f"{name} is larger than {LARGEST_BYTES >> 20} MiB")
    document = fields(_document(_parsed(in_utf_8(content), name, most_values), name))
    reader = _reader(document, name)
    if reader is None:
        raise SourceError(f"{name} is not an SBOM", hint=_HINT)
    sbom = reader(document, name)
    distro = distro_of(sbom)
    return replace(sbom, distro=replace(distro, end_of_life=end_of_life(distro)), created=created)


def _parsed(content: bytes, name: str, most_values: int) -> list[object]:
    """One document, or one on each line."""
    if not content or content.isspace():
        raise SourceError(f"{name} is empty", hint=_HINT)
    try:
        return [parsed(content, name, most_values)]
    except orjson.JSONDecodeError as error:
        lines = _lines(content)
        if lines:
            return lines
        if content.lstrip().startswith(b"<"):
            return [_of_xml(content, name, most_values)]
        form = next((form for mark, form in OTHER_FORMS.items() if content.lstrip().startswith(mark)), "")
        if form:
            raise SourceError(f"{name} is {form}, not JSON", hint=_HINT) from error
        raise SourceError(f"{name} is not valid JSON: {error}", hint=_HINT) from error


def _of_xml(content: bytes, name: str, most_values: int) -> object:
    """A document of CycloneDX in the shape of JSON."""
    from leadline.packages.documents import read_xml  # few write it

    if content.count(b"<") > most_values:
        raise SourceError(f"{name} holds more than {most_values:,} values", hint=_HINT)
    # What is declared to be UTF-16 was so until ``in_utf_8``.
    encoding = "utf-8" if _UTF_16.match(content) else None
    try:
        document = as_json(read_xml(content, most_bytes=LARGEST_BYTES, encoding=encoding))
    except Unreadable as error:
        raise SourceError(f"{name} cannot be read: {error}") from error
    if document is None:
        raise SourceError(f"{name} is XML, but not CycloneDX", hint=_HINT)
    return document


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


_IDS = {
    "alma": "almalinux",
    "alpine linux": "alpine",
    "amazon": "amzn",
    "cbl-mariner": "mariner",
    "debian gnu/linux": "debian",
    "opensuse.leap": "opensuse-leap",
    "opensuse.tumbleweed": "opensuse-tumbleweed",
    "oracle": "ol",
    "red hat enterprise linux": "rhel",
    "redhat": "rhel",
    "suse linux enterprise server": "sles",
}
"""What others call it: Trivy has words of its own, and people write the name for the id."""


def distro_of(sbom: Sbom) -> Distro:
    """What the document says, else what most of its packages say."""
    distro = sbom.distro if sbom.distro.id else _distro_of_packages(sbom.packages)
    folded = distro.id.lower()
    id = _IDS.get(folded, folded)
    if id == "amzn":
        # Trivy takes over its release file: "2 (Karoo)", "AMI release 2018.03".
        distro = replace(distro, version=distro.version.removeprefix("AMI release ").partition(" ")[0])
    return distro if id == distro.id else replace(distro, id=id, name=distro.name or distro.id)


def _distro_of_packages(packages: tuple[Package, ...]) -> Distro:
    """By the qualifier ``distro`` of their URLs: ``debian-12``, or a part of it beside the namespace."""
    named = Counter(
        (package.namespace, value)
        for package in packages
        for key, value in package.qualifiers
        if key == "distro" and value
    )
    if not named:
        return Distro()
    (namespace, value), _ = named.most_common(1)[0]
    id, _, version = value.rpartition("-")
    if id:
        return Distro(id, version)
    if value[0].isdigit():
        return Distro(namespace, value) if namespace else Distro()
    return Distro(namespace, codename=value) if namespace and namespace != value else Distro(value)


DEEPEST = 8
_MARKS = ("spdxVersion", "bomFormat", "artifacts", "@context")
_KEYS = ("dsseEnvelope", "sbom", "predicate", "SPDX", "Data")


def unwrapped(document: object, name: str) -> object:
    """The SBOM inside ``document``, or what else lies at the bottom of it.

    Raises:
        SourceError: it holds several, is about something else, or its payload cannot be read.
    """
    about = ""
    for _ in range(DEEPEST):
        if not isinstance(document, dict) or is_sbom(document):
            return document
        written = document.get("predicateType")
        about = written if isinstance(written, str) and written else about
        inner = _inner(document, name)
        if inner is None:
            break
        document = inner
    if about and not is_sbom(document):
        raise SourceError(
            f"{name} is an attestation of {about[:80]}, no SBOM",
            hint="ask for the one of SPDX or CycloneDX",
        )
    return document


def is_sbom(document: object) -> bool:
    """Whether it looks like one without a wrapper."""
    return isinstance(document, dict) and any(mark in document for mark in _MARKS)


def _inner(document: dict[str, Any], name: str) -> object:
    """``None`` where nothing is wrapped."""
    if isinstance(document.get("payload"), str) and "payloadType" in document:
        try:
            return parsed(b64decode(document["payload"]), name)
        except ValueError as error:
            raise SourceError(f"{name} is a signed envelope whose payload is not JSON") from error
    for key in _KEYS:
        if isinstance(document.get(key), dict):
            return document[key]
    if isinstance(document.get("Data"), str):
        try:
            return parsed(document["Data"].encode(), name)
        except orjson.JSONDecodeError:
            return None
    return _of_platform(document, name)


def _of_platform(document: dict[str, Any], name: str) -> object:
    """BuildKit answers for several platforms at once: ``{"linux/amd64": {"SPDX": …}}``."""
    platforms = [key for key, value in document.items() if isinstance(value, dict) and "SPDX" in value]
    if len(platforms) > 1:
        raise SourceError(
            f"{name} holds SBOMs of {', '.join(platforms)[:200]}",
            hint="save one of them by itself",
        )
    return document[platforms[0]]["SPDX"] if platforms else None
