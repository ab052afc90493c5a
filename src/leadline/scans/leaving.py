"""Reports that leave the organisation: every name gets a pseudonym, or only recipients can read them."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.report import PostureReport
from leadline.outputs.documents.sealing import sealed
from leadline.outputs.encryption import SUFFIX, Recipients, decrypted
from leadline.outputs.format_registry import Page
from leadline.outputs.pseudonyms.names import Names, read_names, revealed, write_names
from leadline.outputs.pseudonyms.report import pseudonymous
from leadline.outputs.rows.no_places import NoPlaces
from leadline.sources.regular_file import read_given, read_regular

_KEYS_BYTES = 1 << 20
_REPORT_BYTES = 512 << 20
_PUBLIC = ("age1", "ssh-")


class Leaving(Struct, frozen=True):
    """What becomes of reports on their way out."""

    names: Names | None = None
    """``None`` where names stay."""
    names_file: str = ""
    recipients: Recipients | None = None
    """``None`` where nothing is encrypted."""

    def path(self, path: str, *, is_terminal: bool) -> str:
        """Where a report for ``path`` is written, empty for standard output: encrypted files end in ``.age``.

        Raises: ``UsageError`` where it would go to a terminal encrypted.
        """
        if self.recipients is None:
            return path
        if is_terminal and not path:
            raise UsageError(
                "an encrypted report is not text for a terminal", hint="write it to a file, report.json.age"
            )
        return path and path.removesuffix(SUFFIX) + SUFFIX

    def report(self, report: PostureReport, page: Page) -> tuple[PostureReport, Page]:
        """The report and page that formats see. The file of names is written first, so that none is lost.

        Raises: ``StoreError`` where it cannot be written.
        """
        if self.names is None:
            return report, page
        masked = pseudonymous(sealed(report, page.places), self.names)
        names = self.names
        asked = replace(
            page.asked,
            include_namespaces=tuple(names.of(one, "namespace") for one in page.asked.include_namespaces),
            exclude_namespaces=tuple(names.of(one, "namespace") for one in page.asked.exclude_namespaces),
        )
        write_names(self.names_file, names)
        return masked, replace(
            page,
            places=NoPlaces(),
            again="",
            of_object="",
            rbac="",
            verdict=names.replaced(page.verdict),
            folder="",
            root="",
            asked=asked,
        )

    @property
    def seal(self) -> Callable[[bytes], bytes] | None:
        """What a whole file goes through before it is written; ``None`` for nothing."""
        return None if self.recipients is None else self.recipients.encrypted


def leaving_of(redact: str, encrypt: Iterable[str]) -> Leaving:
    """What the flags ask for, checked before anything is scanned.

    Raises: ``UsageError`` for keys and files that are none, ``StoreError`` for a file of names that others can read.
    """
    names = read_names(redact, may_be_new=True) if redact else None
    recipients = Recipients(tuple(_keys(encrypt))) if encrypt else None
    return Leaving(names, redact, recipients)


def _keys(words: Iterable[str]) -> Iterator[str]:
    """Public keys, and those in files that hold one a line."""
    for word in words:
        if word.startswith(_PUBLIC) or word.upper().startswith("AGE-SECRET-KEY-"):
            yield word
            continue
        if not Path(word).is_file():
            raise UsageError(
                f"{word[:60]} is neither a public key nor a file of them",
                hint="a key begins with age1 or ssh-",
            )
        lines = read_keys(word).decode("utf-8", "replace").splitlines()
        yield from (line for line in lines if line.strip() and not line.startswith("#"))


def read_keys(path: str) -> bytes:
    """Raises: ``SourceError`` where the file cannot be read."""
    try:
        return read_regular(path, _KEYS_BYTES)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error


def read_from(path: str, most: int) -> bytes:
    """A file, or standard input for ``-``; at most ``most`` bytes.

    Raises: ``SourceError`` where it cannot be read, or is longer.
    """
    if path != "-":
        return read_given(path, most)
    try:
        with os.fdopen(0, "rb", closefd=False) as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise SourceError(f"cannot read standard input: {(error.strerror or str(error)).lower()}") from error
    if len(content) > most:
        raise SourceError(f"standard input is larger than {most >> 20} MiB")
    return content


def decrypted_file(path: str, identity: str) -> bytes:
    """What ``path``, or standard input for ``-``, holds for the holder of the private key in ``identity``.

    Raises: ``SourceError``, ``UsageError``.
    """
    return decrypted(read_from(path, _REPORT_BYTES), read_keys(identity))


def revealed_file(path: str, names_file: str) -> str:
    """The text in ``path``, or standard input for ``-``, with the names that its pseudonyms stand for.

    Raises: ``SourceError``, ``UsageError``.
    """
    known = read_names(names_file, may_be_new=False)
    try:
        text = read_from(path, _REPORT_BYTES).decode()
    except UnicodeDecodeError:
        raise UsageError(
            f"{path} is not text", hint="a PDF cannot be turned back: reveal the report in another format"
        ) from None
    return revealed(text, known)
