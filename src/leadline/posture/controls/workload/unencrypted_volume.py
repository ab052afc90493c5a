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

See: https://kubernetes.io/docs/concepts/storage/storage-classes/
"""

from leadline.posture.control import Inventory, Resource, Set, Violations, control, mapping, text

ALWAYS_ENCRYPTED = ("azure", "csi.storage.gke.io")
"""Parts of the names of provisioners whose disks are encrypted in any case."""


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
)
def unencrypted_volume(volume: Resource, inventory: Inventory) -> Violations:
    name = text(mapping(volume.body.get("spec")).get("storageClassName"))
    storage_class = inventory.get("StorageClass.storage.k8s.io", "", name) if name else None
    if storage_class is None:
        return
    encrypted = str(mapping(storage_class.body.get("parameters")).get("encrypted")).lower() == "true"
    provisioner = text(storage_class.body.get("provisioner"))
    inventory.rest_on(storage_class)
    if not encrypted and not any(part in provisioner for part in ALWAYS_ENCRYPTED):
        yield Set("spec.storageClassName", "<your encrypted storage class>")
