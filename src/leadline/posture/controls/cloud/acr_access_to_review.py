"""Who may push to the Azure registry has to be known.

Each of them decides what the cluster runs.

Fix: go through the role assignments of the registry; the build needs ``AcrPush``, people rarely do.

See: https://learn.microsoft.com/en-us/azure/container-registry/container-registry-roles
"""

from leadline.posture.control import manual

ACR_ACCESS_TO_REVIEW = manual(
    "C-0251",
    "Minimize user access to Azure Container Registry (ACR)",
    problem="Access to ACR to review",
    consequence="other",
    score=4.0,
    reference_score=6.0,
    category="Access control",
    look_at="who holds which role for the registry ('az role assignment list --scope ID_OF_THE_REGISTRY')",
    cloud="AKS",
)
