"""An image comes from the registry that Kubernetes has retired.

``k8s.gcr.io`` is frozen since April 2023: no fixes arrive there, and the day it is switched off pods no
longer start.

Fix: write ``registry.k8s.io`` in its place; the paths behind it are the same.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: dns, namespace: kube-system}
    spec:
      containers:
      - {name: dns, image: "k8s.gcr.io/coredns:1.8.0"}

Cannot see: registry mirrors of the nodes.

See: https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/
"""

from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Review, Violations, control


@control(
    "C-0253",
    "Deprecated Kubernetes image registry",
    problem="Image from the retired k8s.gcr.io",
    consequence="availability",
    score=4.0,
    reference_score=5.0,
    category="Workload / Supply chain",
)
def retired_kubernetes_registry(container: Container) -> Violations:
    if parse_image_name(container.image).registry == "k8s.gcr.io":
        yield Review("image")
