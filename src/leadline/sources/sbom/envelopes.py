"""What SBOM documents come wrapped in: exports of GitHub, statements of in-toto, signed envelopes, BuildKit's answers."""

from base64 import b64decode
from typing import Any

import orjson

from leadline.errors import SourceError
from leadline.sources.sbom.json import parsed

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
