"""A moving tag is used, but the image is not pulled again when it moves.

``latest``, or no tag, means a different image from one day to the next. With a pull policy of
``IfNotPresent`` or ``Never`` each node keeps the one it happened to see first, old holes included, and two
pods of one workload may run different programs.

Fix: name the image by version or digest; else set ``imagePullPolicy: Always``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:latest
        imagePullPolicy: IfNotPresent

Cannot see: whether an image under a version tag was replaced.

See: https://kubernetes.io/docs/concepts/containers/images/
"""

from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Review, Violations, control


@control(
    "C-0075",
    "Image pull policy on latest tag",
    problem="Latest image may be outdated",
    consequence="other",
    score=2.0,
    category="Workload",
)
def stale_latest_image(
    container: Container, *, floating_image_tags: tuple[str, ...] = ("latest",)
) -> Violations:
    if container.body.get("imagePullPolicy") not in ("IfNotPresent", "Never") or not container.image:
        return
    image = parse_image_name(container.image)
    if image.is_floating or (image.tag in floating_image_tags and not image.digest):
        yield Review("image")
        yield Review("imagePullPolicy")
