"""Words of a feed's document, checked and cut to what a database may hold; and a list of what was left out."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgspec import DecodeError, Raw, ValidationError, json

from leadline.foreign_errors import in_words
from leadline.model.vulnerability import Fact
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document

LONGEST_NAME = 512
LONGEST_VERSION = 256
LONGEST_SUMMARY = 300
LONGEST_REFERENCE = 500
MOST_REFERENCES = 5
MOST_NAMED = 3
"""Records named in one message."""
MOST_AFFECTED = 20_000
"""Of one advisory. The largest kernel advisories list some thousand packages."""
MOST_RANGES = 2_000
MOST_VERSIONS = 20_000

_MOST_TEXT = 1 << 14
"""Characters of a long text that are looked at."""

T = TypeVar("T")

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+~/@-]{0,127}")
_NAME = re.compile(r"[^\s\x00-\x1f\x7f<>\"'\\{}]+(?: [^\s\x00-\x1f\x7f<>\"'\\{}]+)*")
_VERSION = re.compile(r"[^\s\x00-\x1f\x7f<>\"'\\{}|,;=!]+")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?")
_CWE = re.compile(r"CWE-\d{1,6}")
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t].*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\([^()\s]{0,500}\)")
"""Bounded, so that a text of brackets takes no longer than another."""
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}")


class LeftOut:
    """Collects what of a document makes no sense; the document is named once, at its end."""

    def __init__(self) -> None:
        self._named: list[str] = []
        self._count = 0

    def add(self, where: str, why: object) -> None:
        self._count += 1
        if len(self._named) < MOST_NAMED:
            text = " ".join(f"{where[:80]}: {why}".split())
            self._named.append(text[:200])

    def check(self) -> None:
        """Raises ``Unreadable`` where anything was left out."""
        if self._count:
            more = f" and {self._count - len(self._named)} more" if self._count > len(self._named) else ""
            raise Unreadable(f"left out {'; '.join(self._named)}{more}")


def each(records: Iterable[tuple[str, T]], read: Callable[[T], Iterable[Fact]]) -> Iterator[Fact]:
    """The facts of every record. Raises ``Unreadable`` at the end, naming those that made no sense."""
    left_out = LeftOut()
    for name, record in records:
        try:
            yield from read(record)
        except Unreadable as error:
            left_out.add(name, error)
    left_out.check()


def decode(content: bytes | Raw, type: type[T], what: str = "this") -> T:
    """JSON as ``type``. Raises ``Unreadable``."""
    data = content if isinstance(content, bytes) else bytes(content)
    if not data.strip():
        raise Unreadable("empty")
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        raise Unreadable("a web page or XML where JSON was expected")
    try:
        return json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=type)
    except ValidationError as error:
        raise Unreadable(f"{what} has another shape than expected: {in_words(error)[:160]}") from error
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{what} is not JSON, or cut short: {in_words(error)[:160]}") from error


def text_of(document: Document) -> str:
    """The document's text. Raises ``Unreadable`` where it is empty, or not text."""
    if not document.data.strip():
        raise Unreadable("empty")
    try:
        return document.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8") from error


def identifier(word: str | None) -> str:
    """Raises ``Unreadable`` where ``word`` is not an id of an advisory."""
    found = (word or "").strip()
    if not _IDENTIFIER.fullmatch(found):
        raise Unreadable(f"no id of an advisory: {found[:60]!r}" if found else "no id")
    return found


def identifiers(words: Iterable[str] | None) -> tuple[str, ...]:
    """Those of ``words`` that are ids, each once."""
    found = (word.strip() for word in words or ())
    return tuple(dict.fromkeys(word for word in found if _IDENTIFIER.fullmatch(word)))


def cves(words: Iterable[str] | str | None) -> tuple[str, ...]:
    """The CVE ids in ``words``, each once, in their order."""
    given = (words,) if isinstance(words, str) else words or ()
    return tuple(dict.fromkeys(cve for word in given for cve in _CVE.findall(word)))


def name(word: str | None) -> str:
    """Raises ``Unreadable`` where ``word`` is not a name of a package."""
    found = (word or "").strip()
    if not found:
        raise Unreadable("no package")
    if len(found) > LONGEST_NAME or not _NAME.fullmatch(found):
        raise Unreadable(f"no name of a package: {found[:60]!r}")
    return found


def version(word: object) -> str:
    """Raises ``Unreadable`` where ``word`` is not a version."""
    found = str(word).strip() if isinstance(word, (str, int, float)) else ""
    if not found:
        raise Unreadable("a range without a version")
    if len(found) > LONGEST_VERSION or not _VERSION.fullmatch(found):
        raise Unreadable(f"no version: {found[:60]!r}")
    return found


def introduced(word: object) -> str:
    """As ``version``; ``0`` and ``-`` mean from the start, which is empty."""
    found = version(word)
    return "" if found in ("0", "-") else found


def date(word: str | None) -> str:
    """A date, or a time in UTC where a zone is missing; empty where there is none."""
    found = _DATE.match((word or "").strip())
    if found is None or found[1] < "1970":
        return ""
    if not found[2]:
        return found[1]
    clock, zone = found[2], found[3] or "Z"
    zone = zone if len(zone) != len("+0000") else f"{zone[:3]}:{zone[3:]}"
    return f"{found[1]}T{clock if len(clock) == len('00:00:00') else clock + ':00'}{zone}"


def line(word: str | None) -> str:
    """One line, shortened."""
    found = " ".join((word or "")[: 4 * LONGEST_SUMMARY].split())
    return found if len(found) <= LONGEST_SUMMARY else f"{found[: LONGEST_SUMMARY - 1]}…"


def first_sentences(text: str | None) -> str:
    """As many whole sentences as one line holds, out of Markdown: without headings, code and the marks of links."""
    found = _CODE.sub(" ", (text or "")[:_MOST_TEXT])
    found = _HEADING.sub("", found)
    found = " ".join(_LINK.sub(r"\1", found).replace("`", "").replace("**", "").split())
    if len(found) <= LONGEST_SUMMARY:
        return found
    end = max(found.rfind(mark, 0, LONGEST_SUMMARY) for mark in (". ", "! ", "? "))
    return found[: end + 1] if end > 0 else f"{found[: LONGEST_SUMMARY - 1]}…"


def links(words: Iterable[str | None]) -> tuple[str, ...]:
    """Addresses of web pages, each once, a handful."""
    found: dict[str, None] = {}
    for word in words:
        link = (word or "").strip()
        if link.startswith(("https://", "http://")) and len(link) <= LONGEST_REFERENCE and link.isprintable():
            found[link] = None
        if len(found) == MOST_REFERENCES:
            break
    return tuple(found)


def weaknesses(words: Iterable[str] | None) -> tuple[str, ...]:
    """``CWE-79`` …, each once."""
    return tuple(dict.fromkeys(cwe for word in words or () for cwe in _CWE.findall(word)))
