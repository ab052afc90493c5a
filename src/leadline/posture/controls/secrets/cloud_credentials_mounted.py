"""A folder of the node that holds a cloud provider's credentials is mounted.

They are the node's own: with them the container can often start machines, read storage and change the
cluster from outside.

Fix: take the volume out and give the pod an identity of its own (workload identity of the cloud).

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - name: aws
        hostPath: {path: /root/.aws}
      containers:
      - name: web
        image: nginx:1.27
        volumeMounts:
        - {name: aws, mountPath: /aws}

Cannot see: credentials that are kept elsewhere; the metadata service of the cloud, which needs no file.

See: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
"""

from typing import Any

from leadline.posture.checks.mounts import volumes_with_mounts
from leadline.posture.control import Inventory, Violations, Workload, control, mapping, text

FILES: dict[str, tuple[str, ...]] = {
    "EKS": ("/.aws", "/.aws/config", "/.aws/credentials"),
    "AKS": ("/etc", "/etc/kubernetes", "/etc/kubernetes/azure.json", "/.azure", "/.azure/credentials"),
    "GKE": (
        "/.config",
        "/.config/gcloud",
        "/.config/gcloud/application_default_credentials.json",
        "/gcloud",
        "/gcloud/application_default_credentials.json",
    ),
}
OF_ANY_MACHINE = frozenset({"/etc", "/etc/kubernetes", "/.config"})
"""Folders that hold cloud credentials on one cloud's nodes, and ordinary settings elsewhere."""


@control(
    "C-0020",
    "Mount service principal",
    problem="Cloud credentials of the node mounted",
    consequence="secrets",
    score=7.0,
    reference_score=4.0,
    category="Workload",
)
def cloud_credentials_mounted(workload: Workload, inventory: Inventory) -> Violations:
    if inventory.cloud in FILES:
        files = frozenset(FILES[inventory.cloud])
    else:
        files = frozenset(path for paths in FILES.values() for path in paths) - OF_ANY_MACHINE
    yield from volumes_with_mounts(
        workload, (one for one in workload.volumes if _path_on_node(one[1]) in files)
    )


def _path_on_node(volume: dict[str, Any]) -> str:
    return _within_home(text(mapping(volume.get("hostPath")).get("path")).rstrip("/"))


def _within_home(path: str) -> str:
    """``/root/.aws`` and ``/home/jane/.aws`` are ``/.aws``."""
    if path.startswith("/root/"):
        return path.removeprefix("/root")
    if path.startswith("/home/"):
        return "/" + path.removeprefix("/home/").partition("/")[2]
    return path
