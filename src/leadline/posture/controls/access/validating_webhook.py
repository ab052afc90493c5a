"""A validating webhook sees every object that it asks for before it is stored.

It receives Secrets as well if its rules say so, and anyone who controls it, or the address it points to, reads
along and can refuse changes at will.

Fix: check who owns the service behind it, what its rules cover, and that it fails closed where it guards
something.

Example::

    apiVersion: admissionregistration.k8s.io/v1
    kind: ValidatingWebhookConfiguration
    metadata: {name: policy}

Cannot see: what the service behind the webhook does. Files are judged only when the control is asked for by name.

See: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from leadline.posture.checks.target_completeness import expect_cluster
from leadline.posture.control import Inventory, Resource, Review, Violations, control


@control(
    "C-0036",
    "Validate admission controller (validating)",
    problem="Validating webhook to review",
    consequence="other",
    score=3.0,
    category="Access control",
    kinds=("ValidatingWebhookConfiguration.admissionregistration.k8s.io",),
)
def validating_webhook(resource: Resource, inventory: Inventory) -> Violations:
    expect_cluster(inventory)
    yield Review("", advice="keep it if you know its owner: it sees every object it is asked about")
