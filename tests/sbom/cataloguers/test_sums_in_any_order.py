"""Which sums a file has depends on what was seen before it, and what is said of it must not."""

import io
import itertools
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from test_listed_sums import FILES, LISTS, Lists, jar

from image_archives import entry
from leadline.model.package import ImageIdentity
from leadline.sbom.identity.config import ConfigReading
from leadline.sbom.image import Each, Layer, Options
from leadline.sbom.sbom_cache import make_sbom
from leadline.scans.images.lazy_sbom import shipped_cataloguers
from leadline.sources.oci.layer import OpenedImage, PieceLayer

HARD, SYM = tarfile.LNKTYPE, tarfile.SYMTYPE
PATH, VICTIM = FILES["maven"]
OTHER = jar(77)
SHAPES: dict[str, tuple[tuple[str, bytes | tarfile.TarInfo], ...]] = {
    "plain": ((PATH, VICTIM),),
    "twice": ((PATH, OTHER), (PATH, VICTIM)),
    "hard link": (("usr/share/first", VICTIM), (PATH, entry(PATH, HARD, "usr/share/first"))),
    "hard link to what is another later": (
        ("usr/share/first", VICTIM),
        (PATH, entry(PATH, HARD, "usr/share/first")),
        ("usr/share/first", OTHER),
    ),
    "below a link that leads elsewhere later": (
        ("l", entry("l", SYM, "usr/share/java")),
        ("l/victim.jar", VICTIM),
        ("l", entry("l", SYM, "srv")),
        ("l/victim.jar", OTHER),
    ),
}
APTS: dict[str, tuple[tuple[str, bytes | tarfile.TarInfo], ...]] = {
    "settings": (("etc/apt/sources.list", b""),),
    "a file": (("etc/apt", b""),),
    "a whiteout": (("etc/.wh.apt", b""), ("etc/apt/.wh.x", b"")),
}


def archive(entries: Iterable[tuple[str, bytes | tarfile.TarInfo]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, one in entries:
            info = tarfile.TarInfo(path) if isinstance(one, bytes) else one
            info.size = len(one) if isinstance(one, bytes) else 0
            tar.addfile(info, io.BytesIO(one) if isinstance(one, bytes) else None)
    return buffer.getvalue()


class Kept(dict[str, bytes]):
    """A cache in memory."""

    def put(self, key: str, content: bytes) -> None:
        self[key] = content


def held(number: int, content: bytes) -> PieceLayer:
    name = f"sha256:{number}"
    return PieceLayer(name, lambda: iter([content]), cache_key=name)


def in_order(order: Sequence[int]) -> Each:
    """Reads the layers whose numbers are in ``order`` as they are there."""

    def each(read: Callable[[Layer], object], layers: Iterable[Layer]) -> Iterator[object]:
        numbered = {int(one.diff_id.removeprefix("sha256:")): one for one in layers}
        answers = {number: read(numbered[number]) for number in order if number in numbered}
        return iter([answers[number] for number in numbered])

    return each


def verdict(
    layers: Sequence[PieceLayer], order: Sequence[int], cache: Kept | None
) -> tuple[list[object], object]:
    image = OpenedImage(ImageIdentity("demo", "image"), ConfigReading(), layers)
    sbom = make_sbom(image, shipped_cataloguers, cache, Options(each=in_order(order)))
    return [(one.found_in, one.owned_by) for one in sbom.packages if one.type == "maven"], sbom.unread


@pytest.mark.parametrize("lists", LISTS, ids=lambda lists: str(lists.__name__))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("apt", APTS)
def test_no_order_and_nothing_known_before_changes_whose_a_file_is(
    tmp_path: Path, apt: str, shape: str, lists: Lists
):
    root = tmp_path / "root"
    lists(root, PATH, VICTIM, "right")
    listing = [(str(one.relative_to(root)), one.read_bytes()) for one in root.rglob("*") if one.is_file()]
    contents = [archive(SHAPES[shape]), archive(APTS[apt]), archive(listing)]
    verdicts = []
    for order in itertools.permutations(range(3)):
        for known in ((), (0,), (0, 1), (1, 0)):
            layers, cache = [held(*one) for one in enumerate(contents)], Kept() if known else None
            if known:
                verdict([layers[number] for number in sorted(known)], known, cache)
            verdicts.append(verdict(layers, order, cache))
    found, unread = verdicts[0]
    assert {repr(one) for one in verdicts} == {repr(verdicts[0])}
    assert not unread
    assert ((PATH,), "owner") in found or shape == "hard link"
