"""The socket of the node's container runtime is mounted into the pod.

Anyone who can talk to it can start a privileged container and so holds the node; no token and no policy of
Kubernetes is in between.

Fix: take the volume out; build images with a tool that needs no daemon, and read container facts through
the kubelet.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - name: sock
        hostPath: {path: /var/run/docker.sock}
      containers:
      - name: web
        image: nginx:1.27
        volumeMounts:
        - {name: sock, mountPath: /var/run/docker.sock}

Cannot see: sockets that the nodes keep in other places.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from typing import Any

from leadline.posture.checks.mounts import volumes_with_mounts
from leadline.posture.control import Container, Violations, Workload, control, mapping, text

SOCKETS = (
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/run/dockershim.sock",
    "/run/cri-dockerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/run/docker/containerd/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
    "/run/user/*/docker.sock",
    "/run/user/*/containerd-rootless",
    "/run/user/*/podman/podman.sock",
)
"""Those of Docker, containerd, CRI-O, Podman, k3s and RKE2, k0s, MicroK8s, and of runtimes without root."""
PLACES = tuple(tuple(socket.split("/")[1:]) for socket in SOCKETS)


@control(
    "C-0074",
    "Container runtime socket mounted",
    problem="Container runtime socket mounted",
    consequence="node escape",
    score=9.0,
    reference_score=5.0,
    category="Workload / Node escape",
)
def runtime_socket_mounted(workload: Workload) -> Violations:
    yield from volumes_with_mounts(workload, (one for one in workload.volumes if is_socket(workload, one[1])))


def is_socket(workload: Workload, volume: dict[str, Any]) -> bool:
    """Whether it is one, or holds one that a container may open."""
    path = text(mapping(volume.get("hostPath")).get("path"))
    if "hostPath" not in volume or not reaches_socket(path):
        return False
    return path.endswith(".sock") or any(map(may_open, mounting(workload, volume)))


def mounting(workload: Workload, volume: dict[str, Any]) -> tuple[Container, ...]:
    """The containers that mount ``volume``; all of them where none does, since the next one may."""
    found = tuple(container for container, _ in workload.mounts_of(volume))
    return found or workload.containers


def may_open(container: Container) -> bool:
    """Whether it may run as root: below a folder the sockets are as the node has them, for root and its group alone."""
    settings = container.workload.security_context
    is_non_root = container.effective("runAsNonRoot") is True or bool(container.effective("runAsUser"))
    return (
        not is_non_root
        or container.security_context.get("privileged") is True
        or bool(settings.get("supplementalGroups"))
    )


def reaches_socket(path: str) -> bool:
    """Whether it is a socket or any folder above one; ``/var/run`` is a link to ``/run`` on every present-day node."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if parts[:2] == ["var", "run"]:
        parts = parts[1:]
    if parts == ["var"]:
        return False  # only MicroK8s has its socket there, and most nodes a link that leads back into the container
    return any(
        len(parts) <= len(place)
        and all(wanted in ("*", part) for part, wanted in zip(parts, place, strict=False))
        for place in PLACES
    )
