"""The image is not signed.

Without a signature there is no telling whether it is what its makers built.

Fix: sign images in the build, and take signed ones from others.

See: https://docs.sigstore.dev/cosign/signing/overview/
"""

from leadline.posture.control import not_built

UNSIGNED_IMAGE = not_built(
    "C-0237",
    "Check if signature exists",
    problem="Image is not signed",
    consequence="other",
    score=5.0,
    reference_score=7.0,
    category="Workload / Supply chain",
    needs="signatures from the image's registry",
)
