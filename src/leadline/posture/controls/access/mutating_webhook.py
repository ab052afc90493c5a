"""A mutating webhook may change every object that it asks for before it is stored.

It can add a container to each new pod or loosen its settings, and nothing in the manifests will show it.

Fix: check who owns the service behind it and keep its rules to the kinds and namespaces it needs.

Example::

    apiVersion: admissionregistration.k8s.io/v1
    kind: MutatingWebhookConfiguration
    metadata: {name: inject}

Cannot see: what the service behind the webhook changes. Files are judged only when the control is asked for by name.

See: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from leadline.posture.checks.target_completeness import expect_cluster
from leadline.posture.control import Inventory, Resource, Review, Violations, control


@control(
    "C-0039",
    "Validate admission controller (mutating)",
    problem="Mutating webhook to review",
    consequence="other",
    score=4.0,
    category="Access control",
    kinds=("MutatingWebhookConfiguration.admissionregistration.k8s.io",),
)
def mutating_webhook(resource: Resource, inventory: Inventory) -> Violations:
    expect_cluster(inventory)
    yield Review("", advice="keep it if you know its owner: it changes every object it is asked about")
