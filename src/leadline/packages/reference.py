"""An image reference taken apart, by the rules of
https://github.com/distribution/reference/blob/main/reference.go and Docker Hub's defaults.
"""

from msgspec import Struct

from leadline.packages.late_pattern import late_pattern

DOCKER_HUB = "docker.io"
DEFAULT_TAG = "latest"
LONGEST = 4096
HUB_NAMES = frozenset((DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"))
"""Hosts that all mean ``DOCKER_HUB``."""

_HOST = late_pattern(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?"
)
_REPOSITORY = late_pattern(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = late_pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = late_pattern(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


class Reference(Struct, frozen=True):
    """The parts of ``registry/repository:tag@digest``."""

    registry: str
    """``host[:port]`` in lower case; ``docker.io`` where none is written."""
    repository: str
    """With ``library/`` in front for Docker Hub's official images."""
    tag: str = ""
    """As written; empty where none is."""
    digest: str = ""
    """``algorithm:hex``; empty where none is written."""

    @property
    def name(self) -> str:
        """``registry/repository``."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def full(self) -> str:
        """Everything spelled out: ``docker.io/library/nginx:latest``."""
        digest = f"@{self.digest}" if self.digest else ""
        tag = self.tag or ("" if digest else DEFAULT_TAG)
        return f"{self.name}{':' + tag if tag else ''}{digest}"

    @property
    def familiar(self) -> str:
        """As people write it: ``nginx:1.27``."""
        name = self.full.removeprefix(f"{DOCKER_HUB}/")
        return name.removeprefix("library/") if name != self.full else name


def read_reference(text: str) -> Reference | None:
    """The parts of ``text``; ``None`` where it is not an image reference."""
    if not text or len(text) > LONGEST:
        return None
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return None
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        name, tag = rest, ""
    elif not _TAG.fullmatch(tag):
        return None
    registry, repository = _split(name)
    if not _HOST.fullmatch(registry) or not _REPOSITORY.fullmatch(repository) or len(repository) > 255:
        return None
    return Reference(_spelled(registry), repository, tag, digest)


def read_registry(text: str) -> str:
    """``host[:port]`` as ``Reference.registry`` has it; empty where ``text`` is not a registry."""
    if not _HOST.fullmatch(text):
        return ""
    host = _spelled(text)
    return DOCKER_HUB if host in HUB_NAMES else host


def _split(name: str) -> tuple[str, str]:
    """Registry and repository. A first part is a host where it has a dot, a port or capitals, or is ``localhost``."""
    first, slash, rest = name.partition("/")
    if not slash or not _is_host(first):
        first, rest = DOCKER_HUB, name
    if first.lower() in HUB_NAMES:
        first = DOCKER_HUB
    if first == DOCKER_HUB and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest


def _is_host(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def _spelled(host: str) -> str:
    """In lower case, unless only its capitals make it a host."""
    lower = host.lower()
    return lower if _is_host(lower) else host
