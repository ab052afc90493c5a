"""Who knows the names of containers on this machine: the runtimes that Kubernetes uses, Docker, Podman."""

from pathlib import Path
from typing import Protocol

from leadline.model.container import Container
from leadline.sources.cri.docker_socket import USUAL_PLACE, DockerSocket
from leadline.sources.cri.podman_storage import PodmanStorage
from leadline.sources.cri.runtime_socket import RuntimeSocket, UsualRuntime


class Runtime(Protocol):
    def container(self, id: str) -> Container | None:
        """``None`` where it has none. Raises: ``SourceError`` where it does not answer."""


def runtimes(socket: str) -> tuple[Runtime, ...]:
    """``socket``: ``auto`` for all that are found when they are asked, ``none``, or the path of one for Kubernetes."""
    if socket == "none":
        return ()
    if socket != "auto":
        return (RuntimeSocket(Path(socket)),)
    return UsualRuntime(), DockerSocket(Path(USUAL_PLACE)), PodmanStorage()
