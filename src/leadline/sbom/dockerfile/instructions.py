"""The instructions of a Dockerfile, as builders take its text apart.

Source: https://docs.docker.com/reference/dockerfile/ and the parser of BuildKit, ``frontend/dockerfile/parser``.
"""

from collections.abc import Iterator

from msgspec import Struct

from leadline.errors import ManifestError
from leadline.packages.late_pattern import late_pattern

LARGEST = 1 << 20
"""Bytes. Real ones have a few thousand."""
_LONGEST_LINE = 65_535
"""Bytes that builders read as one line; beyond them they refuse the file."""
NAMES = frozenset(
    (
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    )
)
_DIRECTIVE = late_pattern(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC = late_pattern(r"(?<!\S)\d*<<(-?)(['\"]?)([A-Za-z_][A-Za-z0-9_.]*)\2(?=[\s>|;&)]|$)")
_FLAG = late_pattern(r"\s*--([a-z][a-z-]*)(?:=(\"[^\"]*\"|'[^']*'|\S*))?(?=\s|$)")
_WITH_HEREDOCS = frozenset(("RUN", "COPY", "ADD"))


class RefusedError(ManifestError):
    """Builders refuse the file, or it is larger than is read."""

    def __init__(self, why: str, line: int = 0, *, is_too_large: bool = False) -> None:
        super().__init__(f"line {line}: {why}" if line else why)
        self.line = line
        """Counted from 1; 0 where it is about the whole file."""
        self.is_too_large = is_too_large


class Instruction(Struct, frozen=True):
    """One instruction."""

    name: str
    """In upper case: ``RUN``."""
    text: str
    """What follows the name and the flags, continued lines joined, comments between them left out."""
    line: int
    """Of its first line, counted from 1."""
    flags: tuple[tuple[str, str], ...] = ()
    """``--checksum=sha256:…`` as ``("checksum", "sha256:…")``, in the order in which they are written."""
    documents: tuple[str, ...] = ()
    """The texts of its here-documents."""
    is_trigger: bool = False
    """Whether it follows ``ONBUILD``: it runs in the build of what builds on this image."""

    def flag(self, name: str) -> str:
        """Empty where it is not given."""
        return next((value for flag, value in self.flags if flag == name), "")


class Dockerfile(Struct, frozen=True):
    """A whole file."""

    instructions: tuple[Instruction, ...]
    escape: str = "\\"
    """What continues a line: a backslash, or a backtick for paths of Windows."""


def read_dockerfile(content: bytes) -> Dockerfile:
    """The instructions in their order.

    Raises: ``RefusedError``, with the line, where builders refuse the file, or it is larger than ``LARGEST``.
    """
    if len(content) > LARGEST:
        raise RefusedError(f"larger than {LARGEST >> 20} MiB", is_too_large=True)
    if b"\0" in content:
        raise RefusedError("binary content, no text")
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, 1):
        if len(line) > _LONGEST_LINE:
            raise RefusedError(f"longer than {_LONGEST_LINE:,} bytes, which builders refuse", number)
    reader = _Reader([line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines])
    return Dockerfile(tuple(reader.instructions()), reader.escape)


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._next = 0
        self._endless: set[str] = set()
        """Words that end no here-document any more: they are not sought a second time."""
        self.escape = "\\"

    def instructions(self) -> Iterator[Instruction]:
        self._directives()
        has_base = False
        while self._next < len(self._lines):
            first = self._next + 1
            text = self._logical_line()
            if not text:
                continue
            one = self._instruction(text, first)
            if not has_base and one.name not in ("FROM", "ARG"):
                raise RefusedError(f"{one.name} before the first FROM", first)
            has_base |= one.name == "FROM" and not one.is_trigger
            yield one
        if not has_base:
            raise RefusedError("no FROM, so it builds nothing")

    def _directives(self) -> None:
        """Only comments at the very beginning are directives."""
        for line in self._lines:
            found = _DIRECTIVE.fullmatch(line.strip())
            if found is None:
                return
            if found[1].lower() == "escape":
                if found[2] not in ("\\", "`"):
                    raise RefusedError("escape is neither a backslash nor a backtick")
                self.escape = found[2]

    def _logical_line(self) -> str:
        """The next line with those that continue it; empty for a comment or an empty line."""
        parts: list[str] = []
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            if line.lstrip().startswith("#") or (parts and not line.strip()):
                # Within a continued line both are left out.
                if not parts:
                    return ""
                continue
            continued = line.rstrip(" \t")
            if not continued.endswith(self.escape):
                parts.append(line)
                break
            parts.append(continued[: -len(self.escape)])
        return "".join(parts).strip()

    def _instruction(self, text: str, line: int, *, is_trigger: bool = False) -> Instruction:
        name, rest = _split(text)
        name = name.upper()
        if name not in NAMES:
            raise RefusedError(f"unknown instruction {name[:40]}", line)
        if name == "ONBUILD":
            inner = _split(rest)[0].upper()
            if is_trigger or inner in ("FROM", "ONBUILD", "MAINTAINER") or not inner:
                raise RefusedError(f"ONBUILD {inner} is not allowed", line)
            return self._instruction(rest, line, is_trigger=True)
        flags: list[tuple[str, str]] = []
        at = 0
        while found := _FLAG.match(rest, at):
            flags.append((found[1], (found[2] or "").strip("\"'")))
            at = found.end()
        rest = rest[at:]
        documents = tuple(self._documents(rest)) if name in _WITH_HEREDOCS and "<<" in rest else ()
        if not rest.strip() and name not in ("CMD", "ENTRYPOINT"):
            raise RefusedError(f"{name} without a value", line)
        return Instruction(name, rest.strip(), line, tuple(flags), documents, is_trigger)

    def _documents(self, text: str) -> Iterator[str]:
        """The here-documents that ``text`` begins, which follow it; what ends nowhere is none."""
        if text.lstrip().startswith("["):
            return
        for found in _HEREDOC.finditer(text):
            end = self._end_of(found[3], with_tabs=bool(found[1]))
            if end is None:
                return
            yield "\n".join(self._lines[self._next : end])
            self._next = end + 1

    def _end_of(self, word: str, *, with_tabs: bool) -> int | None:
        if word in self._endless:
            return None
        for number in range(self._next, len(self._lines)):
            line = self._lines[number]
            if (line.lstrip("\t") if with_tabs else line) == word:
                return number
        self._endless.add(word)
        return None


def _split(text: str) -> tuple[str, str]:
    parts = text.split(None, 1)
    return (parts[0], parts[1]) if len(parts) == 2 else (text.strip(), "")
