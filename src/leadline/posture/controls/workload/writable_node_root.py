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

See: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
"""

from leadline.posture.control import Set, Violations, Workload, control, mapping, text

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
EXACT = ("/", "/var", "/var/lib", "/home", "/var/spool/cron")
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


@control(
    "L-0006",
    "The node's system folders are not writable",
    problem="Node's system folder is writable",
    consequence="node escape",
    score=9.0,
    category="Workload / Node escape",
)
def writable_node_root(workload: Workload) -> Violations:
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
    return plain in EXACT or any(is_below(plain, folder) for folder in FOLDERS)


def is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
