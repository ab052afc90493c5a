"""The API server of the AKS cluster takes connections from every address.

A stolen credential works from anywhere.

Fix: set the authorised address ranges.

Example::

    apiVersion: management.azure.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    apiServerAccessProfile: {"enablePrivateCluster": false, "authorizedIpRanges": null}

Cannot see: how wide a listed network is.

See: https://learn.microsoft.com/en-us/azure/aks/api-server-authorized-ip-ranges
"""

from leadline.posture.checks.cloud_clusters import ANYWHERE, said
from leadline.posture.control import Resource, Violations, control, sequence
from leadline.posture.fact_kinds import AKS


@control(
    "C-0247",
    "Restrict Access to the Control Plane Endpoint",
    problem="API endpoint open to all (AKS)",
    consequence="reachable from outside",
    score=7.0,
    reference_score=8.0,
    category="Network",
    kinds=(AKS,),
)
def aks_endpoint_open_to_all(cluster: Resource) -> Violations:
    profile = said(cluster, "apiServerAccessProfile")
    if profile.value is None:
        yield profile.review("list the networks that may connect")
        return
    if said(cluster, "apiServerAccessProfile.enablePrivateCluster").value is True:
        return
    ranges = said(cluster, "apiServerAccessProfile.authorizedIPRanges")
    if not ranges.value or any(one in ANYWHERE for one in sequence(ranges.value)):
        yield ranges.review("list the networks that may connect")
