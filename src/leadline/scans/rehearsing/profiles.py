"""Profiles out of the files that the agent writes."""

from collections.abc import Iterable

import msgspec

from leadline.errors import SourceError
from leadline.model.profile import Profile
from leadline.model.unread import Unread
from leadline.sources.regular_file import open_regular

LONGEST_LINE = 64 << 20
MOST_PROFILES = 50_000
_DECODER = msgspec.json.Decoder(Profile)
HINT = "name a file of profiles that the agent wrote"


def read_profiles(files: Iterable[str]) -> tuple[tuple[Profile, ...], tuple[Unread, ...]]:
    """Profiles of containers, and the lines that hold none.

    Raises: ``SourceError`` where a file cannot be opened, or no profile is in any.
    """
    found: list[Profile] = []
    unread: list[Unread] = []
    names = tuple(files)
    for name in names:
        try:
            with open_regular(name) as file:
                number = 0
                while line := file.readline(LONGEST_LINE + 1):
                    number += 1
                    if len(line) > LONGEST_LINE:
                        why = f"the line is longer than {LONGEST_LINE >> 20} MiB"
                        unread.append(Unread(name, why, "too large", number))
                        break
                    if len(found) >= MOST_PROFILES:
                        unread.append(
                            Unread(name, f"more than {MOST_PROFILES:,} profiles", "too large", number)
                        )
                        break
                    if line.strip():
                        _take(name, number, line, found, unread)
        except OSError as error:
            raise SourceError(
                f"{name}: cannot be read ({(error.strerror or str(error)).lower()})", hint=HINT
            ) from error
    if not found:
        raise SourceError(f"no profile in {', '.join(names)}", hint=HINT)
    return tuple(one for one in found if not one.container.is_host), tuple(unread)


def _take(name: str, number: int, line: bytes, found: list[Profile], unread: list[Unread]) -> None:
    try:
        found.append(_DECODER.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        unread.append(
            Unread(name, "the line holds no profile of a container", "malformed", number, hint=HINT)
        )
