"""The image is not signed with a key that you trust.

Anyone who can write to the registry, or sits on the way to it, can put another program under the same name.

Fix: sign images in the build with cosign and list the public keys in ``trusted_cosign_public_keys``.

See: https://docs.sigstore.dev/cosign/verifying/verify/
"""

from leadline.posture.control import not_built

SIGNATURE_NOT_TRUSTED = not_built(
    "C-0236",
    "Verify image signature",
    problem="Image signature not trusted",
    consequence="other",
    score=6.0,
    reference_score=7.0,
    category="Workload / Supply chain",
    needs="signatures from the image's registry",
)
