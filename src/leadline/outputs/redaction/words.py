"""The words of a command line without their secrets, whatever program they are for."""

import re
from collections.abc import Sequence
from functools import lru_cache

from leadline.outputs.redaction.bodies import is_strong, redacted_object
from leadline.outputs.redaction.shapes import HIDDEN

_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|cookie|set-cookie|x-[a-z-]*(?:key|token|auth))(\s*:\s*)\S.*", re.DOTALL
)
_USER_FLAGS = frozenset({"-u", "-U", "--user", "--proxy-user", "--userpwd"})
_SECRET_FLAGS = {
    "sshpass": ("-p",),
    "redis-cli": ("-a", "--pass"),
    "mysql": ("-p",),
    "mysqldump": ("-p",),
    "mariadb": ("-p",),
    "mongosh": ("-p",),
    "mongo": ("-p",),
    "ldapsearch": ("-w",),
    "smbclient": ("-A",),
    "htpasswd": (),
}
"""Flags of one letter whose value is a password, with which programs."""


_BETWEEN = re.compile(r"(\s+|[;|&()]+)")
_LONGEST_INNER = 4_096
_SHORTEST_STRONG = 8


@lru_cache(maxsize=8_192)
def redacted_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """``words``, the program first. What looks like a secret is hidden, rather one word too many."""
    return tuple(_inner(word) if " " in word else word for word in _redacted(words))


def _redacted(words: Sequence[str]) -> list[str]:
    shown: Sequence[str] = redacted_object({"args": list(words)})["args"]
    flags = _SECRET_FLAGS.get(words[0].rpartition("/")[2], ()) if words else ()
    before = ""
    found = []
    for word in shown:
        found.append(_shown(word, before, flags))
        before = word
    return found


def _inner(word: str) -> str:
    """A command line within one word, as ``sh -c`` has it."""
    parts = _BETWEEN.split(word[:_LONGEST_INNER])
    commands: list[list[int]] = [[]]
    for at in range(0, len(parts), 2):
        if at and parts[at - 1].strip():
            commands.append([])
        if parts[at]:
            commands[-1].append(at)
    for places in commands:
        for at, shown in zip(places, _redacted([parts[at] for at in places]), strict=True):
            parts[at] = shown
    return "".join(parts)


def _shown(word: str, before: str, flags: tuple[str, ...]) -> str:
    if flags:
        if before in flags and not word.startswith("-"):
            return HIDDEN
        for flag in flags:
            if word.startswith(flag) and len(word) > len(flag) and not flag.startswith("--"):
                return flag + HIDDEN
    if ":" in word:
        if before in _USER_FLAGS and "://" not in word:
            return f"{word.partition(':')[0]}:{HIDDEN}"
        word = _HEADER.sub(rf"\g<1>\g<2>{HIDDEN}", word)
    if len(word) < _SHORTEST_STRONG:
        return word
    bare = word[2:] if word.startswith("-") and not word.startswith("--") else word
    _, equals, value = bare.partition("=")
    if is_strong(value if equals else bare) and HIDDEN not in bare:
        return word[: len(word) - len(value if equals else bare)] + HIDDEN
    return word
