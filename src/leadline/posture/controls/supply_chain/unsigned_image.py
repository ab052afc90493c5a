"""The image has no signature.

Without a signature no one can check that it is what its makers built: anyone who can write to the registry, or sits on the
way to it, can put another program under the same name.

Fix: sign images in the build, and take signed ones from others.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          containers:
          - {name: web, image: registry.example/shop/unsigned:1}

Cannot see: signatures, where no registry was asked for them, or the registry did not answer; those of Notary.

See: https://docs.sigstore.dev/cosign/signing/overview/
"""

from leadline.posture.checks.image_signatures import signature_of
from leadline.posture.control import Container, Inventory, Review, Violations, control


@control(
    "C-0237",
    "Check if signature exists",
    problem="Image is not signed",
    consequence="other",
    score=5.0,
    reference_score=7.0,
    category="Workload / Supply chain",
)
def unsigned_image(container: Container, inventory: Inventory) -> Violations:
    if signature_of(container, inventory) == "unsigned":
        yield Review("image", advice="sign it in the build")
