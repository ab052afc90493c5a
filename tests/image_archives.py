"""Writes layers, archives of ``docker save`` and OCI layouts for tests."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import zstandard

MEDIA = "application/vnd.oci.image"


def layer(files: Mapping[str, bytes | str | None], extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """A plain tar: bytes become a file, a text a symbolic link to it, ``None`` a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            if content is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
    return buffer.getvalue()


def entry(path: str, kind: bytes, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    """An entry without content, for ``layer``'s second argument."""
    info = tarfile.TarInfo(path)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def configuration(layers: Sequence[bytes], architecture: str = "amd64", **run: object) -> bytes:
    """An image configuration for plain ``layers``."""
    return json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": run,
            "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
        }
    ).encode()


def docker_archive(
    path: Path,
    layers: Sequence[bytes],
    tags: Sequence[str] = ("demo:1",),
    config_name: str = "{hex}.json",
    said: Sequence[bytes] | None = None,
    **run: object,
) -> Path:
    """``config_name``: what the writer calls the configuration; ``{hex}`` stands for its digest.

    ``said``: the layers by the word of the configuration, where it is wrong.
    """
    config = configuration(layers if said is None else said, **run)
    name = config_name.format(hex=digest(config)[7:])
    names = [f"{i}/layer.tar" for i in range(len(layers))]
    saved = [{"Config": name, "RepoTags": list(tags), "Layers": names}]
    members: dict[str, bytes | str | None] = dict(zip(names, layers, strict=True))
    path.write_bytes(layer({**members, name: config, "manifest.json": json.dumps(saved).encode()}))
    return path


def compressed(content: bytes, how: str) -> bytes:
    if how == "gzip":
        return gzip.compress(content, 1, mtime=0)
    return zstandard.ZstdCompressor().compress(content) if how == "zstd" else content


class Blobs:
    """The blobs of images, by digest."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.types: dict[str, str] = {}

    def add(self, content: bytes, media_type: str = "") -> dict[str, object]:
        """Keeps ``content`` and returns its descriptor."""
        name = digest(content)
        self.blobs[name] = content
        self.types[name] = media_type
        return {"mediaType": media_type, "digest": name, "size": len(content)}

    def image(
        self,
        layers: Sequence[bytes],
        how: str = "gzip",
        said: Sequence[bytes] | None = None,
        architecture: str = "amd64",
        **run: object,
    ) -> dict[str, object]:
        """Keeps an image and returns the descriptor of its manifest; ``said`` as for ``docker_archive``."""
        ending = {"gzip": "+gzip", "zstd": "+zstd", "plain": ""}[how]
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{MEDIA}.manifest.v1+json",
            "config": self.add(
                configuration(layers if said is None else said, architecture, **run),
                f"{MEDIA}.config.v1+json",
            ),
            "layers": [self.add(compressed(one, how), f"{MEDIA}.layer.v1.tar{ending}") for one in layers],
        }
        return self.add(json.dumps(manifest).encode(), f"{MEDIA}.manifest.v1+json")

    def index(self, manifests: Sequence[dict[str, object]]) -> dict[str, object]:
        content = {"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": list(manifests)}
        return self.add(json.dumps(content).encode(), f"{MEDIA}.index.v1+json")

    def files(self, manifests: Sequence[dict[str, object]]) -> dict[str, bytes]:
        """The files of an OCI layout whose index lists ``manifests``."""
        index = json.dumps({"schemaVersion": 2, "manifests": list(manifests)}).encode()
        files = {f"blobs/{name.replace(':', '/')}": content for name, content in self.blobs.items()}
        return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index, **files}


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
