"""Images of a running Docker or Podman, over HTTP on its socket (https://docs.docker.com/reference/api/engine).

The image is exported only when a layer is asked for: a second scan needs nothing but its description.
"""

import http.client
import os
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

import orjson
from msgspec import Struct, field

from leadline.errors import SourceError
from leadline.image.image import Layer
from leadline.image.tar import EntryReader
from leadline.model.package import ImageIdentity
from leadline.sources.archive import LARGEST_ARCHIVE, Archive, saved_image
from leadline.sources.image_manifest import LARGEST_MANIFEST, decode
from leadline.sources.layer_blob import OpenedImage
from leadline.sources.oci_layout import configuration

TIMEOUT_SECONDS = 120.0
PIECE_BYTES = 1 << 20


class _RootFs(Struct, frozen=True, rename="pascal"):
    layers: list[str] = []


class _Described(Struct, frozen=True, rename="pascal"):
    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    created: Any = None
    os: str = ""
    architecture: str = ""
    variant: str | None = None
    config: dict[str, Any] | None = None
    root_fs: _RootFs | None = field(name="RootFS", default=None)


def sockets(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where Docker and Podman may listen; the one that ``DOCKER_HOST`` names goes first."""
    named = environ.get("DOCKER_HOST", "")
    paths = [Path(named.removeprefix("unix://"))] if named.startswith("unix://") else []
    paths.append(Path("/var/run/docker.sock"))
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        paths += [Path(runtime) / "docker.sock", Path(runtime) / "podman" / "podman.sock"]
    return (*paths, Path("/run/podman/podman.sock"))


def open_daemon_image(name: str, places: Sequence[Path]) -> OpenedImage:
    """The image called ``name`` (or with that id) in the first of the sockets ``places`` that has it.

    Raises:
        SourceError: none has it.
    """
    looked = []
    for place in places:
        if not place.exists():
            continue
        looked.append(str(place))
        described = _described(place, name)
        if described is not None:
            return _opened(place, name, described)
    if looked:
        raise SourceError(f"no daemon here has {name}", hint=f"asked {', '.join(looked)}")
    raise SourceError("no Docker or Podman listens here", hint=f"looked at {', '.join(map(str, places))}")


def _opened(place: Path, name: str, described: _Described) -> OpenedImage:
    raw = {
        "os": described.os,
        "architecture": described.architecture,
        "variant": described.variant or "",
        "created": described.created if isinstance(described.created, str) else "",
        "config": described.config,
    }
    config, unread = configuration(orjson.dumps(raw))
    diff_ids = tuple((described.root_fs or _RootFs()).layers)
    digests = [text.partition("@")[2] for text in described.repo_digests or ()]
    identity = ImageIdentity(
        name,
        id=described.id,
        digest=digests[0] if digests else "",
        repo_tags=tuple(described.repo_tags or ()),
        platform=config.platform,
        layers=diff_ids,
    )
    export = _Export(place, described.id)
    layers: tuple[Layer, ...] = tuple(
        _ExportedLayer(diff_id, f"daemon {diff_id}", export, i) for i, diff_id in enumerate(diff_ids)
    )
    return OpenedImage(identity, config, layers, f"daemon {described.id}", unread, (export.close,))


class _Export:
    """The archive of an image, fetched once and only when needed."""

    def __init__(self, place: Path, image_id: str) -> None:
        self._place = place
        self._id = image_id
        self._lock = Lock()
        self._image: OpenedImage | None = None

    def layer(self, position: int) -> Layer:
        """Raises ``SourceError`` where the daemon does not give it."""
        with self._lock:
            if self._image is None:
                self._image = saved_image(self._place, self._fetched())
            layers = self._image.layers
        if position >= len(layers):
            raise SourceError(f"the export of {self._id} has only {len(layers)} layers")
        return layers[position]

    def close(self) -> None:
        if self._image is not None:
            self._image.close()

    def _fetched(self) -> Archive:
        # Without a name nothing is left behind, whatever happens to this process.
        with tempfile.TemporaryFile() as spool:
            response = _get(self._place, f"/images/{quote(self._id, safe=':')}/get")
            if response.status != 200:
                raise SourceError(f"{self._place} does not export {self._id}: status {response.status}")
            total = 0
            try:
                while piece := response.read(PIECE_BYTES):
                    total += len(piece)
                    if total > LARGEST_ARCHIVE:
                        raise SourceError(f"the export of {self._id} is larger than allowed")
                    spool.write(piece)
                spool.flush()
            except (OSError, http.client.HTTPException) as error:
                raise SourceError(f"the export of {self._id} broke off: {error}") from error
            finally:
                response.close()
            return Archive(self._place, os.dup(spool.fileno()))


class _ExportedLayer(Struct, frozen=True):
    diff_id: str
    cache_key: str
    export: _Export
    position: int
    size_bytes: int = 0
    missing: str = ""

    def open(self) -> AbstractContextManager[EntryReader]:
        return self.export.layer(self.position).open()


class _Socket(http.client.HTTPConnection):
    def __init__(self, place: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._place))


def _get(place: Path, path: str) -> http.client.HTTPResponse:
    connection = _Socket(place)
    try:
        # The answer then owns the socket, and closing it is enough.
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise SourceError(f"{place} does not answer: {error}") from error


def _described(place: Path, name: str) -> _Described | None:
    response = _get(place, f"/images/{quote(name, safe=':/@')}/json")
    try:
        content = response.read(LARGEST_MANIFEST + 1)
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"{place} broke off: {error}") from error
    finally:
        response.close()
    if response.status == 404:
        return None
    if response.status != 200:
        raise SourceError(f"{place} answers {response.status} when asked for {name}")
    return decode(content, _Described, f"the description of {name}")
