"""Files of waivers: our own YAML, the ecosystem's JSON of exceptions, objects of ``SecurityException``; known by their content."""

from collections.abc import Iterator
from typing import Any

import msgspec

from leadline.errors import SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.model.waiver import Waiver
from leadline.sources.regular_file import read_regular
from leadline.sources.waivers.exceptions import exception_of
from leadline.sources.waivers.label_selectors import NotUsableError
from leadline.sources.waivers.schema import VERSION, File, waiver_of
from leadline.sources.waivers.security_exceptions import is_security_exception, security_exception
from leadline.sources.yaml.parser import Document, Limits, parse_documents
from leadline.waivers.apply import why_unusable

LARGEST_BYTES = 4 << 20
MOST_WAIVERS = 10_000
_LIMITS = Limits(
    size_bytes=LARGEST_BYTES, documents=MOST_WAIVERS, nodes=1_000_000, alias_nodes=10_000, depth=50
)
_EXAMPLE = "waivers: [{reason: …, match: {controls: [C-0057]}}]"


def read_waivers(path: str) -> tuple[Waiver, ...]:
    """Every waiver of the file, in the order of writing.

    Raises:
        SourceError: it cannot be read, or is too large.
        UsageError: something in it cannot be used. A file that is half in force would be worse than none.
    """
    try:
        content = read_regular(path, LARGEST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    return waivers_in(content, path)


def waivers_in(content: bytes, path: str) -> tuple[Waiver, ...]:
    """Every waiver in ``content``, which is that of the file ``path``. Raises: as ``read_waivers``."""
    if len(content) > LARGEST_BYTES:
        raise SourceError(f"{path} is larger than {LARGEST_BYTES >> 20} MiB", hint="split it")
    documents = parse_documents(content, _LIMITS)
    for document in documents:
        if document.problem is not None:
            raise UsageError(f"{path}:{document.problem.line}: {document.problem.why}")
    found = tuple(waiver for document in documents for waiver in _of_document(document, path))
    if not documents:
        raise UsageError(f"{path} holds no waivers", hint=f"write for example {_EXAMPLE}")
    if len(found) > MOST_WAIVERS:
        raise UsageError(f"{path} holds more than {MOST_WAIVERS:,} waivers")
    for waiver in found:
        _check(waiver, path)
    return found


def _check(waiver: Waiver, path: str) -> None:
    why = why_unusable(waiver)
    if why:
        raise UsageError(f"{path}: the waiver {waiver.name[:200]}: {why}")


def _of_document(document: Document, path: str) -> Iterator[Waiver]:
    body = document.body
    if isinstance(body, list):
        if len(body) > MOST_WAIVERS:
            raise UsageError(f"{path} holds more than {MOST_WAIVERS:,} exceptions")
        for number, entry in enumerate(body):
            try:
                yield exception_of(entry, f"exception {number + 1}", path)
            except NotUsableError as error:
                raise UsageError(f"{path}: exception {number + 1}: {error}") from error
    elif isinstance(body, dict) and is_security_exception(body):
        waiver = security_exception(body, path)
        if isinstance(waiver, str):
            raise UsageError(f"{path}:{document.line}: {waiver}")
        yield msgspec.structs.replace(waiver, is_from_target=False)
    elif isinstance(body, dict) and "waivers" in body:
        yield from _own(body, path)
    else:
        raise UsageError(
            f"{path}:{document.line}: neither waivers nor exceptions", hint=f"write for example {_EXAMPLE}"
        )


def _own(body: dict[str, Any], path: str) -> Iterator[Waiver]:
    try:
        file = msgspec.convert(body, File)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {in_words(error)}") from error
    if file.version != VERSION:
        raise UsageError(f"{path}: version {file.version} is not known, this program reads {VERSION}")
    for number, entry in enumerate(file.waivers, 1):
        if not entry.reason.strip():
            raise UsageError(f"{path}: waiver {number} has no reason")
        yield waiver_of(entry, f"number {number}", path)
