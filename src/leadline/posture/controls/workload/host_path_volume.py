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

See: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping


@control(
    "L-0055",
    "Persistent volumes are not folders of a node",
    problem="Persistent volume is a folder of a node",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
    kinds=("PersistentVolume",),
)
def host_path_volume(volume: Resource) -> Violations:
    if isinstance(mapping(volume.body.get("spec")).get("hostPath"), dict):
        yield Review("spec.hostPath")
