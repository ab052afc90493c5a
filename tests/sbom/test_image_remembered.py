import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from msgspec import structs
from test_layer import Held, names

from image_archives import layer
from leadline.model.package import ImageIdentity
from leadline.sbom import code_fingerprint as module
from leadline.sbom.cataloguer import Cataloguer
from leadline.sbom.code_fingerprint import code_fingerprint, installed
from leadline.sbom.identity.config import ConfigReading
from leadline.sbom.image import Image, Limits, Options
from leadline.sbom.sbom_cache import make_sbom
from leadline.sources.oci.layer import OpenedImage
from leadline.version import __version__

OPTIONS = Options(now=lambda: 0.0)


class Kept(dict[str, bytes]):
    """A cache in memory."""

    def put(self, key: str, content: bytes) -> None:
        self[key] = content


def image(*layers: Held, kind: str = "image", key: str = "demo") -> OpenedImage:
    return OpenedImage(ImageIdentity("demo", kind), ConfigReading(), layers, key)  # type: ignore[arg-type]


def offered(_: Image) -> tuple[Cataloguer, ...]:
    return (names,)


def nothing(_: Image) -> tuple[Cataloguer, ...]:
    raise AssertionError("a cataloguer was asked for")


def demo(content: bytes = b"x y") -> Held:
    return Held(layer({"etc/os-release": b"ID=demo\n", "a/list": content}))


def test_second_scan_asks_for_no_cataloguer_and_opens_no_layer() -> None:
    cache, held = Kept(), demo()
    first = make_sbom(image(held), offered, cache, OPTIONS)
    opened = held.opened
    assert [package.name for package in first.packages] == ["x", "y"]
    assert make_sbom(image(held), nothing, cache, OPTIONS) == first
    assert make_sbom(image(held), offered, None, OPTIONS) == first
    assert opened == 1


@pytest.mark.parametrize("harm", [b"", b"\xc1", b"\x91\x90", b"not what it was"])
def test_harmed_memory_counts_as_none(harm: bytes) -> None:
    cache = Kept()
    first = make_sbom(image(demo()), offered, cache, OPTIONS)
    for key in cache:
        cache[key] = harm
    assert make_sbom(image(demo()), offered, cache, OPTIONS) == first


@pytest.mark.parametrize(
    ("other", "options"),
    [
        (image(demo(b"z"), kind="directory"), OPTIONS),
        (image(demo(b"z"), key="other"), OPTIONS),
        (image(demo(b"z")), Options(limits=Limits(entries=7))),
    ],
)
def test_other_image_kind_or_limit_is_another_memory(other: OpenedImage, options: Options) -> None:
    cache = Kept()
    make_sbom(image(demo()), offered, cache, OPTIONS)
    for key in [key for key in cache if key.startswith("layer ")]:
        del cache[key]
    assert [one.name for one in make_sbom(other, offered, cache, options).packages] == ["z"]


@pytest.mark.parametrize(
    "scanned",
    [
        image(demo(), Held(b"", missing="gone")),
        image(Held(demo().content[:1100])),
        image(demo(), key=""),
    ],
)
def test_image_with_gaps_or_without_a_key_is_not_remembered(scanned: OpenedImage) -> None:
    cache = Kept()
    make_sbom(scanned, offered, cache, OPTIONS)
    assert not [key for key in cache if key.startswith("image ")]


def test_memory_is_of_the_code_that_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sbom" / "cataloguers" / "__pycache__").mkdir(parents=True)
    (tmp_path / "model").mkdir()
    (tmp_path / "packages").mkdir()
    cataloguer = tmp_path / "sbom" / "cataloguers" / "demo.py"
    cataloguer.write_text("1")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "sbom" / "code_fingerprint.py"))
    stamps = list(_stamps(cataloguer))
    assert (len(stamps), len(set(stamps))) == (4, 3)


def test_what_was_installed_is_known_by_the_digests_that_the_installer_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, metadata = tmp_path / "leadline", tmp_path / f"leadline-{__version__}.dist-info"
    (package / "sbom").mkdir(parents=True)
    (package / "model").mkdir()
    metadata.mkdir()
    monkeypatch.setattr(module, "__file__", str(package / "sbom" / "code_fingerprint.py"))
    stamps = []
    for record in ("leadline/sbom/sbom.py,sha256=aa,1", "leadline/sbom/sbom.py,sha256=ab,1"):
        (metadata / "RECORD").write_text(record)
        code_fingerprint.cache_clear()
        stamps.append(code_fingerprint())
    code_fingerprint.cache_clear()
    assert stamps[0] != stamps[1]


def _stamps(cataloguer: Path) -> Iterator[str]:
    def stamp() -> str:
        code_fingerprint.cache_clear()
        return code_fingerprint()

    yield stamp()
    (cataloguer.parent / "__pycache__" / "demo.pyc").write_text("")
    yield stamp()
    cataloguer.write_text("22")
    yield stamp()
    (cataloguer.parents[2] / "model" / "package.py").write_text("")
    yield stamp()
    code_fingerprint.cache_clear()


def test_memory_is_of_the_libraries_python_and_program_that_made_it(tmp_path: Path) -> None:
    (tmp_path / "demo-1.0.dist-info").mkdir()
    (tmp_path / "demo").mkdir()
    before = installed([str(tmp_path), str(tmp_path / "absent"), "a\0b"])
    (tmp_path / "demo-1.0.dist-info").rename(tmp_path / "demo-1.1.dist-info")
    assert (before, installed([str(tmp_path)])) == (["demo-1.0.dist-info"], ["demo-1.1.dist-info"])
    fingerprint = code_fingerprint()
    assert all(one in fingerprint for one in (sys.version, __version__, f"zstandard-{zstandard.__version__}"))


def test_memory_is_of_one_platform() -> None:
    cache = Kept()
    first, other = (
        structs.replace(image(demo(content)), identity=ImageIdentity("demo", platform=platform))
        for content, platform in ((b"x", "linux/amd64"), (b"z", "linux/386"))
    )
    make_sbom(first, offered, cache, OPTIONS)
    other.layers[0].stamp = "another"  # type: ignore[misc]
    assert [one.name for one in make_sbom(other, offered, cache, OPTIONS).packages] == ["z"]


def several(count: int, content: bytes = b"x") -> list[Held]:
    held = [demo(content) for _ in range(count)]
    for number, one in enumerate(held):
        one.cache_key = str(number)
    return held


def test_entries_of_all_layers_together_are_bounded() -> None:
    limits = Limits(all_entries=4)
    sbom = make_sbom(image(*several(3)), offered, None, Options(limits=limits))
    assert [one.why.partition(";")[0] for one in sbom.unread] == ["more than 0 entries"]


def test_kept_files_of_all_layers_together_are_bounded_and_the_rest_is_not_remembered() -> None:
    cache, held, limits = Kept(), several(3), Limits(all_kept_bytes=20)
    sbom = make_sbom(image(*held), offered, cache, Options(limits=limits))
    assert [(one.where, one.why) for one in sbom.unread] == [
        ("etc/os-release", "too large to be kept in memory")
    ]
    assert sorted(key.split()[1] for key in cache if key.startswith("layer")) == ["0", "1"]


def test_remembered_layers_are_bounded_together_too() -> None:
    cache = Kept()
    for one in several(3):
        make_sbom(image(one, key=""), offered, cache, Options(limits=Limits(all_kept_bytes=20)))
    sbom = make_sbom(image(*several(3)), offered, cache, Options(limits=Limits(all_kept_bytes=20)))
    assert [one.where for one in sbom.unread] == ["etc/os-release"]


def test_layer_that_stands_several_times_is_read_once() -> None:
    held = demo()
    sbom = make_sbom(image(*[held] * 50), offered, None, OPTIONS)
    assert (held.opened, [package.name for package in sbom.packages]) == (1, ["x", "y"])


def test_layers_beyond_the_limit_are_said_to_be_unread() -> None:
    sbom = make_sbom(image(*several(3)), offered, None, Options(limits=Limits(layers=2)))
    assert [(one.where, one.why) for one in sbom.unread] == [("layer list", "3 layers, of which 2 were read")]
