"""Manifests, indexes and the choice among their platforms."""

import json

import pytest

from leadline.errors import SourceError, UsageError
from leadline.sources.oci.manifest import (
    MOST_LAYERS,
    Descriptor,
    Manifest,
    Platform,
    check_is_image,
    for_platform,
    read_manifest,
    read_platform,
)

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = {"digest": "sha256:c", "mediaType": "application/vnd.oci.image.config.v1+json"}


def manifest(**parts: object) -> Manifest:
    return read_manifest(json.dumps(parts).encode(), "demo")


def test_what_go_writes_for_nothing_is_nothing() -> None:
    found = manifest(schemaVersion=2, mediaType=None, config=CONFIG, layers=None, manifests=None)
    assert (found.layers, found.manifests) == ([], None)
    assert manifest(manifests=[], config=None, layers=None).manifests == []
    assert manifest(mediaType=INDEX, manifests=None).manifests == []


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000, b'{"mediaType": "\xff"}', b"\xff"])
def test_what_is_no_manifest_is_one_clear_error(content: bytes) -> None:
    with pytest.raises(SourceError, match=r"^demo cannot be read: "):
        read_manifest(content, "demo")


@pytest.mark.parametrize(
    "parts",
    [
        {"manifests": [{"digest": "sha256:a"}], "config": CONFIG},
        {"manifests": [{"digest": "sha256:a"}], "layers": [{"digest": "sha256:b"}]},
        {"manifests": [], "config": CONFIG, "layers": []},
        {"mediaType": INDEX, "config": CONFIG, "layers": [{"digest": "sha256:b"}]},
        {"mediaType": IMAGE, "manifests": [{"digest": "sha256:a"}]},
    ],
)
def test_index_that_is_an_image_as_well_is_refused(parts: dict[str, object]) -> None:
    with pytest.raises(SourceError, match="demo is an index and an image at once"):
        manifest(**parts)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"schemaVersion": 1, "fsLayers": []}, "retired schema 1"),
        ({"config": None}, "names no configuration"),
        ({"config": {**CONFIG, "mediaType": "application/vnd.oci.empty.v1+json"}}, "not an image but"),
        ({"config": {**CONFIG, "mediaType": "application/vnd.cncf.helm.config.v1+json"}}, "not an image but"),
    ],
)
def test_what_is_no_image_is_named(parts: dict[str, object], why: str) -> None:
    with pytest.raises(SourceError, match=why):
        check_is_image(manifest(**parts), "demo")


def test_image_of_more_layers_than_any_engine_runs_is_refused() -> None:
    layers = [{"digest": "sha256:a"}] * (MOST_LAYERS + 1)
    check_is_image(manifest(config=CONFIG, layers=layers[1:]), "demo")
    with pytest.raises(SourceError, match=r"^demo has 2,001 layers; no engine runs more than 2,000$"):
        check_is_image(manifest(config=CONFIG, layers=layers), "demo")


@pytest.mark.parametrize("kind", ["", "application/octet-stream", CONFIG["mediaType"]])
def test_images_of_every_age_are_images(kind: str) -> None:
    check_is_image(manifest(config={**CONFIG, "mediaType": kind}), "demo")


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/arm/v7", "linux/arm/v7"),
        ("arm/v7", "linux/arm/v7"),
        ("arm64/v8", "linux/arm64/v8"),
        ("amd64/v2", "linux/amd64/v2"),
        ("armv7l", "linux/arm/v7"),
        ("linux/aarch64", "linux/arm64"),
        ("Windows/AMD64", "windows/amd64"),
    ],
)
def test_platform_may_be_written_short(text: str, platform: str) -> None:
    assert str(read_platform(text)) == platform


def offered(*platforms: str) -> list[Descriptor]:
    return [
        Descriptor(f"sha256:{i}", platform=Platform(*one.split("/")) if one else None)
        for i, one in enumerate(platforms)
    ]


@pytest.mark.parametrize(
    ("platforms", "wanted", "found"),
    [
        (("linux/amd64/v3", "linux/amd64"), "linux/amd64", 1),
        (("linux/amd64/v3", "linux/amd64/v2"), "linux/amd64", 0),
        (("linux/arm/v6", "linux/arm/v7"), "linux/arm/v7", 1),
        (("linux/arm64", "linux/arm64/v8"), "linux/arm64/v8", 1),
        (("linux/arm64", "linux/arm64/v9"), "linux/arm64/v8", 0),
    ],
)
def test_variant_decides_among_several_that_fit(platforms: tuple[str, ...], wanted: str, found: int) -> None:
    assert for_platform(offered(*platforms), read_platform(wanted), "demo").digest == f"sha256:{found}"


@pytest.mark.parametrize(
    ("platforms", "hint"),
    [
        (("linux/arm/v7", "linux/arm/v7"), "choose one with --platform: linux/arm/v7"),
        (("", ""), "no platforms are named, choose one by its digest: sha256:0, sha256:1"),
        ((), "it lists no image"),
    ],
)
def test_choice_that_is_open_says_what_there_is(platforms: tuple[str, ...], hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        for_platform(offered(*platforms), read_platform("s390x"), "demo")
    assert str(caught.value) == f"demo is not there for linux/s390x; {hint}"
