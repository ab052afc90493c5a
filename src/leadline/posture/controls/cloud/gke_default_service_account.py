"""GKE nodes run as the default account of Compute Engine.

It may edit much of the project in most organisations; each pod on the node can ask for its token.

Fix: make a service account with the few roles that nodes need, and node pools that use it.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    nodePools: [{"name": "a", "config": {"serviceAccount": "nodes@p.iam.gserviceaccount.com"}}, {"name": "b", "config": {"serviceAccount": "default"}}]

Cannot see: the roles of the account, which the project decides.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0070",
    "Nodes use a service account of their own",
    problem="Nodes use the default account (GKE)",
    consequence="secrets",
    score=5.0,
    category="Access control",
    kinds=(GKE,),
)
def gke_default_service_account(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.serviceAccount", empty="default")
        if found.value in ("default", ""):
            yield found.review("make the pool with an account that may only log and pull")
