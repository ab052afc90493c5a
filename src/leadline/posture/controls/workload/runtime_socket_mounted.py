"""The socket of the node's container runtime is mounted into the pod.

Anyone who can talk to it can start a privileged container and so holds the node; no token and no policy of
Kubernetes stands in between.

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

from leadline.posture.control import Remove, Violations, Workload, control, mapping, text

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
    for v, volume in workload.volumes:
        if "hostPath" not in volume or not reaches_socket(text(mapping(volume.get("hostPath")).get("path"))):
            continue
        yield Remove(f"volumes[{v}]")
        for container in workload.containers:
            for m, mount in container.mounts:
                if mount.get("name") == volume.get("name"):
                    yield Remove(f"{container.place}volumeMounts[{m}]")


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
