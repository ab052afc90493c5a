"""Finds the names of a container of Podman in its storage: it has no daemon that could be asked.

``containers.json`` of https://github.com/containers/storage, one for each driver; of the machine and of each user.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.model.container import Container
from leadline.sources.regular_file import read_regular
from leadline.untyped import MALFORMED

PLACES = (
    "var/lib/containers/storage/*-containers/containers.json",
    "home/*/.local/share/containers/storage/*-containers/containers.json",
)
_LARGEST = 16 << 20
_MOST_FILES = 64
_LONGEST = 512


class _Row(Struct, frozen=True):
    id: str
    names: list[str] = []
    image: str = ""
    metadata: str = ""
    """JSON again."""


class _Metadata(Struct, frozen=True, rename={"image_name": "image-name"}):
    image_name: str = ""


_ROWS = msgspec.json.Decoder(list[_Row])
_METADATA = msgspec.json.Decoder(_Metadata)


class PodmanStorage:
    """``root`` is where the file system of the machine is."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def container(self, id: str) -> Container | None:
        """What is known of the container ``id``; ``None`` where Podman has none.

        Raises: ``SourceError`` where a file of it cannot be read.
        """
        for place in PLACES:
            for number, path in enumerate(self._root.glob(place)):
                if number == _MOST_FILES:
                    break
                for row in _rows(path):
                    if row.id == id:
                        return _container(row)
        return None


def _rows(path: Path) -> list[_Row]:
    try:
        return _ROWS.decode(read_regular(path, _LARGEST))
    except FileNotFoundError:
        return []
    except (OSError, *MALFORMED) as error:
        raise SourceError(f"cannot read {path}: {in_words(error)}") from error


def _container(row: _Row) -> Container:
    try:
        image = _METADATA.decode(row.metadata).image_name if row.metadata else ""
    except MALFORMED:
        image = ""
    name = row.names[0] if row.names else ""
    return Container(row.id, name=name[:_LONGEST], image=image[:_LONGEST], image_id=row.image[:_LONGEST])
