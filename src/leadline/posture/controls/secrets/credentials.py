"""Where credentials lie."""

from typing import Any

import msgspec

from leadline.model.resource import resource_of
from leadline.posture import control_examples as examples
from leadline.posture.checks.container_credentials import (
    SENSITIVE_KEY_NAMES,
    SENSITIVE_VALUES,
    credentials_of,
)
from leadline.posture.checks.credentials import CredentialRules, rules_for
from leadline.posture.checks.mounts import mounts_of, volumes_with_mounts
from leadline.posture.checks.secret_values import is_kept_in_the_open
from leadline.posture.control import (
    WORKLOADS,
    Container,
    Inventory,
    NotJudged,
    Remove,
    Resource,
    Review,
    Set,
    Violations,
    Workload,
    control,
    mapping,
    text,
)
from leadline.posture.control_families import pod_control
from leadline.posture.subject import workloads_of
from leadline.untyped import MALFORMED

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
CREDENTIAL_FILES: dict[str, tuple[str, ...]] = {
    "EKS": ("/.aws", "/.aws/config", "/.aws/credentials"),
    "AKS": ("/etc", "/etc/kubernetes", "/etc/kubernetes/azure.json", "/.azure", "/.azure/credentials"),
    "GKE": (
        "/.config",
        "/.config/gcloud",
        "/.config/gcloud/application_default_credentials.json",
        "/gcloud",
        "/gcloud/application_default_credentials.json",
    ),
}
OF_ANY_MACHINE = frozenset({"/etc", "/etc/kubernetes", "/.config"})
"""Folders that hold cloud credentials on one cloud's nodes, and ordinary settings elsewhere."""
STORE_CLASS = "csi.volumeAttributes.secretProviderClass"


@pod_control(
    "C-0012",
    "Applications credentials in configuration files",
    problem="Credential in plain text",
    consequence="secrets",
    score=8.0,
    category="Secrets",
    kinds=(WORKLOADS, "ConfigMap"),
    container=("env:", "- {name: DB_PASSWORD, value: wonderland}"),
    namespace="",
    see="https://kubernetes.io/docs/concepts/configuration/secret/",
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
    """A password, key or token is in plain text in a manifest.

    Anyone who may read the object, the repository or a backup of either has the credential, and it stays in the
    history after it is taken out.

    Fix: put it into a Secret, or better into a secret store outside, hand it over as a mounted file, and change
    the credential now: it has been seen.

    Cannot see: credentials under names and in forms that are not known; whether the value is still good.
    """
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
    except MALFORMED:
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


@pod_control(
    "C-0259",
    "Workload with credential access",
    problem="Credential in the environment",
    consequence="secrets",
    score=8.0,
    category="Secrets",
    container=("env:", "- {name: API_TOKEN, value: 5f2c9e}"),
    namespace="",
    see="https://kubernetes.io/docs/concepts/configuration/secret/",
)
def credential_in_environment(
    workload: Workload,
    *,
    sensitive_key_names: tuple[str, ...] = SENSITIVE_KEY_NAMES,
    sensitive_key_names_allowed: tuple[str, ...] = (),
    sensitive_values: tuple[str, ...] = SENSITIVE_VALUES,
    sensitive_values_allowed: tuple[str, ...] = (),
) -> Violations:
    """A container is given a credential in its environment.

    It shows in the manifest, in ``kubectl describe``, in crash reports and to every child process; anyone who gets
    into the container reads it with one command.

    Fix: mount a Secret as a file, or let the program fetch the credential under its service account.

    Cannot see: credentials that the image itself sets; whether the value is still good.
    """
    rules = rules_for(
        sensitive_key_names, sensitive_key_names_allowed, sensitive_values, sensitive_values_allowed
    )
    for container in workload.containers:
        yield from credentials_of(container, rules)


@pod_control(
    "C-0207",
    "Prefer using secrets as files over secrets as environment variables",
    problem="Secret in an environment variable",
    consequence="secrets",
    score=3.0,
    reference_score=4.0,
    category="Workload / Secrets",
    container=("env:", "- name: TOKEN", "  valueFrom: {secretKeyRef: {name: web, key: token}}"),
    namespace="",
    see="https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod",
)
def secret_in_environment(container: Container) -> Violations:
    """A secret is handed over as an environment variable.

    Environment variables end up in crash reports, in the logs of programs that print their settings, and in
    every child process; a mounted file reaches only who opens it, and is renewed without a restart.

    Fix: mount the Secret as a volume and let the program read the file.

    Cannot see: whether the program can read a file at all.
    """
    for i, variable in container.env:
        said = variable.get("valueFrom")
        if said is not None and mapping(said).get("secretKeyRef"):
            yield Remove(f"env[{i}]")
    for i, source in container.env_from:
        if source.get("secretRef"):
            yield Remove(f"envFrom[{i}]")


@control(
    "L-0005",
    "Secrets are not kept in manifests",
    problem="Secret kept in a manifest",
    consequence="secrets",
    score=8.0,
    category="Secrets",
    kinds=("Secret",),
    see="https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
)
def secret_value_in_manifest(secret: Resource) -> Violations:
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
    """
    if secret.origin.kind in ("cluster", "helm"):
        raise NotJudged(
            "only manifests are judged: values of Secrets are not read from a cluster, and those of a chart come from its installation"
        )
    if mapping(secret.body.get("sops")):
        return
    for field, is_encoded in (("data", True), ("stringData", False)):
        for key, value in mapping(secret.body.get(field)).items():
            if is_kept_in_the_open(text(key), value, is_encoded=is_encoded):
                yield Review(f"{field}[{key}]")


@control(
    "C-0255",
    "Workload with secret access",
    problem="Workload reads a Secret",
    consequence="secrets",
    score=1.0,
    reference_score=8.0,
    category="Secrets",
    reads=("Secret",),
    example=examples.mounts("Secret", "secret: {secretName: data}"),
    see="https://kubernetes.io/docs/concepts/configuration/secret/",
)
def mounts_secret(workload: Workload, inventory: Inventory) -> Violations:
    """The workload can read a Secret.

    Anyone who takes over the container takes the Secret with it. The finding is the first half of a path; it
    weighs when the workload is also exposed.

    Fix: mount only the keys that the program reads, in the one container that reads them.

    Cannot see: objects that are not part of the target; use through environment variables.
    """
    yield from mounts_of(workload, inventory, "Secret")


@pod_control(
    "C-0020",
    "Mount service principal",
    problem="Cloud credentials of the node mounted",
    consequence="secrets",
    score=7.0,
    reference_score=4.0,
    category="Workload",
    pod=("volumes:", "- name: aws", "  hostPath: {path: /root/.aws}"),
    container=("volumeMounts:", "- {name: aws, mountPath: /aws}"),
    namespace="",
    see="https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
)
def cloud_credentials_mounted(workload: Workload, inventory: Inventory) -> Violations:
    """A folder of the node that holds a cloud provider's credentials is mounted.

    They are the node's own: with them the container can often start machines, read storage and change the
    cluster from outside.

    Fix: take the volume out and give the pod an identity of its own (workload identity of the cloud).

    Cannot see: credentials that are kept elsewhere; the metadata service of the cloud, which needs no file.
    """
    if inventory.cloud in CREDENTIAL_FILES:
        files = frozenset(CREDENTIAL_FILES[inventory.cloud])
    else:
        files = frozenset(path for paths in CREDENTIAL_FILES.values() for path in paths) - OF_ANY_MACHINE
    yield from volumes_with_mounts(
        workload, (one for one in workload.volumes if _path_on_node(one[1]) in files)
    )


def _path_on_node(volume: dict[str, Any]) -> str:
    return _within_home(text(mapping(volume.get("hostPath")).get("path")).rstrip("/"))


def _within_home(path: str) -> str:
    """``/root/.aws`` and ``/home/jane/.aws`` are ``/.aws``."""
    if path.startswith("/root/"):
        return path.removeprefix("/root")
    if path.startswith("/home/"):
        return "/" + path.removeprefix("/home/").partition("/")[2]
    return path


def uses_secrets(workload: Workload) -> bool:
    for _, volume in workload.volumes:
        if "secret" in volume or "csi" in volume:
            return True
    for container in workload.containers:
        for _, variable in container.env:
            said = variable.get("valueFrom")
            if said is not None and mapping(said).get("secretKeyRef"):
                return True
        for _, source in container.env_from:
            if source.get("secretRef"):
                return True
    return False


@pod_control(
    "C-0234",
    "Consider external secret storage",
    problem="Secrets not in an external store",
    consequence="secrets",
    score=2.0,
    reference_score=6.0,
    category="Secrets",
    applies=uses_secrets,
    pod=("volumes:", "- name: s", "  secret: {secretName: web}"),
    namespace="",
    see="https://secrets-store-csi-driver.sigs.k8s.io/",
)
def no_external_secret_store(workload: Workload) -> Violations:
    """The workload uses Kubernetes Secrets where a secret store outside could serve it.

    A Secret lies in etcd and in every backup of it, and anyone who may read the namespace reads it. A store
    outside rotates, logs each reading and can be locked at once.

    Fix: mount the values through the Secrets Store CSI driver of your vault.

    Cannot see: operators that copy secrets from a store into the cluster.
    """
    if not any(
        mapping(mapping(volume.get("csi")).get("volumeAttributes")).get("secretProviderClass")
        for _, volume in workload.volumes
    ):
        yield Set(f"volumes[{len(workload.volumes)}].{STORE_CLASS}", "YOUR_VALUE")
