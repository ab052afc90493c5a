"""The image is not signed by anyone whom your policy allows.

A signature of someone else says nothing: anyone who can write to the registry can sign there as well. Only a policy that names
keys and identities distinguishes your builds from theirs.

Fix: sign images in the build with cosign, and name the key or the identity in the policy.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          containers:
          - {name: web, image: registry.example/shop/foreign:1}

Cannot see: signatures, where no registry was asked for them, or the registry did not answer; those of Notary.

See: https://docs.sigstore.dev/cosign/verifying/verify/
"""

from leadline.posture.checks.image_signatures import signature_of
from leadline.posture.control import Container, Inventory, Review, Violations, control


@control(
    "C-0236",
    "Verify image signature",
    problem="Image signature not trusted",
    consequence="other",
    score=6.0,
    reference_score=7.0,
    category="Workload / Supply chain",
)
def signature_not_trusted(container: Container, inventory: Inventory) -> Violations:
    if signature_of(container, inventory) != "trusted":
        yield Review("image", advice="have it signed by a key or an identity that the policy allows")
