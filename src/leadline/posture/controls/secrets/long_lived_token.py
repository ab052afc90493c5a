"""The Secret holds a token of a service account that never expires.

Tokens of pods last an hour and die with the pod. This one works from anywhere until the Secret is deleted, and everyone
who may read Secrets of the namespace has it.

Fix: delete the Secret; let programs ask for a token by the TokenRequest API, and pods use the mounted one.

Example::

    apiVersion: v1
    kind: Secret
    metadata:
      name: web-token
      namespace: shop
      annotations: {kubernetes.io/service-account.name: web}
    type: kubernetes.io/service-account-token

Cannot see: whether a program outside the cluster still uses it.

See: https://kubernetes.io/docs/concepts/security/service-accounts/#get-a-token
"""

from leadline.posture.control import Resource, Review, Violations, control


@control(
    "L-0052",
    "Tokens of service accounts expire",
    problem="Account token that never expires",
    consequence="secrets",
    score=4.0,
    category="Access control",
    kinds=("Secret",),
)
def long_lived_token(secret: Resource) -> Violations:
    if secret.body.get("type") == "kubernetes.io/service-account-token":
        yield Review("type")
