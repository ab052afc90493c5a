"""Secrets of the EKS cluster are not encrypted with a key of your own.

Without one you can neither take the key back nor see its use.

Fix: enable envelope encryption of secrets with a key of KMS.

Example::

    apiVersion: eks.amazonaws.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    cluster: {"encryptionConfig": []}

Cannot see: objects that were written before it was enabled; the key of AWS that newer clusters use without one.

See: https://docs.aws.amazon.com/eks/latest/userguide/envelope-encryption.html
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control, mapping, mappings, sequence
from leadline.posture.fact_kinds import EKS


@control(
    "L-0088",
    "Secrets are encrypted with a key of your own (EKS)",
    problem="Secrets unencrypted (EKS)",
    consequence="secrets",
    score=5.0,
    category="Secrets",
    kinds=(EKS,),
)
def eks_secrets_not_encrypted(cluster: Resource) -> Violations:
    found = said(cluster, "cluster.encryptionConfig")
    entries = [entry for _, entry in mappings(found.value)]
    if not any(
        "secrets" in sequence(e.get("resources")) and mapping(e.get("provider")).get("keyArn")
        for e in entries
    ):
        yield found.review("associate an encryption configuration for secrets")
