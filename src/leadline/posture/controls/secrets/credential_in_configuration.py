"""A password, key or token is in plain text in a manifest.

Anyone who may read the object, the repository or a backup of either has the credential, and it stays in the
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

Cannot see: credentials under names and in forms that are not known; whether the value is still good.

See: https://kubernetes.io/docs/concepts/configuration/secret/
"""

import msgspec

from leadline.model.resource import resource_of
from leadline.posture.checks.container_credentials import (
    SENSITIVE_KEY_NAMES,
    SENSITIVE_VALUES,
    credentials_of,
)
from leadline.posture.checks.credentials import CredentialRules, rules_for
from leadline.posture.control import (
    WORKLOADS,
    Container,
    Inventory,
    Remove,
    Resource,
    Review,
    Violations,
    control,
    mapping,
    text,
)
from leadline.posture.subject import workloads_of

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


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
            yield from from_config_maps(container, rules, inventory)
    yield from in_annotations(resource, rules)
    if resource.kind == "ConfigMap":
        for key, value in mapping(resource.body.get("data")).items():
            if isinstance(value, str) and rules.betrays_text(key, value):
                yield Remove(f"data[{key}]")
        for key, value in mapping(resource.body.get("binaryData")).items():
            if isinstance(value, str) and rules.has_shape(value):
                yield Remove(f"binaryData[{key}]")


def from_config_maps(container: Container, rules: CredentialRules, inventory: Inventory) -> Violations:
    """Variables whose value is in a ConfigMap, under a name that is not a credential's by itself."""
    for i, variable in container.env:
        source = variable.get("valueFrom")
        reference = None if source is None else mapping(mapping(source).get("configMapKeyRef"))
        if reference:
            namespace = container.workload.namespace
            found = inventory.get("ConfigMap", namespace, text(reference.get("name")))
            value = mapping(found.body.get("data")).get(text(reference.get("key"))) if found else None
            if found and isinstance(value, str) and rules.is_credential(text(variable.get("name")), value):
                inventory.rest_on(found)
                place = f"{container.path}env[{i}].valueFrom.configMapKeyRef"
                yield Review(place, on=container.workload.resource.id)


def in_annotations(resource: Resource, rules: CredentialRules) -> Violations:
    """Annotations that hold one by its form or name; what was last applied repeats the whole object."""
    for key, value in mapping(mapping(resource.body.get("metadata")).get("annotations")).items():
        if not isinstance(value, str):
            continue
        is_found = (
            applied_credential(value, rules) if key == LAST_APPLIED else rules.is_credential(text(key), value)
        )
        if is_found:
            yield Remove(f"metadata.annotations[{key}]")


def applied_credential(manifest: str, rules: CredentialRules) -> bool:
    try:
        body = msgspec.json.decode(manifest)
    except (msgspec.DecodeError, RecursionError):
        return False
    if not isinstance(body, dict):
        return False
    applied = resource_of(body)
    return any(
        any(credentials_of(container, rules))
        for workload in workloads_of(applied)
        for container in workload.containers
    ) or (
        applied.kind == "ConfigMap"
        and any(
            isinstance(value, str) and rules.betrays_text(text(key), value)
            for key, value in mapping(body.get("data")).items()
        )
    )
