"""An image name taken apart the way the container runtime does it.

Source: https://github.com/distribution/reference/blob/main/reference.go (normalised names).
"""

from functools import lru_cache
from typing import NamedTuple

DOCKER_HUB = "docker.io"


class ImageName(NamedTuple):
    """``registry/repository:tag@digest``, the defaults filled in; a tag is not filled in."""

    registry: str
    repository: str
    tag: str
    digest: str
    """``sha256:…``, or empty."""

    @property
    def full(self) -> str:
        """``registry/repository``."""
        return f"{self.registry}/{self.repository}"

    @property
    def program(self) -> str:
        """The last part of the repository, by which an image is called wherever it was copied to."""
        return self.repository.rpartition("/")[2]

    @property
    def is_floating(self) -> bool:
        """Whether it may be another image tomorrow: no digest, and no tag or ``latest``."""
        return not self.digest and self.tag in ("", "latest")


@lru_cache(maxsize=8192)
def parse_image_name(image: str) -> ImageName:
    """``image`` taken apart; nothing is refused, so that odd names can still be judged."""
    rest, _, digest = image.strip().partition("@")
    head, slash, tail = rest.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost" or head != head.lower()):
        registry, path = head, tail
    else:
        registry, path = DOCKER_HUB, rest
    name, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:
        name, tag = path, ""
    if registry in ("index.docker.io", "registry-1.docker.io"):
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in name:
        name = f"library/{name}"
    return ImageName(registry, name, tag, digest)


def is_below(image: ImageName, entry: str) -> bool:
    """Whether an image belongs to ``entry``: a registry, a repository, or the start of one that ends at a slash.

    ``reg.example`` holds ``reg.example/web`` but not ``reg.example.evil/web``. An entry without a host is
    one of Docker Hub's.
    """
    wanted = entry.strip().rstrip("/")
    if not wanted:
        return False
    if image.full == wanted or image.full.startswith(wanted + "/"):
        return True
    wanted_name = parse_image_name(wanted)
    if "/" not in wanted and ("." in wanted or ":" in wanted):
        return image.registry == wanted
    in_place = image.full == wanted_name.full or image.full.startswith(wanted_name.full + "/")
    if wanted_name.tag or wanted_name.digest:
        return (
            image.full == wanted_name.full
            and wanted_name.tag in ("", image.tag)
            and wanted_name.digest in ("", image.digest)
        )
    as_namespace = image.full.startswith(f"{wanted_name.registry}/{wanted}/")
    return in_place or as_namespace
