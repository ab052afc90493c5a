"""The GKE cluster is in no release channel.

Its version then changes only when someone decides it, and support ends unnoticed.

Fix: join the channel regular or stable.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    releaseChannel: {"channel": "UNSPECIFIED"}

Cannot see: who holds upgrades back by windows.

See: https://cloud.google.com/kubernetes-engine/docs/concepts/release-channels
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0074",
    "Cluster is in a release channel",
    problem="No release channel (GKE)",
    consequence="other",
    score=3.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_without_release_channel(cluster: Resource) -> Violations:
    found = said(cluster, "releaseChannel.channel", empty="")
    if found.value not in ("RAPID", "REGULAR", "STABLE", "EXTENDED"):
        yield found.review("join a release channel")
