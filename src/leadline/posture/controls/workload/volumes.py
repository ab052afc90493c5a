"""What a pod mounts, and how it is stored."""

from leadline.posture import control_examples as examples
from leadline.posture.checks.mounts import mounts_of
from leadline.posture.control import (
    YOUR_VALUE,
    Inventory,
    Resource,
    Set,
    Violations,
    Workload,
    control,
    mapping,
    text,
)

DISKS = ("persistentVolumeClaim", "ephemeral", "csi")
ALWAYS_ENCRYPTED = ("azure", "csi.storage.gke.io")
"""Parts of the names of provisioners whose disks are encrypted in any case."""


@control(
    "C-0258",
    "Workload with ConfigMap access",
    problem="Workload mounts a ConfigMap",
    score=1.0,
    reference_score=5.0,
    category="Workload",
    reads=("ConfigMap",),
    example=examples.mounts("ConfigMap", "configMap: {name: data}"),
    see="https://kubernetes.io/docs/concepts/configuration/configmap/",
)
def mounts_config_map(workload: Workload, inventory: Inventory) -> Violations:
    """The workload can read configuration that describes the systems behind it.

    Addresses, user names and switches in a ConfigMap show an intruder where to go next, and now and then hold a
    password.

    Fix: mount only the keys that the program reads.

    Cannot see: objects that are not part of the target; use through environment variables.
    """
    yield from mounts_of(workload, inventory, "ConfigMap")


@control(
    "C-0257",
    "Workload with PVC access",
    problem="Workload mounts a volume claim",
    score=1.0,
    reference_score=4.0,
    category="Workload / Storage",
    reads=("PersistentVolumeClaim",),
    example=examples.mounts("PersistentVolumeClaim", "persistentVolumeClaim: {claimName: data}"),
    see="https://kubernetes.io/docs/concepts/storage/persistent-volumes/",
)
def mounts_claim(workload: Workload, inventory: Inventory) -> Violations:
    """The workload can read stored data.

    Data of users and of the business usually lies on such volumes, so anyone who takes over the container can take
    or change it.

    Fix: mount the volume read-only where the program does not write, and only in the containers that need it.

    Cannot see: objects that are not part of the target; use through environment variables.
    """
    yield from mounts_of(workload, inventory, "PersistentVolumeClaim")


def runs_without_root(workload: Workload) -> bool:
    context = workload.security_context
    return not workload.is_windows and bool(context.get("runAsNonRoot") is True or context.get("runAsUser"))


@control(
    "L-0003",
    "Volumes belong to a group of the pod",
    problem="No group for the volumes (fsGroup)",
    score=1.0,
    category="Workload / Storage",
    applies=runs_without_root,
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-the-security-context-for-a-pod",
)
def no_group_for_volumes(workload: Workload) -> Violations:
    """A pod without root rights mounts a volume whose files belong to no group of its own.

    Most volume plugins hand a new disk over with root as owner. Without ``fsGroup`` a process that is not root cannot
    write to it, and the usual way out is to run as root after all.

    Fix: set ``fsGroup`` to the group that the program runs in.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop}
        spec:
          securityContext: {runAsNonRoot: true, runAsUser: 1000}
          containers:
          - name: web
            image: nginx:1.27
            volumeMounts:
            - {name: data, mountPath: /data}
          volumes:
          - name: data
            persistentVolumeClaim: {claimName: data}

    Cannot see: who owns the files on the volume, and volume plugins that hand over ownership by themselves.
    """
    disks = {
        text(volume.get("name")) for _, volume in workload.volumes if any(disk in volume for disk in DISKS)
    }
    is_writable = any(
        text(mount.get("name")) in disks and mount.get("readOnly") is not True
        for container in workload.containers
        for _, mount in container.mounts
    )
    if is_writable and not isinstance(workload.security_context.get("fsGroup"), int):
        yield Set("securityContext.fsGroup", YOUR_VALUE)


@control(
    "C-0264",
    "PersistentVolume without encyption",
    problem="Volume without encryption",
    consequence="secrets",
    score=3.0,
    reference_score=5.0,
    category="Workload / Storage",
    kinds=("PersistentVolume",),
    reads=("StorageClass.storage.k8s.io",),
    see="https://kubernetes.io/docs/concepts/storage/storage-classes/",
)
def unencrypted_volume(volume: Resource, inventory: Inventory) -> Violations:
    """The data of this volume is stored without encryption.

    A disk that is copied, thrown away or attached elsewhere can be read by anyone who holds it.

    Fix: use a storage class whose parameters ask for encryption, and move the data there.

    Example::

        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: plain}
        provisioner: ebs.csi.aws.com
        ---
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: data}
        spec: {storageClassName: plain}

    Cannot see: encryption that the cloud account or the disk does by itself; storage classes that are not part
    of the target.
    """
    name = text(mapping(volume.body.get("spec")).get("storageClassName"))
    storage_class = inventory.get("StorageClass.storage.k8s.io", "", name) if name else None
    if storage_class is None:
        return
    encrypted = str(mapping(storage_class.body.get("parameters")).get("encrypted")).lower() == "true"
    provisioner = text(storage_class.body.get("provisioner"))
    inventory.rest_on(storage_class)
    if not encrypted and not any(part in provisioner for part in ALWAYS_ENCRYPTED):
        yield Set("spec.storageClassName", "<your encrypted storage class>")
