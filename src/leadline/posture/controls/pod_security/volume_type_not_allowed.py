"""The pod mounts a volume of a type that reaches storage or the node by itself.

The restricted standard allows what Kubernetes hands over (ConfigMaps, Secrets, downward API, empty folders,
images) and what an administrator provisions (claims, CSI). Other types name a server or a folder in the pod
itself, so that a user who may create pods chooses it.

Fix: ask for the storage through a claim.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
      volumes:
      - {name: data, nfs: {server: nfs.example, path: /}}

Cannot see: what is behind a claim.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.control import Review, Violations, Workload, control

ALLOWED = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
)


@control(
    "L-0018",
    "Volume types within the restricted standard",
    problem="Volume type not allowed",
    consequence="other",
    score=2.0,
    category="Workload / Node escape",
)
def volume_type_not_allowed(workload: Workload) -> Violations:
    for i, volume in workload.volumes:
        others = volume.keys() - {"name"}  # an entry without a type is an empty folder to the API server
        if others and all(volume.get(kind) is None for kind in ALLOWED):
            yield Review(f"volumes[{i}]")
