"""A manifest holds a Secret together with its value.

Base64 is not encryption: who may read the repository, its history or a copy of it has the credential, and it
stays there after it is taken out. Values encrypted by SOPS, sealed Secrets and placeholders pass; what a chart
renders is not judged, since its values come from the installation.

Fix: keep the value in a secret store, or encrypt the file; change the credential now, since it has been seen.

Example::

    apiVersion: v1
    kind: Secret
    metadata: {name: db, namespace: shop}
    stringData: {password: wonderland-17}

Cannot see: whether the value is in use anywhere; what a chart renders.

See: https://kubernetes.io/docs/concepts/security/secrets-good-practices/
"""

from leadline.posture.checks.secret_values import is_kept_in_the_open
from leadline.posture.control import NotJudged, Resource, Review, Violations, control, mapping, text


@control(
    "L-0005",
    "Secrets are not kept in manifests",
    problem="Secret kept in a manifest",
    consequence="secrets",
    score=8.0,
    category="Secrets",
    kinds=("Secret",),
)
def secret_value_in_manifest(secret: Resource) -> Violations:
    if secret.origin.kind in ("cluster", "helm"):
        raise NotJudged(
            "it stands in no manifest: values of Secrets are not read from a cluster, nor made by charts"
        )
    if mapping(secret.body.get("sops")):
        return
    for field, is_encoded in (("data", True), ("stringData", False)):
        for key, value in mapping(secret.body.get(field)).items():
            if is_kept_in_the_open(text(key), value, is_encoded=is_encoded):
                yield Review(f"{field}[{key}]")
