"""A password, key or token stands in plain sight in a manifest.

Whoever may read the object, the repository or a backup of either has the credential, and it stays in the
history after it is taken out.

Fix: put it into a Secret, or better into a secret store outside, hand it over as a mounted file, and change
the credential now: it has been seen.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        env:
        - {name: DB_PASSWORD, value: wonderland}

Cannot see: credentials under names and in forms that nobody could tell; whether the value is still good.

See: https://kubernetes.io/docs/concepts/configuration/secret/
"""

from leadline.posture.checks.container_credentials import (
    SENSITIVE_KEY_NAMES,
    SENSITIVE_VALUES,
    credentials_of,
    rules_for,
)
from leadline.posture.control import WORKLOADS, Inventory, Remove, Resource, Violations, control, mapping


@control(
    "C-0012",
    "Applications credentials in configuration files",
    problem="Credential in plain text",
    consequence="secrets",
    score=8.0,
    category="Secrets",
    kinds=(WORKLOADS, "ConfigMap"),
)
def credential_in_configuration(
    resource: Resource,
    inventory: Inventory,
    *,
    sensitive_key_names: tuple[str, ...] = SENSITIVE_KEY_NAMES,
    sensitive_key_names_allowed: tuple[str, ...] = (),
    sensitive_values: tuple[str, ...] = SENSITIVE_VALUES,
    sensitive_values_allowed: tuple[str, ...] = (),
) -> Violations:
    rules = rules_for(
        sensitive_key_names, sensitive_key_names_allowed, sensitive_values, sensitive_values_allowed
    )
    for workload in inventory.workloads_of(resource):
        for container in workload.containers:
            yield from credentials_of(container, rules)
    if resource.kind == "ConfigMap":
        for key, value in mapping(resource.body.get("data")).items():
            if isinstance(value, str) and rules.betrays_text(key, value):
                yield Remove(f"data[{key}]")
        for key, value in mapping(resource.body.get("binaryData")).items():
            if isinstance(value, str) and rules.has_shape(value):
                yield Remove(f"binaryData[{key}]")
