"""Whatever happens to an image on disk, a cache changes nothing about the answer."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_archives import Blobs, digest, docker_archive, layer, write_files
from leadline.errors import LeadlineError
from leadline.model.package import Sbom
from leadline.outputs.format_registry import find_format
from leadline.scans.images.lazy_sbom import open_sbom
from leadline.scans.options import ImageOptions

STATUS = b"Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: all\n"
FILES = (
    {"etc/os-release": b"ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status": STATUS},
    {"srv/node_modules/ms/package.json": b'{"name": "ms", "version": "2"}', "srv/large": b"x" * 30_000},
)
LAYERS = tuple(layer(dict(files)) for files in FILES)
DRAFT = find_format("cyclonedx-json", Sbom).draft
NOON = "2027-01-31T12:00:00Z"


def layout(place: Path, said: Sequence[bytes] = LAYERS, how: str = "gzip") -> Path:
    """``said``: the layers by the word of the configuration."""
    blobs = Blobs()
    return write_files(place, blobs.files([blobs.image(LAYERS, how, said)]))


def archived_layout(place: Path, said: Sequence[bytes] = LAYERS) -> Path:
    blobs = Blobs()
    place.write_bytes(layer(dict(blobs.files([blobs.image(LAYERS, said=said)]))))
    return place


KINDS: dict[str, Callable[[Path, Sequence[bytes]], Path]] = {
    "layout": layout,
    "layout, not compressed": lambda place, said: layout(place, said, "plain"),
    "archive of a layout": archived_layout,
    "docker archive": lambda place, said: docker_archive(place, LAYERS, said=said),
    "root folder": lambda place, _: write_files(place, {**FILES[0], **FILES[1]}),
}


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x20]) + content[at + 1 :]


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES: dict[str, Callable[[Path, int], None]] = {
    "deleted": lambda file, _: file.unlink(),
    "cut short": lambda file, at: file.write_bytes(file.read_bytes()[:at]),
    "emptied": lambda file, _: file.write_bytes(b""),
    "one byte flipped": lambda file, at: file.write_bytes(flipped(file.read_bytes(), at)),
    "replaced by a folder": lambda file, _: replace_by_folder(file),
    "nothing": lambda *_: None,
}


def answer(image: Path, cache: Path | None, platform: str = "amd64") -> tuple[object, ...]:
    """What decides the exit code and what is said to be unread, and the document with it."""
    options = ImageOptions(cache_folder=str(cache) if cache else "", created=NOON, platform=platform)
    try:
        with open_sbom(str(image), options) as lazy:
            assert DRAFT is not None
            document = lazy.document("cyclonedx-json", DRAFT, NOON)
            return lazy.unread(), lazy.is_unreadable(), document
    except LeadlineError as error:
        return type(error), str(error)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cached_and_uncached_answers_are_the_same_after_any_damage(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        image = KINDS[data.draw(st.sampled_from(sorted(KINDS)), "kind")](Path(folder, "image"), LAYERS)
        cache = Path(folder, "cache")
        whole = answer(image, cache)
        assert whole == answer(image, cache) == answer(image, None)
        files = sorted(path for path in (image, *image.rglob("*")) if path.is_file())
        file = data.draw(st.sampled_from(files), "file")
        size = file.stat().st_size
        damage = data.draw(st.sampled_from(sorted(DAMAGES)), "damage")
        DAMAGES[damage](file, data.draw(st.integers(0, size - 1), "at"))
        uncached = answer(image, None)
        assert answer(image, cache) == uncached
        assert answer(image, cache) == uncached  # nor was the damage cached as if it were the image


@pytest.mark.parametrize("damage", sorted(DAMAGES.keys() - {"nothing"}))
@pytest.mark.parametrize("how", ["gzip", "plain"])
def test_damaged_layer_is_unread_although_the_image_is_cached(tmp_path: Path, damage: str, how: str) -> None:
    image, cache = layout(tmp_path / "image", how=how), tmp_path / "cache"
    assert answer(image, cache)[:2] == ((), False)
    index = json.loads((image / "index.json").read_bytes())
    blobs = image / "blobs/sha256"
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_bytes())
    DAMAGES[damage](blobs / manifest["layers"][1]["digest"][7:], 40)
    unread = answer(image, cache)[0]
    assert isinstance(unread, tuple)
    assert [one.where for one in unread] == [f"layer {one}" for one in map(digest, LAYERS[1:])]
    shutil.rmtree(image)
    assert answer(layout(image, how=how), cache)[:2] == ((), False)


def test_image_of_several_platforms_is_cached_for_each(tmp_path: Path) -> None:
    blobs = Blobs()
    manifests = [
        {**blobs.image([one]), "platform": {"os": "linux", "architecture": name}}
        for one, name in zip(LAYERS, ("amd64", "386"), strict=True)
    ]
    image = write_files(tmp_path / "image", blobs.files([blobs.index(manifests)]))
    answers = [answer(image, tmp_path / "cache", platform=name) for name in ("amd64", "386")]
    assert answers == [answer(image, None, platform=name) for name in ("amd64", "386")]
    assert answers[0] != answers[1]


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"root folder"}))
def test_layer_that_is_not_what_the_configuration_says_is_read_and_named(tmp_path: Path, kind: str) -> None:
    image = KINDS[kind](tmp_path / "image", (LAYERS[0], LAYERS[0]))
    unread, is_unreadable, document = answer(image, None)
    assert isinstance(unread, tuple)
    assert isinstance(document, bytes)
    assert [(one.where, one.why, one.reason) for one in unread] == [
        (
            f"layer {digest(LAYERS[0])}",
            "its unpacked content does not have its diff_id; it was read all the same",
            "incomplete",
        )
    ]
    assert (is_unreadable, b'"name":"ms"' in document) == (False, True)
