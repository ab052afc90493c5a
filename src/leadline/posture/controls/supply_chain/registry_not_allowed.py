"""The image comes from a registry that is not on your list of allowed ones.

A list of known registries keeps out images of unknown origin, and names that look almost right.

Fix: push the image to an allowed registry, or put its registry on the list after a look at who runs it.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: ghcr.io/someone/tool:3

Cannot see: mirrors that the nodes' container runtime puts in place of the written registry.

See: https://kubernetes.io/docs/concepts/containers/images/
"""

from leadline.posture.checks.image_names import is_below, parse_image_name
from leadline.posture.control import Container, Review, Violations, control


@control(
    "C-0078",
    "Images from allowed registry",
    problem="Image from a registry not allowed",
    consequence="other",
    score=5.0,
    category="Workload / Supply chain",
    needs_setting=True,
)
def registry_not_allowed(
    container: Container, *, image_repository_allow_list: tuple[str, ...] = ()
) -> Violations:
    image = parse_image_name(container.image)
    if container.image and not any(is_below(image, entry) for entry in image_repository_allow_list):
        yield Review("image")
