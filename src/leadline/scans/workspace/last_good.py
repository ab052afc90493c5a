"""A text of which every document can be read: what is there now, and for each broken document what was there last."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from leadline.model.unread import Unread
from leadline.sources.manifests.files import ManifestFile, is_dockerfile
from leadline.sources.manifests.reader import Contents, documents_of, read_file
from leadline.sources.yaml.json import looks_like_json
from leadline.sources.yaml.parser import LIMITS, Memory, Part, decode, split_documents

_BREAKING = frozenset({"malformed", "too large", "unsupported", "not rendered"})


class Piece(Struct, frozen=True):
    """Some lines of the good text, and where they are in the text as it is now. Lines are counted from 0."""

    first: int
    lines: tuple[bytes, ...]
    shown_first: int
    shown_lines: tuple[bytes, ...]

    def shown(self, line: int) -> int:
        """Where ``line`` of the good text is now; for one that was changed, where the change begins."""
        if self.lines == self.shown_lines:
            return self.shown_first + line - self.first
        ahead = _common(self.lines, self.shown_lines)
        behind = min(
            _common(self.lines[::-1], self.shown_lines[::-1]),
            min(len(self.lines), len(self.shown_lines)) - ahead,
        )
        inside = line - self.first
        if inside >= len(self.lines) - behind:
            inside += len(self.shown_lines) - len(self.lines)
        elif inside >= ahead:
            inside = ahead
        return self.shown_first + max(0, min(inside, len(self.shown_lines) - 1))


class GoodText(Struct, frozen=True):
    """What is judged of a file, and what is to be said about the file as it is."""

    text: bytes
    contents: Contents
    unread: tuple[Unread, ...] = ()
    """Of the text as it is now."""
    pieces: tuple[Piece, ...] = ()
    """Empty where the text as it is now is judged."""
    broken: frozenset[int] = frozenset()
    """Documents of ``text`` that cannot be read, or not wholly: there was never a better one."""

    @property
    def is_current(self) -> bool:
        return not self.pieces

    def shown_line(self, line: int) -> int:
        """The line now of ``line`` of ``text``, both counted from 1."""
        if not self.pieces:
            return line
        place = bisect_right(self.pieces, line - 1, key=lambda piece: piece.first) - 1
        return self.pieces[max(place, 0)].shown(line - 1) + 1


def good_text(
    content: bytes, file: ManifestFile, root: str, memory: Memory, before: GoodText | None
) -> GoodText:
    """``content`` of ``file``; documents of it that cannot be read are as in ``before``. Never raises."""
    if before is not None and before.contents.resources:
        # It held objects: what cannot be read of it now is no other program's text.
        file = structs.replace(file, is_named=True)
    contents = _read(content, file, root, memory)
    if not any(one.reason in _BREAKING for one in contents.unread):
        return GoodText(content, contents, tuple(contents.unread))
    broken = _broken(content, file.path, contents, memory)
    kept = broken - before.broken if before is not None else frozenset()
    if before is None or not kept:
        return GoodText(content, contents, tuple(contents.unread), (), broken)
    pieces = tuple(_pieces(content, file.path, kept, before))
    text = b"".join(b"".join(piece.lines) for piece in pieces)
    good = _read(text, file, root, memory)
    left = broken - kept
    if not left and any(one.reason in _BREAKING for one in good.unread):
        return GoodText(
            before.text, before.contents, tuple(contents.unread), (_whole(content, before),), before.broken
        )
    return GoodText(text, good, tuple(contents.unread), pieces, left)


def _broken(content: bytes, path: str, contents: Contents, memory: Memory) -> frozenset[int]:
    """The documents that something is wrong with; the first where the text has no documents."""
    if not _has_documents(content, path):
        return frozenset({0})
    parts = list(split_documents(decode(content)))
    problems = {one.index: one.problem for one in documents_of(content, path, LIMITS, memory) if one.problem}
    # What does not end is noticed where the next document begins: such a line is not that document's.
    noticed = {one.line for one in problems.values()}
    faults = {_part_at(parts, one.line) for one in contents.unread if one.line and one.line not in noticed}
    return frozenset(problems.keys() | faults)


def _has_documents(content: bytes, path: str) -> bool:
    """Whether it is YAML, which has documents that break one by one."""
    if is_dockerfile(path.rpartition("/")[2]):
        return False
    try:
        text = decode(content)
    except UnicodeDecodeError:
        return False
    return len(content) <= LIMITS.size_bytes and b"\0" not in text and not looks_like_json(text)


def moved_line(line: int, before: bytes, now: bytes) -> int:
    """Where a line of ``before`` is in ``now``, both counted from 1."""
    return Piece(0, _lines(before), 0, _lines(now)).shown(line - 1) + 1


def _read(content: bytes, file: ManifestFile, root: str, memory: Memory) -> Contents:
    contents = Contents()
    read_file(contents, file, root, LIMITS, memory, text=content)
    return contents


def _whole(content: bytes, before: GoodText) -> Piece:
    try:
        shown = decode(content[: LIMITS.size_bytes])
    except UnicodeDecodeError:
        shown = b"\n"
    return Piece(0, _lines(before.text), 0, _lines(shown))


def _pieces(content: bytes, path: str, kept: frozenset[int], before: GoodText) -> Iterator[Piece]:
    """The documents one after the other, those of ``kept`` as they were before."""
    if not (_has_documents(content, path) and _has_documents(before.text, path)):
        yield _whole(content, before)
        return
    stood = {part.index: piece for part, piece in _texts(decode(before.text))}
    first = 0
    for part, piece in _texts(decode(content)):
        shown = _lines(piece)
        lines = _lines(stood.get(part.index, b"")) if part.index in kept else shown
        if not lines:
            lines = (b"---\n", b"{}\n") if part.index else (b"{}\n",)
        elif part.index and not lines[0].startswith(b"---"):
            lines = (b"---\n", *lines)
        yield Piece(first, lines, part.line, shown)
        first += len(lines)


def _texts(text: bytes) -> Iterator[tuple[Part, bytes]]:
    """Each document with all of the text from its first line to that of the next; what is before the first is of the first."""
    parts = list(split_documents(text))
    lines = text.split(b"\n")
    borders = [part.line for part in parts[1:]]
    for number, part in enumerate(parts):
        first = part.line if number else 0
        last = borders[number] if number < len(borders) else len(lines)
        piece = b"\n".join(lines[first:last])
        yield (
            (part if number else Part(part.index, 0, part.text)),
            piece if piece.endswith(b"\n") else piece + b"\n",
        )


def _part_at(parts: Sequence[Part], line: int) -> int:
    place = bisect_right(parts, line - 1, key=lambda part: part.line) - 1
    return parts[max(place, 0)].index if parts else 0


def _lines(text: bytes) -> tuple[bytes, ...]:
    return tuple(line + b"\n" for line in text.removesuffix(b"\n").split(b"\n")) if text else ()


def _common(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    """How many of their first lines are the same."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
