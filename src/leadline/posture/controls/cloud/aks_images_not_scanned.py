"""Images of the AKS cluster are not scanned.

Known holes stay unnoticed in the registry and in what runs.

Fix: enable Defender for Containers, or a scanner of your own.

Example::

    apiVersion: management.azure.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    securityProfile: {"defender": {"securityMonitoring": {"enabled": false}}}

Cannot see: scanners of others.

See: https://learn.microsoft.com/en-us/azure/defender-for-cloud/defender-for-containers-introduction
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import AKS


@control(
    "C-0243",
    "Ensure Image Vulnerability Scanning using Azure Defender image scanning or a third party provider",
    problem="Registry images are not scanned (AKS)",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Workload / Supply chain",
    kinds=(AKS,),
)
def aks_images_not_scanned(cluster: Resource) -> Violations:
    defender = said(cluster, "securityProfile.defender")
    if defender.value is None:
        yield defender.review("enable Defender for Containers")
        return
    enabled = said(cluster, "securityProfile.defender.securityMonitoring.enabled")
    if enabled.value is not True:
        yield enabled.review("enable Defender for Containers")
