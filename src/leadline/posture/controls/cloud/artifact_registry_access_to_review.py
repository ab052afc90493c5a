"""Who may push to the Google registry has to be known.

Each of them decides what the cluster runs.

Fix: go through the IAM bindings of the repositories; the build needs to write, people rarely do.

See: https://cloud.google.com/artifact-registry/docs/access-control
"""

from leadline.posture.control import not_built

ARTIFACT_REGISTRY_ACCESS_TO_REVIEW = not_built(
    "C-0308",
    "Minimize user access to GCP Artifact Registry",
    problem="Artifact Registry access to review",
    consequence="other",
    score=4.0,
    reference_score=6.0,
    category="Access control",
    needs="the cloud provider's description of the cluster",
    cloud="GKE",
)
