"""The GKE cluster was made with a client certificate that signs its holder in.

It cannot be taken back: it is good until the CA of the cluster is changed.

Fix: make clusters without one, and change the credentials of this one.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    masterAuth: {"clusterCaCertificate": "LS0t", "clientCertificate": "LS0t"}

Cannot see: certificates that the cluster signed later.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#restrict_authn_methods
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0085",
    "No client certificate was issued",
    problem="Client certificate issued (GKE)",
    consequence="cluster takeover",
    score=5.0,
    category="Access control",
    kinds=(GKE,),
)
def gke_client_certificate(cluster: Resource) -> Violations:
    found = said(cluster, "masterAuth.clientCertificate", empty="")
    if found.value:
        yield found.review("rotate the credentials of the cluster, and issue no certificate")
