import io
import random
import tarfile
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from image_archives import entry, layer
from leadline.sbom.layers import tar
from leadline.sbom.layers.stream import Damaged, Pieces
from leadline.sbom.layers.tar import TarEntry, TarReader, normalised
from leadline.sbom.layers.tar_extended import Extended


def reader(content: bytes, piece: int = 1 << 16) -> TarReader:
    return TarReader(Pieces(content[i : i + piece] for i in range(0, len(content), piece)))


def read(content: bytes, piece: int = 1 << 16) -> list[tuple[TarEntry, bytes]]:
    archive = reader(content, piece)
    return [(one, archive.content() if one.kind == "file" else b"") for one in archive]


def written(format: int, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def summed(content: bytes, at: int = 0) -> bytes:
    """``content`` with the right sum in the header at ``at``."""
    block = content[at : at + 148] + b" " * 8 + content[at + 156 : at + 512]
    return content[: at + 148] + b"%06o\0 " % sum(block) + content[at + 156 :]


LONG = "/".join(["a-rather-long-folder-name"] * 12) + "/file"


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("piece", [1, 512, 700, 1 << 20])
def test_every_format_and_size_of_pieces_gives_the_same_files(format: int, piece: int) -> None:
    files = {"a": b"1" * 1000, "b/c": b"", "d/" + "e" * 90 + "/f" * 10: b"2" * 512}
    if format != tarfile.USTAR_FORMAT:
        files |= {LONG: b"3", "ü/ß": b"4"}
    assert [(one.path, content) for one, content in read(written(format, files), piece)] == list(
        files.items()
    )


def test_every_kind_of_entry_is_told() -> None:
    content = layer(
        {"f": b"x", "d": None, "s": "../t"},
        [
            entry("h", tarfile.LNKTYPE, "./f"),
            entry("c", tarfile.CHRTYPE),
            entry("b", tarfile.BLKTYPE),
            entry("p", tarfile.FIFOTYPE),
        ],
    )
    assert [one for one, _ in read(content)] == [
        TarEntry("f", "file", 1, 0o644),
        TarEntry("d", "folder", mode=0o644),
        TarEntry("s", "symlink", target="../t"),
        TarEntry("h", "hardlink", target="f"),
        TarEntry("c", "device", mode=0o644),
        TarEntry("b", "device", mode=0o644),
        TarEntry("p", "device", mode=0o644),
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a", "a"),
        ("./a/b", "a/b"),
        ("/a/b/", "a/b"),
        ("a//b", "a/b"),
        ("a/./b", "a/b"),
        (".hidden/.x", ".hidden/.x"),
        ("", ""),
        (".", ""),
        ("./", ""),
        ("../a", None),
        ("a/../../b", None),
        ("a/..", ""),
        ("a/../b", "b"),
        ("a/./../b//../c/", "c"),
        ("a/../..", None),
        ("x" * 5000, None),
        ("a..b/..c", "a..b/..c"),
    ],
)
def test_names_are_cut_back_to_the_root(written: str, read: str | None) -> None:
    assert normalised(written) == read


def test_name_that_leaves_the_image_is_told_as_outside() -> None:
    content = layer({"../../etc/passwd": b"x", "ok": b"y"}, [entry("h", tarfile.LNKTYPE, "../../etc/shadow")])
    assert [(one.path, one.kind) for one, _ in read(content)] == [
        ("../../etc/passwd", "outside"),
        ("ok", "file"),
        ("h", "outside"),
    ]


def test_bytes_that_are_no_utf8_keep_names_apart() -> None:
    content = bytearray(layer({"aX": b"1", "aY": b"2"}))
    for old, new in ((b"aX\0", b"a\xfe\0"), (b"aY\0", b"a\xff\0")):
        at = content.index(old)
        content[at : at + 3] = new
        content = bytearray(summed(bytes(content), at))
    assert [one.path for one, _ in read(bytes(content))] == ["a\\xfe", "a\\xff"]


def test_base_256_size_is_read() -> None:
    content = bytearray(layer({"a": b"x" * 600, "b": b"y"}))
    content[124:136] = b"\x80" + (600).to_bytes(11, "big")
    assert [(one.path, one.size) for one, _ in read(summed(bytes(content)))] == [("a", 600), ("b", 1)]


def sparse_gnu() -> bytes:
    """An old GNU sparse file: ``AAAA`` at 4096, ``BBBB`` at 10000, 20000 bytes long."""
    block = bytearray(written(tarfile.GNU_FORMAT, {"s": b"A" * 8})[:512])
    block[156] = ord("S")
    block[257:265] = b"ustar  \0"
    at = 386
    for start, length in ((4096, 4), (10000, 4)):
        block[at : at + 12], block[at + 12 : at + 24] = (b"%011o\0" % number for number in (start, length))
        at += 24
    block[483:495] = b"%011o\0" % 20000
    return summed(bytes(block)) + (b"AAAABBBB").ljust(512, b"\0") + bytes(1024)


def sparse_pax(body: bytes, records: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("GNUSparseFile.0/s")
        info.size = len(body)
        info.pax_headers = records
        tar.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


SPARSE_MAP = b"2\n4096\n4\n10000\n4\n".ljust(512, b"\0")


@pytest.mark.parametrize(
    "content",
    [
        sparse_gnu(),
        sparse_pax(
            SPARSE_MAP + b"AAAABBBB",
            {
                "GNU.sparse.major": "1",
                "GNU.sparse.minor": "0",
                "GNU.sparse.name": "s",
                "GNU.sparse.realsize": "20000",
            },
        ),
        sparse_pax(
            b"AAAABBBB",
            {"GNU.sparse.map": "4096,4,10000,4", "GNU.sparse.name": "s", "GNU.sparse.size": "20000"},
        ),
    ],
    ids=["gnu", "pax 1.0", "pax 0.1"],
)
def test_sparse_file_has_its_holes_filled(content: bytes) -> None:
    expected = bytearray(20000)
    expected[4096:4100], expected[10000:10004] = b"AAAA", b"BBBB"
    assert read(content) == [(TarEntry("s", "file", 20000, 0o644), bytes(expected))]


@pytest.mark.parametrize("map", ["0,99999999", "4096,4,0,4", "1", "0,-1", "x"])
def test_sparse_map_that_lies_is_damage(map: str) -> None:
    content = sparse_pax(b"AAAA", {"GNU.sparse.map": map, "GNU.sparse.name": "s", "GNU.sparse.size": "20000"})
    with pytest.raises(Damaged):
        read(content)


def test_file_cut_short_is_damage_after_what_came_before() -> None:
    content = layer({"a": b"1", "b": b"2" * 5000})[:2500]
    archive = reader(content)
    seen: list[str] = []
    with pytest.raises(Damaged, match="ends in the middle of a file"):
        seen.extend(one.path for one in archive)
    assert seen == ["a", "b"]


@pytest.mark.parametrize(
    "field",
    [b"\xff" * 12, b"99999999999\0", b"\x80" + b"\xff" * 11, b"-0000000001\0"],
    ids=["negative", "no octal", "absurd", "minus"],
)
def test_size_that_is_no_size_is_damage(field: bytes) -> None:
    content = bytearray(layer({"a": b"1"}))
    content[124:136] = field
    with pytest.raises(Damaged, match="number"):
        read(summed(bytes(content)))


def test_giant_extended_header_is_damage() -> None:
    content = bytearray(written(tarfile.PAX_FORMAT, {LONG: b"1"}))
    content[124:136] = b"%011o\0" % (1 << 30)
    with pytest.raises(Damaged, match="larger than 1 MiB"):
        read(summed(bytes(content)))


def test_header_that_was_harmed_is_damage() -> None:
    content = layer({"first": b"1", "second": b"2"})
    for at in (0, 99, 100, 124, 130, 150, 156, 157, 257, 345, 511):
        for bit in range(4):
            harmed = bytearray(content)
            harmed[1024 + at] ^= 1 << bit
            archive, seen = reader(bytes(harmed)), []
            with pytest.raises(Damaged, match="not a tar header, or a damaged one"):
                seen.extend(one.path for one in archive)
            assert seen == ["first"]


def test_sum_of_signed_bytes_is_right_too() -> None:
    content = bytearray(layer({"a\xfc": b"1"}))
    block = content[:148] + b" " * 8 + content[156:512]
    content[148:156] = b"%06o\0 " % sum(byte - 256 * (byte > 127) for byte in block)
    assert [one.path for one, _ in read(bytes(content))] == ["a\xfc"]


def test_lone_block_of_zeros_is_damage_and_two_are_the_end() -> None:
    one, two = layer({"a": b"1"})[:1024], layer({"b": b"2"})
    with pytest.raises(Damaged, match="a block of zeros in the middle"):
        read(one + bytes(512) + two)
    assert [entry.path for entry, _ in read(one + bytes(1024) + two)] == ["a"]
    assert [entry.path for entry, _ in read(one + bytes(512))] == ["a"]
    assert [entry.path for entry, _ in read(one)] == ["a"]


@pytest.mark.parametrize("lost", [1, 500, 512])
def test_content_of_the_last_file_may_not_be_cut_short(lost: int) -> None:
    content = layer({"a": b"1" * 1024})[: 512 + 1024]
    archive = reader(content[:-lost])
    with pytest.raises(Damaged):
        list(archive)
    assert len(list(reader(layer({"a": b"1" * 600})[: 512 + 600]))) == 1


def test_slash_at_the_end_makes_a_folder_only_in_old_headers() -> None:
    inner = layer({"hidden": b"2"})[:1024]
    content = bytearray(layer({"a/": inner, "b": b"3"}))
    assert [(one.path, one.kind, one.size) for one, _ in read(bytes(content))] == [
        ("a", "file", 1024),
        ("b", "file", 1),
    ]
    content[156] = 0
    assert [one.path for one in reader(summed(bytes(content)))] == ["a", "hidden", "b"]


def test_root_folder_can_be_nothing_else() -> None:
    content = layer({"./": "usr"}, [entry("./", tarfile.CHRTYPE), entry("./", tarfile.DIRTYPE)])
    assert [(one.path, one.kind) for one in reader(content)] == [
        ("./", "outside"),
        ("./", "outside"),
        ("", "folder"),
    ]


def extended(kind: bytes, content: bytes) -> bytes:
    info = tarfile.TarInfo("meta")
    info.type, info.size = kind, len(content)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def record(key: str, value: str) -> bytes:
    text = f" {key}={value}\n"
    length = len(text)
    while len(f"{length}{text}") != length:
        length += 1
    return f"{length}{text}".encode()


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ([(b"L", b"gnu\0"), (b"x", record("path", "pax"))], "gnu"),
        ([(b"x", record("path", "one")), (b"x", record("path", "two"))], "two"),
        ([(b"x", record("path", "one")), (b"x", record("size", "0"))], "file"),
        ([(b"x", record("path", "one")), (b"g", record("comment", "x"))], "file"),
        ([(b"g", record("path", "one"))], "file"),
        ([(b"x", record("path", ""))], "file"),
        ([(b"x", record("GNU.sparse.name", "one"))], "file"),
        ([(b"x", record("GNU.sparse.major", "2") + record("GNU.sparse.name", "one"))], "file"),
    ],
    ids=[
        "GNU goes before pax",
        "last of two",
        "second takes the first back",
        "global between",
        "global",
        "empty",
        "sparse name of no sparse file",
        "unknown sparse form",
    ],
)
def test_headers_in_front_of_an_entry_count_as_for_runtimes(
    headers: list[tuple[bytes, bytes]], path: str
) -> None:
    content = b"".join(extended(*one) for one in headers) + layer({"file": b""})
    assert [one.path for one in reader(content)] == [path]


def test_name_with_a_zero_byte_is_damage() -> None:
    with pytest.raises(Damaged, match="zero byte"):
        list(reader(extended(b"x", record("path", "a\0b")) + layer({"file": b""})))


def test_records_without_end_are_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MOST_RECORDS", 2000)
    archive = TarReader(
        Pieces(extended(b"x", record("a", "b") * 300) + layer({"f": b""})[:512] for _ in range(9))
    )
    seen: list[str] = []
    with pytest.raises(Damaged, match="more than 2000 lines"):
        seen.extend(one.path for one in archive)
    assert len(seen) == 6


def test_record_without_its_end_is_damage() -> None:
    content = extended(b"x", record("path", "a")[:-1] + b"x") + layer({"file": b""})
    with pytest.raises(Damaged, match="wrong length"):
        list(reader(content))


def test_headers_without_end_take_no_memory() -> None:
    holes = extended(b"x", record("GNU.sparse.offset", "1") * 1000)
    archive = TarReader(Pieces(holes for _ in range(100)))
    tracemalloc.start()
    assert list(archive) == []
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_folder_in_front_of_a_name_is_where_its_writer_put_it() -> None:
    block = bytearray(written(tarfile.USTAR_FORMAT, {"f": b""})[:512])
    block[345:351] = b"folder"
    assert [one.path for one in reader(summed(bytes(block)))] == ["folder/f"]
    block[257:265] = b"ustar  \0"
    assert [one.path for one in reader(summed(bytes(block)))] == ["folder/f"]
    block[345:369] = b"14700000000\0" * 2
    assert [one.path for one in reader(summed(bytes(block)))] == ["f"]
    block[257:265] = b"ustar\0" + b"00"
    block[345:500] = b"x" * 131 + b"14700000000 14700000000 "
    block[508:] = b"tar\0"
    assert [one.path for one in reader(summed(bytes(block)))] == ["x" * 131 + "/f"]


def test_parts_of_a_file_are_read_and_the_rest_passed_over() -> None:
    body = bytes(range(256)) * 20
    archive = reader(layer({"a": body, "b": b"after"}), 700)
    entries = iter(archive)
    next(entries)
    assert list(archive.parts([(10, 20), (3000, 3005)])) == [(10, body[10:20]), (3000, body[3000:3005])]
    assert next(entries).path == "b"
    assert archive.content() == b"after"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_damaged_archives_end_in_entries_or_damage(seed: int, changes: int) -> None:
    chance = random.Random(seed)
    content = bytearray(layer({"a/b": b"1" * 700, LONG: b"2", "s": "t", "d": None}) + sparse_gnu())
    for _ in range(changes):
        content[chance.randrange(len(content))] = chance.randrange(256)
    del content[chance.randrange(len(content)) :]
    try:
        for one, data in read(bytes(content), chance.choice((1, 512, 4096))):
            assert one.kind == "outside" or ".." not in one.path.split("/")
            assert len(data) in (0, one.size)
    except Damaged:
        pass


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3000))
def test_random_bytes_end_in_entries_or_damage(content: bytes) -> None:
    with suppress(Damaged):
        read(content + bytes(512))


class Thorough(TarReader):
    """Takes the long way for every entry."""

    def _usual(self, block: bytes) -> None:
        return None


class Short(TarReader):
    """Knows no long way."""

    def _entry(self, block: bytes, extended: Extended) -> TarEntry:
        raise AssertionError(bytes(block[:100]))


def test_ordinary_folders_and_names_with_dots_go_the_short_way() -> None:
    archived = io.BytesIO()
    with tarfile.open(fileobj=archived, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in (".yarn", "./srv", "srv/node_modules/.pnpm", "srv/node_modules/.pnpm/a@1.0.0"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1755
            archive.addfile(folder)
        for name in (".yarn/a.zip", "srv/node_modules/.pnpm/a@1.0.0/..b", "srv/.env", "..a"):
            archive.addfile(tarfile.TarInfo(name))
    content = archived.getvalue()
    assert list(Short(Pieces([content]))) == list(Thorough(Pieces([content])))


NAMES = st.sampled_from(
    [
        b"a/b",
        b"./a",
        b"././a",
        b"a//b",
        b"a/.b",
        b"a/",
        b"/a",
        b"../a",
        b"a/..",
        b"a/.",
        b"a/./b",
        b"a/../b",
        b"a/..b/.c",
        b"..",
        b"./..",
        b"a//",
        b".a",
        b"\xff",
        b"",
        b"n" * 100,
    ]
)
NUMBERS = st.sampled_from(
    [
        b"0000644\0",
        b"  644 \0 ",
        b"00004755",
        b"644\0junk",
        b"-0000644",
        b"0o644\0\0\0",
        b"\x80\0\0\0\0\0\1\1",
        b"",
        b"99999999",
    ]
)
SIZES = st.sampled_from(
    [
        b"00000000003\0",
        b"00000000003 ",
        b"000000000003",
        b"3\0\0\0junk",
        b"-3",
        b"\x80" + bytes(10) + b"\3",
        b"",
    ]
)
MAGICS = st.sampled_from([b"ustar\x0000", b"ustar  \0", b"ustar"])
PREFIXES = st.sampled_from([b"", b"p", b"../p"])


@settings(max_examples=1000, deadline=None)
@example(b"a/b", b"00004755", b"00000000003\0", ord("0"), b"ustar\x0000", b"")
@given(NAMES, NUMBERS, SIZES, st.sampled_from(b"0\x0075"), MAGICS, PREFIXES)
def test_short_way_tells_what_the_long_way_tells(
    name: bytes, mode: bytes, size: bytes, kind: int, magic: bytes, prefix: bytes
) -> None:
    header = bytearray(512)
    for at, field in ((0, name), (100, mode), (124, size), (257, magic), (345, prefix)):
        header[at : at + len(field)] = field
    header[156] = kind
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content = bytes(header) + b"\x7fEL" + bytes(509) + bytes(1024)

    def told(kind: type[TarReader]) -> list[object]:
        archive = kind(Pieces([content]))
        found: list[object] = []
        try:
            for one in archive:
                found += [one, *((archive.head(8), archive.content()) if one.kind == "file" else ())]
        except Damaged as error:
            found.append(str(error))
        return found

    assert told(TarReader) == told(Thorough)
    assert told(TarReader) != ["not a tar header, or a damaged one"]
