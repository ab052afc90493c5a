"""Dockerfiles as objects that controls judge, and the lines of what is found in them.

An object of a Dockerfile holds its instructions by name, in their order, each with what is wrong with it, and nothing of their text,
in which secrets may be::

    kind: Dockerfile
    RUN: [{}, {packageCache: what apt fetched stays in the image …}]
    USER: [{rootUser: user root …}]
    unknown: {floatingBase: which image it is depends on the argument BASE, which has no default}
"""

import re
from typing import Any

from leadline.kube.field_path import Step
from leadline.model.unread import Unread, UnreadReason
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.dockerfile.instructions import Dockerfile, RefusedError, read_dockerfile
from leadline.sources.manifests.files import is_dockerfile, is_manifest

KIND = "Dockerfile"
API_VERSION = "leadline.dev/v1"
_BASE = late_pattern(rb"^[ \t]*FROM[ \t]", re.MULTILINE | re.IGNORECASE)
_HEAD = 64 << 10
"""Bytes in which a text has to begin like one."""
_BEGINS = late_pattern(rb"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?:FROM|ARG)[ \t]+[^\s:]", re.IGNORECASE)


def is_dockerfile_text(name: str, content: bytes) -> bool:
    """Whether a text is a Dockerfile: by its name, or, where that says nothing, by how it begins."""
    return is_dockerfile(name) or (
        not is_manifest(name) and bool(_BEGINS.match(content[:_HEAD].replace(b"\r", b"")))
    )


def dockerfile_object(content: bytes, path: str) -> dict[str, Any]:
    """The object of the Dockerfile at ``path``.

    Raises: ``RefusedError`` where builders refuse it, or it is too large.
    """
    # Rules and patterns of credentials, which a folder without a Dockerfile does not load.
    from leadline.sbom.dockerfile.faults import faults_of

    file = read_dockerfile(content)
    body: dict[str, Any] = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": path}}
    places: list[dict[str, str]] = []
    for one in file.instructions:
        place: dict[str, str] = {}
        body.setdefault(one.name, []).append(place)
        places.append(place)
    for fault in faults_of(file):
        held = body.setdefault("unknown", {}) if fault.is_open else places[fault.at]
        held.setdefault(fault.rule, fault.why)
    return body


def unread_dockerfile(error: RefusedError, path: str) -> Unread:
    """What is to be said of one that cannot be read."""
    reason: UnreadReason = "too large" if error.is_too_large else "malformed"
    return Unread(path, f"Dockerfile: {error}", reason, error.line or 1, 1)


def may_be_dockerfile(content: bytes) -> bool:
    """Whether a text by a name that others use as well is meant to be one."""
    return bool(_BASE.search(content))


def find_instruction(file: Dockerfile, steps: tuple[Step, ...]) -> tuple[int, int]:
    """The line of the instruction at ``RUN[3]``, and how many of the steps lead there."""
    match steps:
        case (str(name), int(number), *_):
            lines = [one.line for one in file.instructions if one.name == name]
            if number < len(lines):
                return lines[number], 2
    return file.instructions[0].line, 0


def dockerfile_of(text: bytes) -> Dockerfile | None:
    """``None`` for one that cannot be read."""
    try:
        return read_dockerfile(text)
    except RefusedError:
        return None
