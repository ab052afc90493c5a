"""The file in which the agent keeps profiles over its own restarts, one JSON object each line."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from leadline.errors import StoreError
from leadline.foreign_errors import in_words
from leadline.model.profile import Profile
from leadline.scans.observing.lines import profile_line
from leadline.sources.regular_file import is_regular, open_regular
from leadline.untyped import MALFORMED
from leadline.whole_file import WholeFile

LONGEST_LINE = 64 << 20
MOST_PROFILES = 8_192
_DECODER = msgspec.json.Decoder(Profile)


class ProfileFile:
    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.written_s = 0.0
        """When it was last written, since 1970: so long the agent that wrote it ran at least."""

    def read(self) -> list[Profile]:
        """What an earlier agent left; nothing where the file does not exist, or a pipe or terminal is in its place.

        Raises: ``StoreError`` where the file holds anything else: it is not to be overwritten.
        """
        if not is_regular(self._path) and not self._path.is_dir():
            return []
        found: list[Profile] = []
        try:
            with open_regular(self._path) as file:
                self.written_s = os.fstat(file.fileno()).st_mtime
                while len(found) < MOST_PROFILES and (line := file.readline(LONGEST_LINE)):
                    found.append(_DECODER.decode(line))
        except MALFORMED as error:
            hint = "name another file, or remove it"
            raise StoreError(
                f"{self._path} does not hold profiles (line {len(found) + 1}: {in_words(error)})", hint=hint
            ) from error
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {(error.strerror or str(error)).lower()}") from error
        return found

    def write(self, profiles: Iterable[Profile]) -> None:
        """Takes the place of what was written before. Raises: ``StoreError``."""
        lines = map(profile_line, profiles)
        try:
            if self._path.exists() and not is_regular(self._path):
                with self._path.open("wb") as stream:
                    stream.writelines(lines)
                return
            whole = WholeFile(self._path, 0o600)
            try:
                with os.fdopen(whole.descriptor, "wb") as file:
                    file.writelines(lines)
                whole.keep()
            finally:
                whole.drop()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise StoreError(f"cannot write {self._path}: {why}") from error
