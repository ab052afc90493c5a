import bz2
import gzip
import json
import lzma
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec import structs

from image_archives import Blobs, configuration, digest, docker_archive, layer, write_files
from leadline.errors import SourceError, UsageError
from leadline.model.package import ImageConfig, ImageFile, Package, Sbom
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.findings import image_findings, not_judged
from leadline.sbom.image import Layer
from leadline.sbom.sbom_cache import make_sbom
from leadline.sources.images.cache import LayerCache
from leadline.sources.images.resolve import ImageOptions, open_image

OS_RELEASE = b"ID=demo\nVERSION_ID=7\n"
LAYERS = (
    layer({"etc/os-release": OS_RELEASE, "a.list": b"one two\n"}),
    layer({"b.list": b"three\n", "pins.lock": b"four\n"}),
)


@cataloguer("list", suffixes=(".list",))
def lists(file: File) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, "1")


@cataloguer("lock", suffixes=(".lock",), lock=True)
def locks(file: File, tree: Tree) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, f"wanted by {tree.distro.id or 'a project'}")


def scan(reference: str | Path, options: ImageOptions | None = None, cache: LayerCache | None = None) -> Sbom:
    image = open_image(str(reference), options or ImageOptions())
    try:
        return make_sbom(image, lambda _: (lists, locks), cache)
    finally:
        image.close()


def names(sbom: Sbom) -> list[str]:
    return [package.name for package in sbom.packages]


def oci_layout(folder: Path, how: str = "gzip", tags: tuple[str, ...] = ("",)) -> Path:
    blobs = Blobs()
    manifests = []
    for i, tag in enumerate(tags):
        descriptor = blobs.image(LAYERS[: i + 1] if tag else LAYERS, how)
        annotations = {"annotations": {"org.opencontainers.image.ref.name": tag}} if tag else {}
        manifests.append({**descriptor, **annotations})
    return write_files(folder, blobs.files(manifests))


def oci_archive(path: Path, how: str = "gzip") -> Path:
    blobs = Blobs()
    path.write_bytes(layer({**blobs.files([blobs.image(LAYERS, how)])}))
    return path


def test_docker_archive_is_known_by_its_content(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "any.name", LAYERS, Env=["PATH=/bin"], User="7")
    sbom = scan(path)
    assert names(sbom) == ["one", "three", "two"]
    assert (sbom.distro.id, sbom.distro.version) == ("demo", "7")
    assert sbom.config == ImageConfig(user="7", env_names=("PATH",))
    assert sbom.image.id == digest(configuration(LAYERS, Env=["PATH=/bin"], User="7"))
    assert (sbom.image.repo_tags, sbom.image.platform) == (("demo:1",), "linux/amd64")
    assert sbom.image.layers == tuple(map(digest, LAYERS))
    assert sbom.unread == ()


@pytest.mark.parametrize(
    "config_name",
    ["{hex}.json", "sha256:{hex}", "config.json", "{hex}", "blobs/sha256/{hex}", "config"],
    ids=["docker and skopeo", "crane, kaniko and ko", "Jib", "buildah", "docker 25", "other"],
)
def test_the_configuration_is_found_whatever_its_file_is_called(tmp_path: Path, config_name: str) -> None:
    sbom = scan(docker_archive(tmp_path / "x.tar", LAYERS, config_name=config_name, User="0"))
    assert sbom.image.id == digest(configuration(LAYERS, User="0"))
    titles = [one.title for one in image_findings(sbom, "2026-01-01", is_document=False)]
    assert "Runs as root" in titles
    assert not any("configuration" in gap for gap in not_judged(sbom, is_document=False))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress], ids=["gzip", "xz", "bzip2"])
def test_compressed_docker_archive_is_read(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = docker_archive(tmp_path / "plain.tar", LAYERS)
    packed = tmp_path / "image.tar.packed"
    packed.write_bytes(pack(path.read_bytes()))
    assert names(scan(packed)) == ["one", "three", "two"]


@pytest.mark.parametrize("how", ["gzip", "zstd", "plain"])
def test_oci_layout_and_archive_are_known_by_their_content(tmp_path: Path, how: str) -> None:
    for path in (oci_layout(tmp_path / "layout", how), oci_archive(tmp_path / "archive.tar", how)):
        assert names(scan(path)) == ["one", "three", "two"]


@pytest.mark.parametrize("scheme", ["docker-archive", "oci-archive", "oci", "dir"])
def test_scheme_forces_the_source(tmp_path: Path, scheme: str) -> None:
    path = {
        "docker-archive": lambda: docker_archive(tmp_path / "a.tar", LAYERS),
        "oci-archive": lambda: oci_archive(tmp_path / "b.tar"),
        "oci": lambda: oci_layout(tmp_path / "c"),
        "dir": lambda: write_files(tmp_path / "d", {"a.list": b"one two three"}),
    }[scheme]()
    assert names(scan(f"{scheme}:{path}")) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("scheme", "why"), [("docker-archive", "no manifest.json"), ("oci-archive", "no index.json")]
)
def test_wrong_scheme_is_an_error_that_says_so(tmp_path: Path, scheme: str, why: str) -> None:
    path = (
        oci_archive(tmp_path / "a.tar")
        if scheme == "docker-archive"
        else docker_archive(tmp_path / "a.tar", LAYERS)
    )
    with pytest.raises(SourceError, match=why):
        scan(f"{scheme}:{path}")


@pytest.mark.parametrize("scheme", ["docker-archive", "oci-archive"])
def test_what_is_no_plain_file_is_named(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(SourceError, match=f"{tmp_path} is a folder"):
        open_image(f"{scheme}:{tmp_path}", ImageOptions())
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe is not a file that can be read twice"):
        open_image(f"{scheme}:{tmp_path}/pipe", ImageOptions())


def test_one_of_several_images_is_chosen_by_its_tag(tmp_path: Path) -> None:
    path = oci_layout(tmp_path / "layout", tags=("small", "large"))
    assert names(scan(f"{path}:small")) == ["one", "two"]
    assert names(scan(f"oci:{path}:large")) == ["one", "three", "two"]
    with pytest.raises(UsageError, match="holds 2 images; add one after a colon: large, small"):
        scan(path)
    with pytest.raises(UsageError, match="holds no image called other; it holds large, small"):
        scan(f"{path}:other")


@pytest.mark.parametrize("make", [docker_archive, None])
def test_image_of_a_file_may_be_called_as_people_write_it(
    tmp_path: Path, make: Callable[[Path, tuple[bytes, ...], tuple[str, ...]], Path] | None
) -> None:
    full = "docker.io/library/demo:1"
    path = make(tmp_path / "a.tar", LAYERS, (full,)) if make else oci_layout(tmp_path, tags=("other", full))
    for name in (full, "demo:1", "docker.io/demo:1"):
        assert scan(f"{path}:{name}").image.repo_tags == (full,)
    for name in ("demo:2", "x/demo:1", "Demo"):
        with pytest.raises(UsageError, match=f"holds no image called {name}"):
            scan(f"{path}:{name}")


def test_image_of_a_layout_may_be_called_by_the_name_that_docker_gives_it(tmp_path: Path) -> None:
    blobs = Blobs()
    images = []
    for name in ("one", "two"):
        annotations = {
            "org.opencontainers.image.ref.name": "latest",
            "io.containerd.image.name": f"docker.io/team/{name}:latest",
        }
        images.append({**blobs.image([layer({"a.list": name.encode()})]), "annotations": annotations})
    write_files(tmp_path, blobs.files(images))
    assert [names(scan(f"{tmp_path}:team/{name}")) for name in ("one", "two")] == [["one"], ["two"]]


@pytest.mark.parametrize("scheme", ["docker-archive", "oci-archive", "oci", "dir", "docker", "containerd"])
def test_scheme_alone_is_not_the_folder_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"^{scheme}: names nothing; write what to read behind it"):
        scan(f"{scheme}:")


@pytest.mark.parametrize("scheme", ["docker", "https", "registry", "oci"])
def test_address_is_told_how_to_be_a_name(scheme: str) -> None:
    with pytest.raises(UsageError, match=f"for one in a registry leave {scheme}:// out"):
        scan(f"{scheme}://registry.example/demo:1")


def test_name_that_is_too_long_for_a_path_is_no_image() -> None:
    with pytest.raises(UsageError, match="not an image: aaa"):
        scan("a" * 5000)


def test_lock_files_count_in_a_folder_of_sources_and_not_in_a_root(tmp_path: Path) -> None:
    files = {"a.list": b"one", "x/pins.lock": b"four"}
    assert names(scan(write_files(tmp_path / "sources", files))) == ["four", "one"]
    assert names(scan(write_files(tmp_path / "root", {**files, "etc/os-release": OS_RELEASE}))) == ["one"]


def test_folder_is_not_left_through_links(tmp_path: Path) -> None:
    write_files(tmp_path, {"outside/secret.list": b"hidden", "folder/a.list": b"one"})
    (tmp_path / "folder" / "b.list").symlink_to("../outside/secret.list")
    (tmp_path / "folder" / "c").symlink_to("../outside")
    os.mkfifo(tmp_path / "folder" / "d.list")
    assert names(scan(tmp_path / "folder")) == ["one"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read_is_unread(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.list": b"one"})
    (tmp_path / "a.list").chmod(0)
    assert scan(tmp_path).unread == (Unread("a.list", "Permission denied", "malformed"),)


@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_second_scan_opens_no_layer(tmp_path: Path, kind: str) -> None:
    path = docker_archive(tmp_path / "a.tar", LAYERS) if kind == "docker" else oci_layout(tmp_path / "a")
    cache = LayerCache(tmp_path / "cache")
    first = scan(path, cache=cache)
    image = open_image(str(path), ImageOptions())
    layers = tuple(Stubborn(one) for one in image.layers)
    stubborn = structs.replace(image, layers=layers)
    second = make_sbom(stubborn, lambda _: (lists, locks), cache)
    image.close()
    assert (second.packages, second.distro, second.image, second.files) == (
        first.packages,
        first.distro,
        first.image,
        first.files,
    )


class Stubborn:
    """A layer that must not be opened."""

    def __init__(self, layer: Layer) -> None:
        self.diff_id, self.cache_key, self.stamp = layer.diff_id, layer.cache_key, layer.stamp
        self.size_bytes, self.missing = layer.size_bytes, layer.missing

    def open(self) -> NoReturn:
        raise AssertionError("a layer was opened")


def test_archive_that_changes_is_read_again(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path / "cache")
    path = docker_archive(tmp_path / "a.tar", LAYERS)
    scan(path, cache=cache)
    docker_archive(path, LAYERS[:1])
    assert names(scan(path, cache=cache)) == ["one", "two"]


def test_layer_that_claims_another_digest_poisons_no_cache(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path / "cache")
    evil = Blobs()
    image = evil.image(LAYERS[:1])
    manifest = json.loads(evil.blobs[str(image["digest"])])
    manifest["layers"][0] = evil.add(gzip.compress(layer({"a.list": b"evil"})))
    write_files(tmp_path / "evil", evil.files([evil.add(json.dumps(manifest).encode())]))
    assert names(scan(tmp_path / "evil", cache=cache)) == ["evil"]
    good = Blobs()
    write_files(tmp_path / "good", good.files([good.image(LAYERS[:1])]))
    assert names(scan(tmp_path / "good", cache=cache)) == ["one", "two"]


def test_damaged_blob_of_a_layout_tells_nothing(tmp_path: Path) -> None:
    folder = oci_layout(tmp_path / "layout")
    top = digest(gzip.compress(LAYERS[1], 1, mtime=0))
    (folder / "blobs" / top.replace(":", "/")).write_bytes(gzip.compress(layer({"x.list": b"forged"})))
    sbom = scan(folder)
    assert names(sbom) == ["one", "two"]
    why = f"its content does not have the digest {top}; nothing of it was used"
    assert sbom.unread == (Unread(f"layer {digest(LAYERS[1])}", why, "incomplete"),)


def test_absent_layer_is_unread(tmp_path: Path) -> None:
    folder = oci_layout(tmp_path / "layout")
    top = digest(gzip.compress(LAYERS[1], 1, mtime=0))
    (folder / "blobs" / top.replace(":", "/")).unlink()
    assert scan(folder).unread == (
        Unread(f"layer {digest(LAYERS[1])}", f"blob {top} is not there", "incomplete"),
    )


@pytest.mark.parametrize("config", [b"[]", b'{"os": "\xb5"}', b"[" * 100_000])
def test_configuration_that_cannot_be_read_costs_no_package(tmp_path: Path, config: bytes) -> None:
    saved = [{"Config": "c.json", "RepoTags": None, "Layers": ["l.tar"]}]
    path = tmp_path / "a.tar"
    path.write_bytes(
        layer({"l.tar": LAYERS[0], "c.json": config, "manifest.json": json.dumps(saved).encode()})
    )
    sbom = scan(path)
    assert names(sbom) == ["one", "two"]
    assert [one.where for one in sbom.unread] == ["image configuration", "image configuration"]


def test_secrets_in_the_environment_are_told_by_place_alone(tmp_path: Path) -> None:
    value = "ghp_" + "a1B2" * 9
    sbom = scan(docker_archive(tmp_path / "a.tar", LAYERS, Env=[f"TOKEN={value}", "PATH=/bin"]))
    assert sbom.files == (ImageFile("(configuration) env TOKEN", "secret", "GitHub token"),)
    assert value not in repr(sbom)


@pytest.mark.parametrize(
    "reference",
    ["/nowhere/image.tar", "./x", "missing.tar", "Not An Image", "registry:UPPER/case", "oci:/nowhere"],
)
def test_what_is_not_there_is_one_clear_error(reference: str) -> None:
    with pytest.raises((SourceError, UsageError)):
        scan(reference)


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{}",
        b"[]",
        b'[{"Config": 1}]',
        b'[{"Config": "x", "Layers": "y"}]',
        b"[" * 100_000,
        b'[{"Config": "\xb5"}]',
    ],
)
def test_hostile_manifest_of_an_archive_is_one_clear_error(tmp_path: Path, manifest: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(layer({"manifest.json": manifest}))
    with pytest.raises(SourceError):
        scan(path)


def blob_of(folder: Path, content: bytes) -> Path:
    return folder / "blobs" / digest(content).replace(":", "/")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD_FILES = (a_pipe, Path.mkdir, a_device)


@pytest.mark.parametrize("put", ODD_FILES)
def test_layer_that_is_no_file_costs_itself_alone(tmp_path: Path, put: Callable[[Path], None]) -> None:
    path = blob_of(oci_layout(tmp_path, "plain"), LAYERS[0])
    path.unlink()
    put(path)
    sbom = scan(tmp_path)
    assert (names(sbom), sbom.unread) == (
        ["three"],
        (Unread(f"layer {digest(LAYERS[0])}", f"{path} is not a file", "incomplete"),),
    )


@pytest.mark.parametrize("put", ODD_FILES)
def test_index_that_is_no_file_is_named(tmp_path: Path, put: Callable[[Path], None]) -> None:
    path = oci_layout(tmp_path) / "index.json"
    path.unlink()
    put(path)
    with pytest.raises(SourceError, match=f"{path} is not a file"):
        scan(f"oci:{tmp_path}")


def test_image_may_have_more_layers_than_a_process_may_open_files(tmp_path: Path) -> None:
    layers = [layer({f"{i}.list": b"%d" % i}) for i in range(80)]
    blobs = Blobs()
    write_files(tmp_path, blobs.files([blobs.image(layers, "plain")]))
    open_files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files + 40, hard))
    try:
        sbom = scan(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (len(sbom.packages), sbom.unread) == (80, ())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_layer_that_may_not_be_read_is_not_said_to_be_absent(tmp_path: Path) -> None:
    path = blob_of(oci_layout(tmp_path, "plain"), LAYERS[0])
    path.chmod(0)
    why = f"cannot open {path}: Permission denied"
    assert scan(tmp_path).unread == (Unread(f"layer {digest(LAYERS[0])}", why, "incomplete"),)


def test_archive_that_no_folder_has_room_for_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "image.tar.gz"
    path.write_bytes(gzip.compress(docker_archive(tmp_path / "plain.tar", LAYERS).read_bytes()))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(SourceError) as caught:
        scan(path)
    assert str(caught.value) == (
        f"cannot unpack {path}: no such file or directory; "
        "unpack it yourself, or name a folder with more room in TMPDIR"
    )


def test_image_without_layers_holds_nothing_and_is_no_error(tmp_path: Path) -> None:
    config = b'{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": null}}'
    saved = [{"Config": "c.json", "RepoTags": None, "Layers": None}]
    path = tmp_path / "a.tar"
    path.write_bytes(layer({"c.json": config, "manifest.json": json.dumps(saved).encode()}))
    sbom = scan(path)
    assert (sbom.packages, sbom.unread, sbom.image.platform) == ((), (), "linux/amd64")


def test_archive_of_more_layers_than_any_engine_runs_is_refused(tmp_path: Path) -> None:
    saved = [{"Config": "c.json", "RepoTags": None, "Layers": ["l.tar"] * 2001}]
    path = tmp_path / "a.tar"
    members = {"c.json": b"{}", "l.tar": LAYERS[0], "manifest.json": json.dumps(saved).encode()}
    path.write_bytes(layer(members))
    with pytest.raises(SourceError, match=f"^{path} has 2,001 layers; no engine"):
        scan(path)


def test_chart_in_a_layout_is_no_image(tmp_path: Path) -> None:
    blobs = Blobs()
    config = blobs.add(b"{}", "application/vnd.cncf.helm.config.v1+json")
    chart = blobs.add(LAYERS[0], "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
    manifest = {"schemaVersion": 2, "config": config, "layers": [chart]}
    write_files(tmp_path, blobs.files([blobs.add(json.dumps(manifest).encode())]))
    with pytest.raises(SourceError, match=r"is not an image but application/vnd\.cncf\.helm"):
        scan(tmp_path)


def test_names_in_a_manifest_lead_nowhere_outside_the_archive(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_bytes(configuration(()))
    saved = [{"Config": "../secret.json", "RepoTags": None, "Layers": []}]
    path = tmp_path / "x" / "a.tar"
    path.parent.mkdir()
    path.write_bytes(layer({"manifest.json": json.dumps(saved).encode(), "link": "../secret.json"}))
    with pytest.raises(SourceError, match="holds no configuration"):
        scan(path)


@pytest.mark.parametrize("digest", ["sha256:../../../etc/passwd", "../x", "", "md5:abc"])
def test_digest_that_is_a_path_leads_nowhere(tmp_path: Path, digest: str) -> None:
    index = json.dumps({"manifests": [{"digest": digest, "size": 1}]}).encode()
    write_files(tmp_path, {"oci-layout": b"{}", "index.json": index})
    with pytest.raises(SourceError, match="holds no blob"):
        scan(f"oci:{tmp_path}")
