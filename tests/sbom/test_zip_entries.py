"""Passing over entries of a ZIP file gives what reading them all and leaving them out gives."""

import io
import zipfile
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from leadline.packages.file import Unreadable
from leadline.sbom.parsers.zip import ZipEntry, ZipReader

NAMES = st.lists(
    st.sampled_from(("A.class", "b/é.class", "c/", "META-INF/MANIFEST.MF", ".class", "x.classes")),
    unique=True,
)


def listed(content: bytes, passing: bytes = b"") -> tuple[list[ZipEntry], bool, str]:
    """The entries, whether some were passed over, and how the list broke off."""
    found: list[ZipEntry] = []
    reader, why = ZipReader(content), ""
    try:
        found.extend(reader.entries(passing))
    except Unreadable as error:
        why = str(error)
    return found, reader.has_passed, why


def jar(names: list[str]) -> bytearray:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            entry = zipfile.ZipInfo(name)
            entry.comment, entry.extra = b"note", b"\xfe\xca\0\0"
            file.writestr(entry, name)
    return bytearray(archive.getvalue())


@given(NAMES, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3))
def test_passing_over_is_leaving_out(names: list[str], damages: list[tuple[int, int]]) -> None:
    content = jar(names)
    directory = content.find(b"PK\x01\x02")
    for place, byte in damages if directory >= 0 else ():
        if directory + place < len(content):
            content[directory + place] = byte
    with suppress(Unreadable):
        found, _, why = listed(bytes(content))
        rest, has_passed, why_rest = listed(bytes(content), b".class")
        assert rest == [entry for entry in found if not entry.name.endswith(".class")]
        assert why_rest == why
        assert has_passed is (len(rest) < len(found))
