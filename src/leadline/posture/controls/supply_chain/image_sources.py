"""Where images come from, and which of them runs."""

from leadline.posture.checks.image_names import is_below, parse_image_name
from leadline.posture.control import Container, Review, Set, Violations
from leadline.posture.control_families import pod_control

LENGTHS = {"sha256": 64, "sha512": 128, "blake3": 64}
HEXADECIMAL = frozenset("0123456789abcdef")


@pod_control(
    "C-0001",
    "Forbidden Container Registries",
    problem="Image from a forbidden registry",
    score=6.0,
    reference_score=7.0,
    category="Workload",
    needs_setting=True,
    image="docker.io/library/nginx:1.27",
    see="https://kubernetes.io/docs/concepts/containers/images/",
)
def forbidden_registry(
    container: Container,
    *,
    public_registries: tuple[str, ...] = (),
    untrusted_registries: tuple[str, ...] = (),
) -> Violations:
    """The image comes from a registry that your rules forbid.

    Anyone may push to a public registry, and names there are easily mistaken. What is not built or checked
    by you runs with the rights of your workload.

    Fix: copy the image into your own registry after a scan, and change the name here.

    Cannot see: mirrors that the nodes' container runtime puts in place of the written registry.
    """
    image = parse_image_name(container.image)
    if container.image and any(
        is_below(image, entry) for entry in (*public_registries, *untrusted_registries)
    ):
        yield Review("image")


@pod_control(
    "C-0078",
    "Images from allowed registry",
    problem="Image from a registry not allowed",
    score=5.0,
    category="Workload / Supply chain",
    needs_setting=True,
    image="ghcr.io/someone/tool:3",
    see="https://kubernetes.io/docs/concepts/containers/images/",
)
def registry_not_allowed(
    container: Container, *, image_repository_allow_list: tuple[str, ...] = ()
) -> Violations:
    """The image comes from a registry that is not on your list of allowed ones.

    A list of known registries keeps out images of unknown origin, and names that look almost right.

    Fix: push the image to an allowed registry, or put its registry on the list after a look at who runs it.

    Cannot see: mirrors that the nodes' container runtime puts in place of the written registry.
    """
    image = parse_image_name(container.image)
    if container.image and not any(is_below(image, entry) for entry in image_repository_allow_list):
        yield Review("image")


@pod_control(
    "C-0253",
    "Deprecated Kubernetes image registry",
    problem="Image from the retired k8s.gcr.io",
    consequence="availability",
    score=4.0,
    reference_score=5.0,
    category="Workload / Supply chain",
    image="k8s.gcr.io/coredns:1.8.0",
    see="https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/",
)
def retired_kubernetes_registry(container: Container) -> Violations:
    """An image comes from the registry that Kubernetes has retired.

    ``k8s.gcr.io`` is frozen since April 2023: no fixes arrive there, and the day it is switched off pods no
    longer start.

    Fix: write ``registry.k8s.io`` in its place; the paths behind it are the same.

    Cannot see: registry mirrors of the nodes.
    """
    if parse_image_name(container.image).registry == "k8s.gcr.io":
        yield Review("image")


@pod_control(
    "L-0035",
    "Images with a tag are pulled",
    problem="Image is never pulled",
    score=1.0,
    category="Workload / Supply chain",
    container=("imagePullPolicy: Never",),
    see="https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy",
)
def image_not_pulled(container: Container) -> Violations:
    """The container starts from the copy of its image that its node has, and never from the registry.

    A tag may name another image by now, so two nodes run two programs under one name; and a pod may use an
    image that was pulled with someone else's credentials. An image named by digest is always the same.

    Fix: take ``imagePullPolicy: Never`` out, or name the image by digest.

    Cannot see: admission plugins that set the policy, see C-0123.
    """
    policy = container.body.get("imagePullPolicy")
    if policy == "Never" and not parse_image_name(container.image).digest:
        yield Set("imagePullPolicy", "Always")


@pod_control(
    "C-0306",
    "Images not pinned to digest",
    problem="Image not pinned to a digest",
    score=2.0,
    reference_score=3.0,
    category="Workload / Supply chain",
    see="https://kubernetes.io/docs/concepts/containers/images/",
)
def image_without_digest(
    container: Container, *, image_digest_exempt_repositories: tuple[str, ...] = ()
) -> Violations:
    """The image is named by a tag, which its owner can move.

    What was tested is not sure to be what runs: a tag can be pushed again by its owner, or by anyone who
    broke into the registry. Only the digest names the bytes.

    Fix: append ``@sha256:…`` as your build or ``crane digest`` prints it; the tag may stay for readers.

    Cannot see: admission webhooks that resolve tags to digests.
    """
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


@pod_control(
    "C-0075",
    "Image pull policy on latest tag",
    problem="Latest image may be outdated",
    score=2.0,
    category="Workload",
    container=("imagePullPolicy: IfNotPresent",),
    image="nginx:latest",
    see="https://kubernetes.io/docs/concepts/containers/images/",
)
def stale_latest_image(
    container: Container, *, floating_image_tags: tuple[str, ...] = ("latest",)
) -> Violations:
    """A moving tag is used, but the image is not pulled again when it moves.

    ``latest``, or no tag, means a different image from one day to the next. With a pull policy of
    ``IfNotPresent`` or ``Never`` each node keeps the one it happened to see first, old holes included, and
    two pods of one workload may run different programs.

    Fix: name the image by version or digest; else set ``imagePullPolicy: Always``.

    Cannot see: whether an image under a version tag was replaced.
    """
    if container.body.get("imagePullPolicy") not in ("IfNotPresent", "Never") or not container.image:
        return
    image = parse_image_name(container.image)
    if image.is_floating or (image.tag in floating_image_tags and not image.digest):
        yield Review("image")
        yield Review("imagePullPolicy")
