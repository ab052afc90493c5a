"""Secrets of the AKS cluster are not encrypted with a key of your own.

Without one you can neither take the key back nor see its use.

Fix: enable encryption of etcd with a key vault.

Example::

    apiVersion: management.azure.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    securityProfile: {"azureKeyVaultKms": {"enabled": false}}

Cannot see: objects that were written before it was enabled.

See: https://learn.microsoft.com/en-us/azure/aks/use-kms-etcd-encryption
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import AKS


@control(
    "C-0244",
    "Ensure Kubernetes Secrets are encrypted",
    problem="Secrets unencrypted (AKS)",
    consequence="secrets",
    score=5.0,
    reference_score=6.0,
    category="Secrets",
    kinds=(AKS,),
)
def aks_secrets_not_encrypted(cluster: Resource) -> Violations:
    kms = said(cluster, "securityProfile.azureKeyVaultKms")
    if kms.value is None:
        yield kms.review("enable encryption with a key vault")
        return
    enabled = said(cluster, "securityProfile.azureKeyVaultKms.enabled")
    if enabled.value is not True:
        yield enabled.review("enable encryption with a key vault")
