"""Secrets of the GKE cluster are not encrypted with a key of your own.

Without one you can neither take the key back nor see its use.

Fix: enable encryption of secrets with a key of Cloud KMS.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    databaseEncryption: {"state": "DECRYPTED"}

Cannot see: objects that were written before it was enabled.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/encrypting-secrets
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0084",
    "Secrets are encrypted with a key of your own",
    problem="Secrets unencrypted (GKE)",
    consequence="secrets",
    score=5.0,
    category="Secrets",
    kinds=(GKE,),
)
def gke_secrets_not_encrypted(cluster: Resource) -> Violations:
    found = said(cluster, "databaseEncryption.state", empty="")
    if found.value not in ("ENCRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED"):
        yield found.review("enable encryption with a key of Cloud KMS")
