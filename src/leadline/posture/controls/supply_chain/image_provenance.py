"""Nothing is known to check at admission where images come from.

Scans and signatures help only where an unsigned image is refused.

Fix: use ImagePolicyWebhook or an admission policy that verifies signatures.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#imagepolicywebhook
"""

from leadline.posture.control import manual

IMAGE_PROVENANCE = manual(
    "C-0289",
    "Configure Image Provenance using ImagePolicyWebhook admission controller",
    problem="Image provenance is not enforced",
    score=5.0,
    reference_score=7.0,
    category="Workload / Supply chain",
    look_at="whether admission checks where images come from",
)
