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
    if any("secret" in volume or "csi" in volume for _, volume in workload.volumes):
        return True
    return any(
        any(mapping(variable.get("valueFrom")).get("secretKeyRef") for _, variable in container.env)
        or any(source.get("secretRef") for _, source in container.env_from)
        for container in workload.containers
    )


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
