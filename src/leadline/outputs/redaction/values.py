"""The values that were found to be secrets in one run, and how they are hidden wherever else they are.

A value is hidden as a whole and between word bounds, never within a word: a password ``longhorn`` leaves
``longhorn-manager`` alone. Plain words are not added at all, or names and images would go with them.
"""

from collections.abc import Iterator

from leadline.outputs.redaction.shapes import HIDDEN, decoded_base64, hidden_spans
from leadline.packages.late_pattern import late_pattern

_WORD = late_pattern(r"[0-9A-Za-z]+")
_IN_BASE64 = late_pattern(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_BOUND = late_pattern(r"[0-9A-Za-z_-]")
_PLAIN_WORD = late_pattern(r"[a-z]+(?:[-_. ][a-z]+){0,2}|[A-Z]+|[A-Z][a-z]+|\d+(?:\.\d+)*|v\d[\w.]*")
"""What names, images, versions and numbers look like as well."""
_SHORTEST = 6
_SHORTEST_LINE = 8
_LONGEST = 65_536


class SecretValues:
    """Values that must not be shown. Grows while a target is read; one scan fills it from one thread."""

    def __init__(self) -> None:
        self._whole: set[str] = set()
        self._lasting: set[str] = set()
        self._by_word: dict[str, list[tuple[int, str]]] = {}
        """Each value under its longest word, with the position of that word in it."""

    def __len__(self) -> int:
        return len(self._whole)

    def __bool__(self) -> bool:
        return bool(self._whole)

    def add(self, value: str, *, is_lasting: bool = False) -> None:
        """Hides ``value`` from now on, its lines one by one, and the ways in which YAML, JSON and addresses write it.

        ``is_lasting`` is for what the user gave: ``forget`` keeps it.
        """
        value = value.strip()
        if not _SHORTEST <= len(value) <= _LONGEST or _PLAIN_WORD.fullmatch(value):
            return
        from json import dumps  # only for what holds secrets
        from urllib.parse import quote

        lines = (line.strip() for line in value.splitlines()) if "\n" in value else ()
        for one in (value, *(line for line in lines if _is_telling(line))):
            for written in {one, dumps(one)[1:-1], one.replace("'", "''"), quote(one, safe="")}:
                self._add(written, is_lasting=is_lasting)

    def add_exactly(self, value: str) -> None:
        """Hides ``value`` however plain it is: it must not appear in messages."""
        self._add(value, is_lasting=True)

    def _add(self, value: str, *, is_lasting: bool) -> None:
        if is_lasting:
            self._lasting.add(value)
        if value in self._whole:
            return
        self._whole.add(value)
        longest = max(_WORD.finditer(value), key=lambda found: len(found[0]), default=None)
        if longest is not None:
            self._by_word.setdefault(longest[0], []).append((longest.start(), value))

    def forget(self) -> None:
        """Starts over with what the user gave."""
        self._whole.clear()
        self._by_word.clear()
        for value in self._lasting:
            self._add(value, is_lasting=False)

    def hide(self, text: str) -> str:
        """``text`` without the values, raw or in base64."""
        if not self._whole or len(text) < 2:
            return text
        if text.strip() in self._whole:
            return HIDDEN
        is_near = not self._by_word.keys().isdisjoint(_WORD.findall(text)) or (
            len(text) >= 12 and any(map(decoded_base64, _IN_BASE64.findall(text)))
        )
        return hidden_spans(text, self._spans(text)) if is_near else text

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        yield from self._plain_spans(text)
        for found in _IN_BASE64.finditer(text) if len(text) >= 12 else ():
            decoded = decoded_base64(found[0])
            if decoded and (decoded.strip() in self._whole or next(self._plain_spans(decoded), None)):
                yield found.span()

    def _plain_spans(self, text: str) -> Iterator[tuple[int, int]]:
        known = self._by_word
        for word in _WORD.finditer(text):
            for offset, value in known.get(word[0], ()):
                start = word.start() - offset
                end = start + len(value)
                if start >= 0 and text.startswith(value, start) and _is_bounded(text, start, end):
                    yield start, end


def _is_bounded(text: str, start: int, end: int) -> bool:
    return not (start and _joins(text[start - 1], text[start])) and not (
        end < len(text) and _joins(text[end], text[end - 1])
    )


def _joins(outside: str, inside: str) -> bool:
    """Whether two neighbours belong to one word. A dash before a value is that of a list or a flag: ``-pVALUE`` is not cut."""
    return bool(_BOUND.match(outside) and _BOUND.match(inside))


def _is_telling(line: str) -> bool:
    return len(line) >= _SHORTEST_LINE and not line.startswith("-----") and not _PLAIN_WORD.fullmatch(line)
