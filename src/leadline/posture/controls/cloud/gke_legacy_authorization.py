"""The GKE cluster grants rights by its old rules as well.

They give every account of the project and every service account all rights.

Fix: disable legacy authorization; RBAC stays.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    legacyAbac: {"enabled": true}

Cannot see: what RBAC grants.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#leave_abac_disabled
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0086",
    "Legacy authorization is disabled",
    problem="Legacy authorization is on (GKE)",
    consequence="cluster takeover",
    score=7.0,
    category="Access control",
    kinds=(GKE,),
)
def gke_legacy_authorization(cluster: Resource) -> Violations:
    found = said(cluster, "legacyAbac.enabled", empty=False)
    if found.value is not False:
        yield found.review("disable legacy authorization")
