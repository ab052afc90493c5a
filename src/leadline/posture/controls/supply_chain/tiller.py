"""Tiller, the server of Helm 2, takes orders from everyone who reaches its port.

It installs whatever it is sent with its own rights, mostly those of an administrator. Helm 3 works without it, and there
have been no fixes since 2020.

Fix: migrate the releases to Helm 3 and delete Tiller.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - {name: tiller, image: "ghcr.io/helm/tiller:v2.17.0"}

Cannot see: a Tiller that was built under another name.

See: https://helm.sh/docs/topics/v2_v3_migration/
"""

from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Review, Violations, control


@control(
    "L-0039",
    "Tiller is gone",
    problem="Tiller (Helm 2) in use",
    consequence="cluster takeover",
    score=8.0,
    category="Workload / Supply chain",
)
def tiller(container: Container) -> Violations:
    if parse_image_name(container.image).program == "tiller":
        yield Review("image")
