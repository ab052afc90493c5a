"""Images of a running Docker or Podman, over HTTP on its socket (https://docs.docker.com/reference/api/engine).

The image is exported only when a layer is asked for: a second scan needs nothing but its description.
"""

import http.client
import os
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from msgspec import DecodeError, Struct, ValidationError, field, json

from leadline.errors import SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.model.package import ImageIdentity
from leadline.sbom.image import Layer
from leadline.sbom.layers.tar import EntryReader
from leadline.sources.images.archive import LARGEST_ARCHIVE, Archive, saved_image
from leadline.sources.images.oci_layout import configuration
from leadline.sources.oci.layer import OpenedImage
from leadline.sources.oci.manifest import LARGEST_MANIFEST, decode

TIMEOUT_SECONDS = 120.0
PIECE_BYTES = 1 << 20
LARGEST_REASON = 1 << 16


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


class _Message(Struct):
    """What a daemon says where it gives nothing."""

    message: str = ""


def sockets(environ: Mapping[str, str], engine: str = "docker") -> tuple[Path, ...]:
    """Where Docker and Podman may listen, those of ``engine`` first: Podman may replace Docker, and the other way.

    Raises:
        UsageError: the environment names a daemon that has no socket here.
    """
    docker = _named(environ, "DOCKER_HOST") if engine == "docker" else []
    podman = _named(environ, "CONTAINER_HOST") if engine == "podman" else []
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    own = [Path(runtime) / "docker.sock"] if runtime else []
    docker += [Path("/var/run/docker.sock"), *own]
    podman += [Path(runtime) / "podman" / "podman.sock"] if runtime else []
    podman.append(Path("/run/podman/podman.sock"))
    return (*podman, *docker) if engine == "podman" else (*docker, *podman)


def _named(environ: Mapping[str, str], variable: str) -> list[Path]:
    named = environ.get(variable, "")
    if not named:
        return []
    if not named.startswith("unix://"):
        # The daemon that answers here would show another image under the same name.
        raise UsageError(
            f"{variable} names a daemon that is not asked: only sockets on this machine are",
            hint="unset it, or save the image there: docker save IMAGE -o image.tar",
        )
    return [Path(named.removeprefix("unix://"))]


def open_daemon_image(name: str, places: Sequence[Path]) -> OpenedImage:
    """The image called ``name`` (or with that id) in the first of the sockets ``places`` that has it.

    Raises:
        UsageError: ``name`` can be none.
        SourceError: none has it.
    """
    if not name or name.startswith("/") or ".." in name:
        raise UsageError(
            f"not an image of a daemon: {name[:200]}",
            hint="write docker:NAME:TAG; an image in a registry is written without a scheme",
        )
    looked, failed = [], []
    for place in places:
        try:
            described = _described(place, name)
        except _Absent:
            continue
        except SourceError as error:
            failed.append(error)
            continue
        if described is not None:
            return _opened(place, name, described)
        looked.append(str(place))
    if not looked and not failed:
        raise SourceError("no Docker or Podman listens here", hint=f"looked at {', '.join(map(str, places))}")
    if not looked and len(failed) == 1:
        raise failed[0]
    asked = [f"asked {', '.join(looked)}"] if looked else []
    raise SourceError(f"no daemon here has {name}", hint="; ".join((*asked, *map(str, failed))))


def daemon_has(name: str, places: Sequence[Path]) -> bool:
    """Whether one of the sockets ``places`` has an image called ``name``; false where none answers."""
    for place in places:
        with suppress(_Absent, SourceError):
            if _described(place, name) is not None:
                return True
    return False


class _Absent(Exception):  # noqa: N818 - the state of a place
    """There is no socket."""


def _opened(place: Path, name: str, described: _Described) -> OpenedImage:
    raw = {
        "os": described.os,
        "architecture": described.architecture,
        "variant": described.variant or "",
        "created": described.created if isinstance(described.created, str) else "",
        "config": described.config,
    }
    config, unread = configuration(json.encode(raw))
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
        response = _get(self._place, f"/images/{quote(self._id, safe=':')}/get")
        try:
            if response.status != 200:
                raise SourceError(f"{self._place} does not export {self._id}: {_reason(response)}")
            # Without a name nothing is left behind, whatever happens to this process.
            with tempfile.TemporaryFile() as spool:
                total = 0
                while piece := _read(response, PIECE_BYTES, self._place):
                    total += spool.write(piece)
                    if total > LARGEST_ARCHIVE:
                        raise SourceError(f"the export of {self._id} is larger than allowed")
                spool.flush()
                return Archive(self._place, os.dup(spool.fileno()))
        except OSError as error:
            raise SourceError(
                f"no place for the export of {self._id}: {(error.strerror or str(error)).lower()}",
                hint="name a folder with more room in TMPDIR",
            ) from error
        finally:
            response.close()


class _ExportedLayer(Struct, frozen=True):
    diff_id: str
    cache_key: str
    export: _Export
    position: int
    stamp: str = ""
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
    """Raises ``_Absent`` or ``SourceError``."""
    connection = _Socket(place)
    try:
        # The answer then owns the socket, and closing it is enough.
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise _Absent from error
        why = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{place} does not answer: {why.lower()}") from error


def _read(response: http.client.HTTPResponse, count: int, place: Path) -> bytes:
    try:
        return response.read(count)
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"{place} closed the connection: {in_words(error)}") from error


def _described(place: Path, name: str) -> _Described | None:
    response = _get(place, f"/images/{quote(name, safe=':/@')}/json")
    try:
        if response.status == 404:
            return None
        if response.status != 200:
            raise SourceError(f"{place} does not know {name}: {_reason(response)}")
        content = _read(response, LARGEST_MANIFEST + 1, place)
    finally:
        response.close()
    return decode(content, _Described, f"the description of {name}")


def _reason(response: http.client.HTTPResponse) -> str:
    """What a daemon that refuses says, or at least its status."""
    with suppress(
        OSError, http.client.HTTPException, ValueError, DecodeError, ValidationError, RecursionError
    ):
        if said := json.decode(response.read(LARGEST_REASON), type=_Message).message:
            return said[:300]
    return f"status {response.status}"
