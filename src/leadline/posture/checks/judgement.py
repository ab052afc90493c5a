"""Judgements that several controls share."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from leadline.kube.quantity import parse_quantity
from leadline.kube.rbac import Grant
from leadline.kube.selector import Selector, compile_selector
from leadline.model.control import YOUR_VALUE, NotJudged, Remove, Review, Set, Violations
from leadline.model.resource import Resource
from leadline.posture.checks.credentials import CredentialRules
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Container, Namespace, Workload, mapping, mappings, sequence

YOUR_NAMESPACE = "YOUR_NAMESPACE"
Bounds = tuple[str, ...]
"""Quantities, each of which holds."""


def default_namespace(resource: Resource) -> Violations:
    """Where an object lives in ``default`` or names no namespace, which comes to the same.

    A chart is rendered for ``default`` only because nobody has installed it yet, and what a kustomization builds
    without a namespace goes where its overlay or the deploying tool says.
    """
    origin = resource.origin.kind
    if (origin == "helm" and resource.namespace in ("", "default")) or (
        not resource.namespace and (origin == "kustomize" or _is_of_helm(resource))
    ):
        raise NotJudged("the namespace is chosen when it is installed")
    if resource.namespace == "default":
        yield Review("metadata.namespace", on=resource)
    elif not resource.namespace:
        yield Set("metadata.namespace", YOUR_NAMESPACE, on=resource)


def _is_of_helm(resource: Resource) -> bool:
    labels = mapping(mapping(resource.body.get("metadata")).get("labels"))
    return labels.get("app.kubernetes.io/managed-by") == "Helm" or "helm.sh/chart" in labels


def outside(value: Any, least: Iterable[str], most: Iterable[str]) -> bool:
    """Whether a quantity is above one of ``most`` or below one of ``least``; what is no quantity is outside."""
    amount = parse_quantity(value)
    if amount is None:
        return True
    floors, ceilings = map(parse_quantity, least), map(parse_quantity, most)
    return any(c is not None and amount > c for c in ceilings) or any(
        f is not None and amount < f for f in floors
    )


def all_meet(inventory: Inventory, kind: str, condition: Callable[[Resource], bool]) -> bool:
    """Whether every object of ``kind`` meets ``condition``; worked out once per scan."""
    question = f"{condition.__module__}: every {kind}"
    return inventory.once(question, lambda: all(condition(resource) for resource in inventory.of(kind)))


_ADMISSION = "admissionregistration.k8s.io"
GUARD_KINDS = (
    f"ValidatingWebhookConfiguration.{_ADMISSION}",
    f"MutatingWebhookConfiguration.{_ADMISSION}",
    f"ValidatingAdmissionPolicy.{_ADMISSION}",
    f"ValidatingAdmissionPolicyBinding.{_ADMISSION}",
)
"""Kinds that can refuse pods."""


def policies_guard(namespace: Namespace, inventory: Inventory) -> bool:
    """Whether an admission webhook or an admission policy looks at pods that are created in ``namespace``."""
    labels = inventory.namespace_labels(namespace.name)
    return any(
        selects(labels) for selects in inventory.once("pod guards", lambda: list(_pod_guards(inventory)))
    )


def _pod_guards(inventory: Inventory) -> Iterator[Selector]:
    """A test for namespaces for each webhook and bound policy whose rules cover the creation of pods."""
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for configuration in inventory.of(f"{kind}.{_ADMISSION}"):
            for _, webhook in mappings(configuration.body.get("webhooks")):
                if _covers_pods(webhook.get("rules")):
                    yield compile_selector(webhook.get("namespaceSelector") or {})
    policies = {
        policy.name
        for policy in inventory.of(f"ValidatingAdmissionPolicy.{_ADMISSION}")
        if _covers_pods(
            mapping(mapping(policy.body.get("spec")).get("matchConstraints")).get("resourceRules")
        )
    }
    for binding in inventory.of(f"ValidatingAdmissionPolicyBinding.{_ADMISSION}"):
        spec = mapping(binding.body.get("spec"))
        if spec.get("policyName") in policies and "Deny" in sequence(spec.get("validationActions")):
            yield compile_selector(mapping(spec.get("matchResources")).get("namespaceSelector") or {})


def _covers_pods(rules: Any) -> bool:
    return any(
        rule.get("scope") != "Cluster"
        and {"pods", "*", "*/*", "pods/*"} & set(map(str, sequence(rule.get("resources"))))
        and {"CREATE", "*"} & set(map(str, sequence(rule.get("operations"))))
        for _, rule in mappings(rules)
    )


SENSITIVE_KEY_NAMES: tuple[str, ...] = (
    "aws_secret_access_key",
    "azure_batchai_storage_key",
    "azure_batch_key",
    "secret",
    "key",
    "password",
    "pwd",
    "token",
    "jwt",
    "bearer",
    "credential",
)
SENSITIVE_VALUES: tuple[str, ...] = (
    r"BEGIN \w+ PRIVATE KEY",
    "PRIVATE KEY-----",
    "eyJhbGciO",
    "AKIA[0-9A-Z]{16}",
    "ghp_[0-9A-Za-z]{36}",
    r"AIza[0-9A-Za-z\-_]{35}",
    "xox[baprs]-[0-9A-Za-z]{10,48}",
)


def credentials_of(container: Container, rules: CredentialRules) -> Violations:
    """Environment variables, whole Secrets poured into the environment, and arguments that give a credential away."""
    resource = container.workload.resource
    for i, variable in container.env:
        value = variable.get("value")
        if isinstance(value, str) and value and rules.is_credential(str(variable.get("name", "")), value):
            yield Remove(f"{container.path}env[{i}].name", on=resource)
            yield Remove(f"{container.path}env[{i}].value", on=resource)
    for i, source in container.env_from:
        if source.get("secretRef"):
            yield Remove(f"{container.path}envFrom[{i}].secretRef", on=resource)
    said = ""
    for path, word in container.command_line:
        flag, equals, value = word.partition("=")
        is_flag = word.startswith("-")
        name, value = (flag, value) if is_flag and equals else ("" if is_flag else said, word)
        if rules.is_credential(name, value):
            yield Review(f"{container.path}{path}", on=resource)
        said = word if is_flag and not equals else ""


def has_network_policy(namespace: Namespace, inventory: Inventory) -> bool:
    """Whether a policy isolates pods of the namespace: one for all of them, or one that selects some that are here."""
    workloads = inventory.workloads_in(namespace.name)
    labels = inventory.namespace_labels(namespace.name)
    for rule in inventory.policies_in(namespace.name):
        if not (rule.isolates_ingress or rule.isolates_egress):
            continue
        if rule.selects_namespace is not None and not rule.selects_namespace(labels):
            continue
        if (
            rule.selects_all
            or (rule.namespace and not workloads)
            or any(rule.selects(w.labels) for w in workloads)
        ):
            return True
    return False


_MOUNTED: dict[str, tuple[str, str]] = {
    "Secret": ("secret", "secretName"),
    "PersistentVolumeClaim": ("persistentVolumeClaim", "claimName"),
    "ConfigMap": ("configMap", "name"),
}
"""Kind to the field of a volume that mounts it, and the field in there that holds its name."""


def mounts_of(workload: Workload, inventory: Inventory, kind: str) -> Violations:
    """Each mount of an object of ``kind`` that is part of the target, and that object."""
    for _, volume in workload.volumes:
        objects = [
            o for name in _names_in(volume, kind) if (o := inventory.get(kind, workload.namespace, name))
        ]
        if not objects:
            continue
        for container in workload.containers:
            for m, mount in container.mounts:
                if mount.get("name") == volume.get("name"):
                    yield Remove(f"{container.place}volumeMounts[{m}]")
                    for found in objects:
                        yield Review("", on=found)


def _names_in(volume: dict[str, Any], kind: str) -> Iterator[str]:
    field, key = _MOUNTED[kind]
    name = mapping(volume.get(field)).get(key)
    if isinstance(name, str):
        yield name
    for _, source in mappings(mapping(volume.get("projected")).get("sources")):
        name = mapping(source.get(field)).get("name")
        if isinstance(name, str):
            yield name


def has_limit(container: Container, resource: str) -> bool:
    """Whether the use of ``resource`` (``cpu``, ``memory``) is limited, for the container or its pod."""
    return any(_is_some(mapping(place.get("limits")).get(resource)) for place in _resources_of(container))


def has_request(container: Container, resource: str) -> bool:
    """Whether the container requests ``resource`` (``cpu``, ``memory``): by itself, through its pod, or by its limit.

    The API server takes a limit for the request that is not written
    (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).
    """
    return has_limit(container, resource) or any(
        _is_some(mapping(place.get("requests")).get(resource)) for place in _resources_of(container)
    )


def _resources_of(container: Container) -> tuple[Mapping[str, Any], ...]:
    return container.resources, mapping(container.workload.pod.get("resources"))


def _is_some(quantity: Any) -> bool:
    """Whether an amount is written: to the kubelet a limit of zero is none, and a request of zero asks for nothing."""
    return quantity is not None and parse_quantity(quantity) != 0


def bounds_of(
    container: Container, resource: str, *, limits: tuple[Bounds, Bounds], requests: tuple[Bounds, Bounds]
) -> Violations:
    """Limit and request of ``cpu`` or ``memory`` that are missing, or outside the (least, most) agreed on."""
    pod = mapping(container.workload.pod.get("resources"))
    for field, (least, most) in (("limits", limits), ("requests", requests)):
        value = mapping(container.resources.get(field)).get(resource)
        is_implied = field == "requests" and has_request(container, resource)
        if _is_some(value):
            if outside(value, least, most):
                yield Review(f"resources.{field}.{resource}")
        elif not _is_some(mapping(pod.get(field)).get(resource)) and not is_implied:
            yield Set(f"resources.{field}.{resource}", YOUR_VALUE)


def token_of(
    workload: Workload, inventory: Inventory, is_dangerous: Callable[[Grant], bool]
) -> Iterator[Grant]:
    """The dangerous grants that whoever takes over the workload holds through its mounted token."""
    if inventory.mounts_token(workload):
        yield from filter(is_dangerous, inventory.grants_of(workload))


def evidence_of(grant: Grant) -> Violations:
    """Where a workload's right comes from. A group holds others too, so that only a person can take it out."""
    if grant.kind == "Group":
        yield Review(grant.subject_path, on=grant.binding)
    else:
        yield Remove(grant.subject_path, on=grant.binding)
    if grant.role.origin.kind != "derived":
        yield Review("", on=grant.role)
