"""Secrets of the AKS cluster are not encrypted with a key of your own.

Without one you can neither take the key back nor see its use.

Fix: enable encryption of etcd with a key vault.

See: https://learn.microsoft.com/en-us/azure/aks/use-kms-etcd-encryption
"""

from leadline.posture.control import not_built

AKS_SECRETS_NOT_ENCRYPTED = not_built(
    "C-0244",
    "Ensure Kubernetes Secrets are encrypted",
    problem="Secrets unencrypted (AKS)",
    consequence="secrets",
    score=5.0,
    reference_score=6.0,
    category="Secrets",
    needs="the cloud provider's description of the cluster",
    cloud="AKS",
)
