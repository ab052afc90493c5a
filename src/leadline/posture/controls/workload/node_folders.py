"""Which folders and sockets of its node a pod reaches."""

from functools import lru_cache
from typing import Any

from leadline.posture.checks.mounts import volumes_with_mounts
from leadline.posture.control import (
    Container,
    Resource,
    Review,
    Set,
    Violations,
    Workload,
    control,
    mapping,
    text,
)
from leadline.posture.control_families import pod_control

FOLDERS = (
    "/etc",
    "/root",
    "/boot",
    "/bin",
    "/sbin",
    "/usr",
    "/lib",
    "/lib64",
    "/dev",
    "/proc",
    "/sys",
    "/var/lib/kubelet",
)
FOLDERS_THEMSELVES = ("/", "/var", "/var/lib", "/home", "/var/spool/cron")
HARMLESS = (
    "/etc/ssl",
    "/etc/pki",
    "/usr/share",
    "/usr/local/share",
    "/var/lib/kubelet/plugins",
    "/var/lib/kubelet/device-plugins",
    "/sys/fs/bpf",
    "/var/lib/kubelet/pods",
)
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
SOCKET_PARTS = tuple(tuple(socket.split("/")[1:]) for socket in SOCKETS)


@control(
    "C-0048",
    "HostPath mount",
    problem="Folder of the node mounted (hostPath)",
    consequence="node escape",
    score=6.0,
    reference_score=7.0,
    category="Workload / Storage",
    see="https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
)
def host_path(workload: Workload) -> Violations:
    """A folder of the node is mounted into the pod.

    What the container reads there belongs to the node and to other pods: credentials of the kubelet, logs,
    sockets of the container runtime. What it may write there can change how the node behaves.

    Fix: use a persistent volume, a ConfigMap or an ``emptyDir``; keep ``hostPath`` to agents that look after the node.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: reader}
        spec:
          containers:
          - name: reader
            image: busybox:1.36
            volumeMounts:
            - {name: logs, mountPath: /logs}
          volumes:
          - name: logs
            hostPath: {path: /var/log}

    Cannot see: what really lies in that folder on the nodes.
    """
    yield from volumes_with_mounts(workload, ((v, one) for v, one in workload.volumes if "hostPath" in one))


@pod_control(
    "C-0045",
    "Writable hostPath mount",
    problem="Writable folder of the node mounted",
    consequence="node escape",
    score=8.0,
    category="Workload / Storage",
    pod=("volumes:", "- name: logs", "  hostPath: {path: /var/log}"),
    container=("volumeMounts:", "- {name: logs, mountPath: /logs}"),
    namespace="",
    see="https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
)
def writable_host_path(workload: Workload) -> Violations:
    """A folder of the node is mounted so that the container can write to it.

    Writing to the node is one step from owning it: a cron entry, a static pod manifest, an authorised key. It
    also outlives the pod.

    Fix: mount it with ``readOnly: true``; data of the application belongs on a persistent volume.

    Cannot see: what lies in that folder on the nodes.
    """
    names = {text(volume.get("name")) for _, volume in workload.volumes if "hostPath" in volume}
    if not names:
        return
    for container in workload.containers:
        for m, mount in container.mounts:
            if text(mount.get("name")) in names and mount.get("readOnly") is not True:
                yield Set(f"{container.place}volumeMounts[{m}].readOnly", True)


@control(
    "L-0006",
    "The node's system folders are not writable",
    problem="Node's system folder is writable",
    consequence="node escape",
    score=9.0,
    category="Workload / Node escape",
    see="https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
)
def writable_node_root(workload: Workload) -> Violations:
    """The container may write to the root folder of its node, or to one that its system starts from.

    A line in ``/etc``, a file in the folder of static Pods or of the kubelet, and the container is root on the node.
    No other hole is needed.

    Fix: take the mount out, or mount the one folder that is needed with ``readOnly: true``.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop}
        spec:
          containers:
          - name: web
            image: nginx:1.27
            volumeMounts:
            - {name: host, mountPath: /host}
          volumes:
          - {name: host, hostPath: {path: /}}

    Cannot see: links on the node that lead from a harmless folder to one of these.
    """
    names = {
        text(volume.get("name"))
        for _, volume in workload.volumes
        if is_of_the_system(text(mapping(volume.get("hostPath")).get("path")))
    }
    for container in workload.containers if names else ():
        for m, mount in container.mounts:
            if text(mount.get("name")) in names and mount.get("readOnly") is not True:
                yield Set(f"{container.place}volumeMounts[{m}].readOnly", True)


def is_of_the_system(path: str) -> bool:
    plain = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    if not path.startswith("/") or any(is_below(plain, folder) for folder in HARMLESS):
        return False
    return plain in FOLDERS_THEMSELVES or any(is_below(plain, folder) for folder in FOLDERS)


def is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


@pod_control(
    "C-0074",
    "Container runtime socket mounted",
    problem="Container runtime socket mounted",
    consequence="node escape",
    score=9.0,
    reference_score=5.0,
    category="Workload / Node escape",
    pod=("volumes:", "- name: sock", "  hostPath: {path: /var/run/docker.sock}"),
    container=("volumeMounts:", "- {name: sock, mountPath: /var/run/docker.sock}"),
    namespace="",
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def runtime_socket_mounted(workload: Workload) -> Violations:
    """The socket of the node's container runtime is mounted into the pod.

    Anyone who can talk to it can start a privileged container and so holds the node; no token and no policy of
    Kubernetes is in between.

    Fix: take the volume out; build images with a tool that needs no daemon, and read container facts through
    the kubelet.

    Cannot see: sockets that the nodes keep in other places.
    """
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


@lru_cache(maxsize=1024)
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
        for place in SOCKET_PARTS
    )


@control(
    "L-0055",
    "Persistent volumes are not folders of a node",
    problem="Persistent volume is a folder of a node",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
    kinds=("PersistentVolume",),
    see="https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
)
def host_path_volume(volume: Resource) -> Violations:
    """The persistent volume is a folder of a node.

    A pod that claims it mounts the folder, and no rule against ``hostPath`` in pods stops that: Pod Security looks at the claim
    alone.

    Fix: use storage of a driver, or a ``local`` volume on a disk of its own.

    Example::

        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: v}
        spec:
          capacity: {storage: 1Gi}
          accessModes: [ReadWriteOnce]
          hostPath: {path: /etc}

    Cannot see: who may claim the volume.
    """
    if isinstance(mapping(volume.body.get("spec")).get("hostPath"), dict):
        yield Review("spec.hostPath")
