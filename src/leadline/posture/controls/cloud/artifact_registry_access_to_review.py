"""Who may push to the Google registry has to be known.

Each of them decides what the cluster runs.

Fix: go through the IAM bindings of the repositories; the build needs to write, people rarely do.

See: https://cloud.google.com/artifact-registry/docs/access-control
"""

from leadline.posture.control import manual

ARTIFACT_REGISTRY_ACCESS_TO_REVIEW = manual(
    "C-0308",
    "Minimize user access to GCP Artifact Registry",
    problem="Artifact Registry access to review",
    consequence="other",
    score=4.0,
    reference_score=6.0,
    category="Access control",
    look_at="who may write to the repositories ('gcloud artifacts repositories get-iam-policy REPOSITORY')",
    cloud="GKE",
)
