"""A command line that was answered before is answered again, as long as the files it was about are what they were.

All else that a command does takes longer, most of it the loading of libraries: nothing heavy may be imported
here. Only documents on standard output are told so, and only of images in files that are named by their path.
"""
# Importing pathlib takes as long as all else here.
# ruff: noqa: PTH100, PTH109, PTH120

import os
import sys
from collections.abc import Mapping, Sequence

import leadline
from leadline.image.code_fingerprint import code_fingerprint
from leadline.outputs.timestamps import dated
from leadline.programs.cli.imaging.created import created
from leadline.programs.cli.imaging.memory import kept_results
from leadline.sources.images.file_stamp import are_unchanged

TYPE_CHECKING = False  # as typing has it, which is heavy too
if TYPE_CHECKING:
    from leadline.outputs.document_template import Draft

_ROOMS = ("outputs", "sources", "programs/cli")
"""Whose code has a say, beside that of the engine and the nouns."""
_UNTOLD = ("--no-cache", "--debug")
_MARK = b"\0"
"""Between what is kept: no path, no argument and no JSON holds a zero byte."""


class Answer:
    """What is told to one command line."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], began_ns: int) -> None:
        """``began_ns``: when the command began, since 1970."""
        self._environ = environ
        self._began_ns = began_ns
        self._memory = None if any(word in words for word in _UNTOLD) else kept_results(environ)
        self._key = _key(words) if self._memory else ""

    def is_known(self) -> bool:
        """Whether it was told before; then it is told now.

        Raises: ``UsageError`` for a moment that is none, ``OSError`` where it cannot be written.
        """
        kept = self._memory.get(self._key) if self._memory and self._key and sys.stdout else None
        if kept is None:
            return False
        text, _, rest = kept.partition(_MARK)
        said, name, moments, *stamps = rest.decode("utf-8", "surrogateescape").split("\0")
        if not are_unchanged(dict(zip(stamps[::2], stamps[1::2], strict=True))):
            return False
        document = dated(text, created(self._environ), moments.split(), name)
        sys.stdout.flush()
        sys.stdout.buffer.write(document)
        sys.stdout.buffer.flush()
        sys.stderr.write(said)
        return True

    def keep(self, image: str, stamps: Mapping[str, str], draft: "Draft", said: str) -> None:
        """Remembers ``draft`` and what was ``said`` beside it.

        Only where the files of ``stamps`` (path to ``file_stamp``) alone had a say, the one called ``image`` among
        them, and none of them has changed since the command began.
        """
        if not self._memory or not self._key or os.path.abspath(image) not in stamps:
            return
        if are_unchanged(stamps, self._began_ns):
            places = (field for pair in stamps.items() for field in pair)
            fields = [said, draft.name, " ".join(draft.moments), *places]
            rest = "\0".join(fields).encode("utf-8", "surrogateescape")
            self._memory.put(self._key, draft.text + _MARK + rest)


def _key(words: Sequence[str]) -> str:
    """Relative paths mean something else in another folder. Empty where there is no such folder any more."""
    package = os.path.dirname(leadline.__file__)
    try:
        return f"again {words} {os.getcwd()} {code_fingerprint(*(f'{package}/{room}' for room in _ROOMS))}"
    except OSError:
        return ""
