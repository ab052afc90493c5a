"""The workload runs ingress-nginx, whose maintenance has ended.

The project stopped in March 2026: holes found in it since then stay open, in a program that faces the
internet and may read every Secret that an Ingress names.

Fix: move to a controller that is maintained, or to the Gateway API; until then keep its snippets and its
rights small.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: ingress}
    spec:
      template:
        spec:
          containers:
          - {name: controller, image: "registry.k8s.io/ingress-nginx/controller:v1.9.4"}

Cannot see: forks that a vendor still fixes under the same name.

See: https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/
"""

from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Review, Violations, control


@control(
    "C-0292",
    "Nginx Ingress Controller End of Life",
    problem="Retired ingress-nginx in use",
    consequence="reachable from outside",
    score=6.0,
    category="Workload / Resource management",
)
def retired_nginx_ingress(container: Container) -> Violations:
    name = parse_image_name(container.image)
    is_kubernetes_own = name.registry in ("registry.k8s.io", "k8s.gcr.io") and name.repository.startswith(
        "ingress-nginx"
    )
    if is_kubernetes_own or name.repository.endswith("ingress-nginx/controller"):
        yield Review("image")
