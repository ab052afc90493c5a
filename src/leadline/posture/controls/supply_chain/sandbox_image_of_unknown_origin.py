"""Agents of this template run an image of no known origin, or one that may change.

The image is the one part of a sandbox that you do choose; with a moving tag or an unknown registry others
make that choice.

Fix: use an image from the allowed registries, named by version or digest.

Example::

    apiVersion: extensions.agents.x-k8s.io/v1beta1
    kind: SandboxTemplate
    metadata: {name: agent}
    spec:
      podTemplate:
        spec:
          containers:
          - {name: a, image: agent}

Cannot see: what the image holds.

See: https://agent-sandbox.sigs.k8s.io/
"""

from leadline.posture.checks.image_names import is_below, parse_image_name
from leadline.posture.control import Resource, Review, Violations, control, mapping, mappings

LISTS = ("containers", "initContainers")


@control(
    "C-0304",
    "Agent Sandbox image provenance",
    problem="Sandbox image of unknown origin",
    consequence="other",
    score=5.0,
    reference_score=7.0,
    category="Workload / Supply chain",
    needs_setting=True,
    kinds=("SandboxTemplate.extensions.agents.x-k8s.io",),
)
def sandbox_image_of_unknown_origin(
    template: Resource,
    *,
    image_repository_allow_list: tuple[str, ...] = (),
    floating_image_tags: tuple[str, ...] = (),
) -> Violations:
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
