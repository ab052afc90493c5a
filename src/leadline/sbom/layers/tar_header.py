"""Single fields of a tar header, read as Go's ``archive/tar`` reads them, by which runtimes unpack."""

from zlib import adler32

from leadline.sbom.layers.stream import Damaged
from leadline.sbom.layers.tar_extended import text_of


def name_of(block: bytes) -> str:
    name = text_of(block[:100])
    if not block[345]:
        return name
    if block[257:263] == b"ustar\0":
        end = 476 if block[508:] == b"tar\0" else 500
        return f"{text_of(block[345:end])}/{name}"
    # GNU's headers use the same bytes for times; Go before 1.8 mixed both up.
    if block[257:265] == b"ustar  \0" and not (_is_octal(block[345:357]) and _is_octal(block[357:369])):
        folder = text_of(block[345:500])
        return f"{folder}/{name}" if folder.isascii() else name
    return name


def _is_octal(field: bytes) -> bool:
    return not field[0] or bool(field[0] & 0x80) or not field.strip(b" \0").strip(b"01234567")


def number_in(field: bytes) -> int:
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise Damaged("a negative or absurd number in a tar header")
        value = int.from_bytes(field[1:], "big")
    else:
        digits = field.strip(b" \0")
        if not digits:
            return 0
        try:
            value = int(digits, 8)
        except ValueError as error:
            raise Damaged("not a number in a tar header") from error
    if not 0 <= value < 1 << 60:
        raise Damaged("a negative or absurd number in a tar header")
    return value


def has_right_sum(block: bytes) -> bool:
    """Whether a header has the sum that it says; its own field counts as blanks.

    The low half of Adler-32 is one more than the sum of all bytes, modulo 65521, ten times as quick as ``sum``.
    """
    field = block[148:156]
    total = (adler32(block) & 0xFFFF) - (adler32(field) & 0xFFFF) + 8 * ord(" ")
    try:
        wanted = int(block[148:154], 8)
    except ValueError:
        wanted = -1
    if wanted >= 0 and not field[6] and (total - wanted) % 65521 == 0:
        return True
    digits = field.strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    rest = block[:148] + block[156:]
    plain = sum(rest) + 8 * ord(" ")
    # Some old writers took bytes for signed numbers.
    return int(digits, 8) in (plain, plain - 256 * sum(byte > 127 for byte in rest))


def parts_in(field: bytes) -> list[tuple[int, int]]:
    parts = []
    for at in range(0, len(field) - 23, 24):
        if not field[at]:
            break
        start, length = number_in(field[at : at + 12]), number_in(field[at + 12 : at + 24])
        parts.append((start, length))
    return parts
