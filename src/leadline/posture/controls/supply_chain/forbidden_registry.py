"""The image comes from a registry that your rules forbid.

Anyone may push to a public registry, and names there are easily mistaken. What is not built or checked by
you runs with the rights of your workload.

Fix: copy the image into your own registry after a scan, and change the name here.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: docker.io/library/nginx:1.27

Cannot see: mirrors that the nodes' container runtime puts in place of the written registry.

See: https://kubernetes.io/docs/concepts/containers/images/
"""

from leadline.posture.checks.image_names import is_below, parse_image_name
from leadline.posture.control import Container, Review, Violations, control


@control(
    "C-0001",
    "Forbidden Container Registries",
    problem="Image from a forbidden registry",
    consequence="other",
    score=6.0,
    reference_score=7.0,
    category="Workload",
    needs_setting=True,
)
def forbidden_registry(
    container: Container,
    *,
    public_registries: tuple[str, ...] = (),
    untrusted_registries: tuple[str, ...] = (),
) -> Violations:
    image = parse_image_name(container.image)
    if container.image and any(
        is_below(image, entry) for entry in (*public_registries, *untrusted_registries)
    ):
        yield Review("image")
