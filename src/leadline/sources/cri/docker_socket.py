"""Asks Docker for the names of a container: https://docs.docker.com/reference/api/engine/ (Inspect a container). Podman answers alike."""

import http.client
import re
import socket
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.model.container import Container
from leadline.untyped import MALFORMED

USUAL_PLACE = "/run/docker.sock"
TIMEOUT_S = 2.0
_LARGEST_ANSWER = 4 << 20
_ID = re.compile(r"[0-9a-f]{64}")
_LONGEST = 512


class _Config(Struct, frozen=True):
    image: str = msgspec.field(default="", name="Image")


class _Inspected(Struct, frozen=True):
    id: str = msgspec.field(name="Id")
    name: str = msgspec.field(default="", name="Name")
    image: str = msgspec.field(default="", name="Image")
    config: _Config = msgspec.field(default=_Config(), name="Config")


_DECODER = msgspec.json.Decoder(_Inspected)


class DockerSocket:
    def __init__(self, path: Path) -> None:
        self._path = path

    def container(self, id: str) -> Container | None:
        """What is known of the container ``id``; ``None`` where Docker does not run, or has no such container.

        Raises: ``SourceError`` where it does not answer.
        """
        if not _ID.fullmatch(id) or not self._path.is_socket():
            return None
        connection = _LocalConnection(str(self._path))
        try:
            connection.request("GET", f"/containers/{id}/json")
            answer = connection.getresponse()
            content = answer.read(_LARGEST_ANSWER)
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise SourceError(f"Docker at {self._path} answers with HTTP {answer.status}")
            found = _DECODER.decode(content)
        except (OSError, http.client.HTTPException, *MALFORMED) as error:
            raise SourceError(f"Docker at {self._path} does not answer: {in_words(error)}") from error
        finally:
            connection.close()
        name = found.name.removeprefix("/")[:_LONGEST]
        return Container(id, name=name, image=found.config.image[:_LONGEST], image_id=found.image[:_LONGEST])


class _LocalConnection(http.client.HTTPConnection):
    """Over a socket of this machine."""

    sock: Any

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self._path)
