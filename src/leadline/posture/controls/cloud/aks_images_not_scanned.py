"""Images of the AKS cluster are not scanned.

Known holes stay unnoticed in the registry and in what runs.

Fix: enable Defender for Containers, or a scanner of your own.

See: https://learn.microsoft.com/en-us/azure/defender-for-cloud/defender-for-containers-introduction
"""

from leadline.posture.control import not_built

AKS_IMAGES_NOT_SCANNED = not_built(
    "C-0243",
    "Ensure Image Vulnerability Scanning using Azure Defender image scanning or a third party provider",
    problem="Registry images are not scanned (AKS)",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Workload / Supply chain",
    needs="the cloud provider's description of the cluster",
    cloud="AKS",
)
