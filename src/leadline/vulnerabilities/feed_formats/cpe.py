"""CPE 2.3 names taken apart (https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf, section 6.2)."""

import re

from msgspec import Struct

from leadline.packages.file import Unreadable

LONGEST = 1024
_PART = re.compile(r"((?:[^:\\]|\\.)*)(?::|$)")
_ESCAPED = re.compile(r"\\(.)")


class Cpe(Struct, frozen=True):
    """The fields that say which product, without the escapes of the format; ``*`` for any, ``-`` for none."""

    part: str
    vendor: str
    product: str
    version: str
    update: str


def split_cpe(written: str) -> Cpe:
    """Raises ``Unreadable`` where ``written`` is not a CPE 2.3 name."""
    if not written.startswith("cpe:2.3:") or len(written) > LONGEST:
        raise Unreadable(f"no CPE 2.3 name: {written[:60]!r}")
    fields = [_ESCAPED.sub(r"\1", found[1]) for found in _PART.finditer(written.removeprefix("cpe:2.3:"))]
    if (
        len(fields) < 5
        or fields[0] not in ("a", "o", "h", "*")
        or not (fields[1] and fields[2] and fields[3])
    ):
        raise Unreadable(f"no CPE 2.3 name: {written[:60]!r}")
    return Cpe(*fields[:5])
