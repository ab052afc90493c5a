"""The workload uses Kubernetes Secrets where a secret store outside could serve it.

A Secret lies in etcd and in every backup of it, and anyone who may read the namespace reads it. A store
outside rotates, logs each reading and can be locked at once.

Fix: mount the values through the Secrets Store CSI driver of your vault.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - name: s
        secret: {secretName: web}
      containers:
      - name: web
        image: nginx:1.27

Cannot see: operators that copy secrets from a store into the cluster.

See: https://secrets-store-csi-driver.sigs.k8s.io/
"""

from leadline.posture.control import Set, Violations, Workload, control, mapping

FIELD = "csi.volumeAttributes.secretProviderClass"


def uses_secrets(workload: Workload) -> bool:
    for _, volume in workload.volumes:
        if "secret" in volume or "csi" in volume:
            return True
    for container in workload.containers:
        for _, variable in container.env:
            said = variable.get("valueFrom")
            if said is not None and mapping(said).get("secretKeyRef"):
                return True
        for _, source in container.env_from:
            if source.get("secretRef"):
                return True
    return False


@control(
    "C-0234",
    "Consider external secret storage",
    problem="Secrets not in an external store",
    consequence="secrets",
    score=2.0,
    reference_score=6.0,
    category="Secrets",
    applies=uses_secrets,
)
def no_external_secret_store(workload: Workload) -> Violations:
    if not any(
        mapping(mapping(volume.get("csi")).get("volumeAttributes")).get("secretProviderClass")
        for _, volume in workload.volumes
    ):
        yield Set(f"volumes[{len(workload.volumes)}].{FIELD}", "YOUR_VALUE")
