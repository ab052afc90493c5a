"""Stable pseudonyms: the same text gets the same one wherever it is, in every report made with one key.

The file that turns them back holds that key and every text that has a pseudonym. Anyone who has it can read the reports; it stays
with their owner. It is written whole, mode 0600, and refused where others could have written or read it.
"""

import base64
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from html import escape
from pathlib import Path

import msgspec
from msgspec import Struct

from leadline.errors import StoreError, UsageError
from leadline.whole_file import write_whole

_LENGTH = 10
"""Characters of a pseudonym after its sort, 5 bits each."""
PSEUDONYM = re.compile(r"\b[a-z]+-[a-z2-7]{10,20}\b")
BUILT_IN = frozenset(
    ("", "*", "-", ".", "..", "default", "kube-system", "kube-public", "kube-node-lease", "cluster-admin", "admin", "edit", "view")
)  # fmt: skip
"""What every cluster has by these names is public."""
_SYSTEM = re.compile(r"system:[a-z:-]+")
_SUSPICIOUS = re.compile(r"[^\s\"'`(),;]*[^\s\"'`(),;]")
_CONTROL = re.compile(r"[A-Z]{1,4}-\d{3,5}")
_NUMBER = re.compile(r"v?\d[\d.,:%]*(?:[a-zA-Z]{1,3})?")
_WORD = re.compile(r"[A-Za-z]+(?:['’-][a-z]+)*[.:!?…]*")


def words_of(text: str) -> frozenset[str]:
    """Words that blanks and line ends part."""
    return frozenset(text.split())


class Names:
    """Texts and their pseudonyms."""

    def __init__(self, key: bytes, known: Mapping[str, str] | None = None) -> None:
        """``known``: pseudonym to text, of earlier reports."""
        self.key = key
        self.texts: dict[str, str] = dict(known or {})
        """Pseudonym to text."""
        self._own: dict[str, str] = {text: pseudonym for pseudonym, text in self.texts.items()}
        self._pattern: re.Pattern[str] | None = None

    def of(self, text: str, sort: str) -> str:
        """The pseudonym of ``text``: ``namespace-k3f9a2x7qq``; what Kubernetes itself calls so keeps its name."""
        if text in BUILT_IN or _SYSTEM.fullmatch(text):
            return text
        if text not in self._own:
            digest = hmac.digest(self.key, text.encode("utf-8", "surrogatepass"), "sha256")
            letters = base64.b32encode(digest).decode().lower()
            length = _LENGTH
            while self.texts.get(f"{sort}-{letters[:length]}", text) != text:
                length += 1
            self._own[text] = f"{sort}-{letters[:length]}"
            self.texts[self._own[text]] = text
            self._pattern = None
        return self._own[text]

    def path(self, path: str) -> str:
        """Each folder and the file by itself; an ending of a few letters stays."""
        return "/".join(self._segment(part) for part in path.split("/"))

    def _segment(self, part: str) -> str:
        stem, dot, ending = part.rpartition(".")
        if stem and dot and ending in _ENDINGS:
            return f"{self.of(stem, 'file')}.{ending}"
        return self.of(part, "folder")

    def replaced(self, text: str) -> str:
        """A sentence of ours with a pseudonym for every name in it that is known by now."""
        if self._own:
            if self._pattern is None:
                longest = sorted(self._own, key=len, reverse=True)
                self._pattern = re.compile(
                    r"(?<![\w-])(?:" + "|".join(map(re.escape, longest)) + r")(?![\w-])"
                )
            text = self._pattern.sub(lambda found: self._own[found[0]], text)
        return text

    def sentence(self, text: str) -> str:
        """A sentence in which any name may be: those that are known, and every word that is not plain one, are replaced."""
        return _SUSPICIOUS.sub(self._word, self.replaced(text))

    def _word(self, found: re.Match[str]) -> str:
        word = found[0]
        if any(one.fullmatch(word) for one in (_WORD, _CONTROL, _NUMBER, PSEUDONYM)) or word in BUILT_IN:
            return word
        return "/".join(
            part if PSEUDONYM.fullmatch(part) or part in BUILT_IN else self.of(part, "name")
            for part in word.split("/")
        )


_ENDINGS = frozenset(("yaml", "yml", "json", "tpl", "tgz", "gz", "tar", "toml", "md", "txt"))


_MARKUP = (b"<!doctype", b"<?xml", b"<html")


def revealed(content: str, names: Names) -> str:
    """``content`` with the text for each pseudonym that ``names`` knows, escaped as the file's own form asks for."""
    head = content.lstrip()[:16].lower().encode("utf-8", "replace")
    is_json, is_markup = head[:1] in (b"{", b"["), head.startswith(_MARKUP)

    def text(pseudonym: str) -> str:
        found = names.texts.get(pseudonym)
        if found is None:
            return pseudonym
        if is_json:
            return json.dumps(found, ensure_ascii=False)[1:-1]
        return escape(found) if is_markup else found

    return PSEUDONYM.sub(lambda found: text(found[0]), content)


_FORMAT = "leadline-names-1"
_MOST_BYTES = 256 << 20
_KEY_BYTES = 32


class _Content(Struct):
    format: str
    key: str
    """32 bytes in base64."""
    names: dict[str, str]
    """Pseudonym to text."""


def read_names(path: str, *, may_be_new: bool) -> Names:
    """The names in the file; new ones with a fresh key where it is not there and ``may_be_new``.

    Raises: ``UsageError`` for a file that is none of these, ``StoreError`` for one that others can read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        if may_be_new:
            return Names(secrets.token_bytes(_KEY_BYTES))
        raise UsageError(f"no such file: {path}", hint="it is the file that --redact wrote") from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is not a file of names")
        if hasattr(os, "geteuid") and status.st_mode & 0o077:
            raise StoreError(f"{path} can be read by others than its owner", hint=f"chmod 600 {path}")
        content = stream.read(_MOST_BYTES + 1)
    try:
        read = msgspec.json.decode(content, type=_Content)
        key = base64.b64decode(read.key, validate=True)
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError(
            f"{path} is not a file of names", hint="--redact writes one where none is"
        ) from error
    if read.format != _FORMAT or len(key) != _KEY_BYTES or len(content) > _MOST_BYTES:
        raise UsageError(f"{path} is not a file of names", hint="--redact writes one where none is")
    return Names(key, read.names)


def write_names(path: str, names: Names) -> None:
    """Writes the file whole, readable by its owner alone.

    Raises: ``StoreError`` where it cannot be written.
    """
    content = msgspec.json.encode(_Content(_FORMAT, base64.b64encode(names.key).decode(), names.texts))
    try:
        write_whole(Path(path), content, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
