"""The image is named by a tag, which its owner can move.

What was tested is not sure to be what runs: a tag can be pushed again by its owner, or by anyone who broke
into the registry. Only the digest names the bytes.

Fix: append ``@sha256:…`` as your build or ``crane digest`` prints it; the tag may stay for readers.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27

Cannot see: admission webhooks that resolve tags to digests.

See: https://kubernetes.io/docs/concepts/containers/images/
"""

from leadline.posture.checks.image_names import is_below, parse_image_name
from leadline.posture.control import Container, Review, Violations, control

LENGTHS = {"sha256": 64, "sha512": 128, "blake3": 64}
HEXADECIMAL = frozenset("0123456789abcdef")


@control(
    "C-0306",
    "Images not pinned to digest",
    problem="Image not pinned to a digest",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Workload / Supply chain",
)
def image_without_digest(
    container: Container, *, image_digest_exempt_repositories: tuple[str, ...] = ()
) -> Violations:
    if not container.image:
        return
    image = parse_image_name(container.image)
    if is_digest(image.digest) or any(is_below(image, entry) for entry in image_digest_exempt_repositories):
        return
    yield Review("image")


def is_digest(digest: str) -> bool:
    algorithm, _, value = digest.partition(":")
    if algorithm in LENGTHS:
        return len(value) == LENGTHS[algorithm] and HEXADECIMAL.issuperset(value)
    return bool(algorithm and value)
