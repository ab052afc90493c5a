"""The container starts from the copy of its image that its node has, and never from the registry.

A tag may name another image by now, so two nodes run two programs under one name; and a pod may use an image that was
pulled with someone else's credentials. An image named by digest is always the same.

Fix: take ``imagePullPolicy: Never`` out, or name the image by digest.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        imagePullPolicy: Never

Cannot see: admission plugins that set the policy, see C-0123.

See: https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy
"""

from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Set, Violations, control


@control(
    "L-0035",
    "Images with a tag are pulled",
    problem="Image is never pulled",
    consequence="other",
    score=1.0,
    category="Workload / Supply chain",
)
def image_not_pulled(container: Container) -> Violations:
    policy = container.body.get("imagePullPolicy")
    if policy == "Never" and not parse_image_name(container.image).digest:
        yield Set("imagePullPolicy", "Always")
