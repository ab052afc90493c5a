"""The API server of the AKS cluster takes connections from every address.

A stolen credential works from anywhere.

Fix: set the authorised address ranges.

See: https://learn.microsoft.com/en-us/azure/aks/api-server-authorized-ip-ranges
"""

from leadline.posture.control import not_built

AKS_ENDPOINT_OPEN_TO_ALL = not_built(
    "C-0247",
    "Restrict Access to the Control Plane Endpoint",
    problem="API endpoint open to all (AKS)",
    consequence="reachable from outside",
    score=7.0,
    reference_score=8.0,
    category="Network",
    needs="the cloud provider's description of the cluster",
    cloud="AKS",
)
