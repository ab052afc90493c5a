"""Credentials in layers whose files nobody sees any longer."""

from test_layer import Held, names

from image_archives import layer
from leadline.model.package import ImageIdentity
from leadline.sbom.identity.config import ConfigReading
from leadline.sbom.sbom_cache import make_sbom
from leadline.sources.oci.layer import OpenedImage

KEY = b"-----BEGIN PRIVATE KEY-----\n"
FOUND = "private key in line 1"
BURIED = f"{FOUND}, hidden later but still in its layer"


class Numbered(Held):
    """A layer with a digest of its own."""

    def __init__(self, content: bytes, number: int) -> None:
        super().__init__(content)
        self.diff_id = self.cache_key = f"sha256:{number}"
        self.stamp = ""


def told(*layers: bytes) -> list[tuple[str, str, str]]:
    held = [Numbered(one, number) for number, one in enumerate(layers)]
    image = OpenedImage(ImageIdentity("demo"), ConfigReading(), tuple(held))
    return [(one.path, one.detail, one.layer[-1]) for one in make_sbom(image, lambda _: (names,)).files]


def test_a_deleted_credential_is_told_with_its_layer():
    deleting = layer({"root/.ssh/.wh.id_rsa": b""})
    assert told(layer({"root/.ssh/id_rsa": KEY}), deleting) == [("root/.ssh/id_rsa", BURIED, "0")]


def test_so_is_one_in_a_deleted_folder_and_one_that_was_overwritten():
    lower = layer({"a/x.key": KEY, "b/y.key": KEY})
    assert told(lower, layer({".wh.a": b"", "b/y.key": b"none"})) == [
        ("a/x.key", BURIED, "0"),
        ("b/y.key", BURIED, "0"),
    ]


def test_one_that_was_only_copied_up_is_told_once():
    assert told(layer({"a/x.key": KEY}), layer({"a/x.key": KEY})) == [("a/x.key", FOUND, "1")]


def test_another_one_in_its_place_does_not_hide_it():
    assert told(layer({"a/x.key": b"\n" + KEY}), layer({"a/x.key": KEY})) == [
        ("a/x.key", FOUND, "1"),
        ("a/x.key", "private key in line 2, hidden later but still in its layer", "0"),
    ]


def below_a_link() -> bytes:
    """A layer whose key stands below a link that stands before it."""
    lower = layer({"usr/lib/": None, "lib": "usr/lib"})
    # Two blocks of zeros end an archive; what follows is the next one's.
    return lower.rstrip(b"\0") + padding(lower) + layer({"lib/x.key": KEY})


def padding(archive: bytes) -> bytes:
    return bytes(-len(archive.rstrip(b"\0")) % 512)


def test_one_below_a_link_of_its_layer_is_told_where_it_stands():
    assert told(below_a_link()) == [("usr/lib/x.key", FOUND, "0")]


def test_one_below_a_link_of_its_layer_is_told_where_the_layer_has_it_once_it_is_deleted():
    assert told(below_a_link(), layer({"usr/lib/.wh.x.key": b""})) == [("lib/x.key", BURIED, "0")]


def test_the_same_layer_twice_is_told_once():
    held, deleting = Numbered(layer({"a/x.key": KEY}), 0), Numbered(layer({".wh.a": b""}), 1)
    image = OpenedImage(ImageIdentity("demo"), ConfigReading(), (held, deleting, held, deleting))
    assert [one.detail for one in make_sbom(image, lambda _: (names,)).files] == [BURIED]


def test_a_file_too_large_to_search_is_not_passed_over():
    image = OpenedImage(
        ImageIdentity("demo"), ConfigReading(), (Held(layer({"a/x.tfstate": b" " * ((4 << 20) + 1)})),)
    )
    assert [(one.where, one.why) for one in make_sbom(image, lambda _: (names,)).unread] == [
        ("a/x.tfstate", "larger than 4 MiB, not searched for credentials")
    ]
