"""Who made an image."""

from leadline.posture import control_examples as examples
from leadline.posture.checks.image_names import is_below, parse_image_name
from leadline.posture.control import (
    Container,
    Inventory,
    NotJudged,
    Resource,
    Review,
    Violations,
    control,
    mapping,
    mappings,
)

LISTS = ("containers", "initContainers")


@control(
    "C-0237",
    "Check if signature exists",
    problem="Image is not signed",
    score=5.0,
    reference_score=7.0,
    category="Workload / Supply chain",
    example=examples.image("registry.example/shop/unsigned:1"),
    see="https://docs.sigstore.dev/cosign/signing/overview/",
)
def unsigned_image(container: Container, inventory: Inventory) -> Violations:
    """The image has no signature.

    Without a signature no one can check that it is what its makers built: anyone who can write to the registry, or sits on the
    way to it, can put another program under the same name.

    Fix: sign images in the build, and take signed ones from others.

    Cannot see: signatures, where no registry was asked for them, or the registry did not answer; those of Notary.
    """
    if signature_of(container, inventory) == "unsigned":
        yield Review("image", advice="sign it in the build")


@control(
    "C-0236",
    "Verify image signature",
    problem="Image signature not trusted",
    score=6.0,
    reference_score=7.0,
    category="Workload / Supply chain",
    example=examples.image("registry.example/shop/foreign:1"),
    see="https://docs.sigstore.dev/cosign/verifying/verify/",
)
def signature_not_trusted(container: Container, inventory: Inventory) -> Violations:
    """The image is not signed by anyone whom your policy allows.

    A signature of someone else says nothing: anyone who can write to the registry can sign there as well. Only a policy that names
    keys and identities distinguishes your builds from theirs.

    Fix: sign images in the build with cosign, and name the key or the identity in the policy.

    Cannot see: signatures, where no registry was asked for them, or the registry did not answer; those of Notary.
    """
    if signature_of(container, inventory) != "trusted":
        yield Review("image", advice="have it signed by a key or an identity that the policy allows")


@control(
    "C-0304",
    "Agent Sandbox image provenance",
    problem="Sandbox image of unknown origin",
    score=5.0,
    reference_score=7.0,
    category="Workload / Supply chain",
    needs_setting=True,
    kinds=("SandboxTemplate.extensions.agents.x-k8s.io",),
    example=examples.sandbox("image: agent"),
    see="https://agent-sandbox.sigs.k8s.io/",
)
def sandbox_image_of_unknown_origin(
    template: Resource,
    *,
    image_repository_allow_list: tuple[str, ...] = (),
    floating_image_tags: tuple[str, ...] = (),
) -> Violations:
    """Agents of this template run an image of no known origin, or one that may change.

    The image is the one part of a sandbox that you do choose; with a moving tag or an unknown registry others
    make that choice.

    Fix: use an image from the allowed registries, named by version or digest.

    Cannot see: what the image holds.
    """
    pod = mapping(mapping(mapping(template.body.get("spec")).get("podTemplate")).get("spec"))
    for name in LISTS:
        for i, container in mappings(pod.get(name)):
            image = container.get("image")
            if not isinstance(image, str) or not image:
                continue
            parsed = parse_image_name(image)
            is_known = not image_repository_allow_list or any(
                is_below(parsed, entry) for entry in image_repository_allow_list
            )
            if (
                not is_known
                or parsed.is_floating
                or (parsed.tag in floating_image_tags and not parsed.digest)
            ):
                yield Review(f"spec.podTemplate.spec.{name}[{i}].image")


def signature_of(container: Container, inventory: Inventory) -> str:
    """``trusted``, ``not trusted`` or ``unsigned``.

    Raises: ``NotJudged`` where that is not known.
    """
    known = inventory.facts.signatures
    if known is None:
        raise NotJudged("no registry was asked who signed the images")
    state = known.get(container.image)
    if state is None:
        raise NotJudged("its registry did not say who signed it")
    return state
