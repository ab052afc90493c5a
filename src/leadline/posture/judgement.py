"""Judgements that several controls share."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from leadline.kube.quantity import parse_quantity
from leadline.kube.selector import Selector, compile_selector
from leadline.model.control import Review, Set, Violations
from leadline.model.resource import Resource
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Namespace, mapping, mappings, sequence

YOUR_NAMESPACE = "YOUR_NAMESPACE"


def default_namespace(resource: Resource) -> Violations:
    """Where an object lives in ``default`` or names no namespace, which comes to the same."""
    if resource.namespace == "default":
        yield Review("metadata.namespace", on=resource)
    elif not resource.namespace:
        yield Set("metadata.namespace", YOUR_NAMESPACE, on=resource)


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


def policies_guard(namespace: Namespace, inventory: Inventory) -> bool:
    """Whether an admission webhook or an admission policy looks at pods that are created in ``namespace``."""
    labels = inventory.namespace_labels(namespace.name)
    return any(
        selects(labels) for selects in inventory.once("pod guards", lambda: list(_pod_guards(inventory)))
    )


def _pod_guards(inventory: Inventory) -> Iterator[Selector]:
    """A test for namespaces for each webhook and bound policy whose rules cover the creation of pods."""
    group = "admissionregistration.k8s.io"
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for configuration in inventory.of(f"{kind}.{group}"):
            for _, webhook in mappings(configuration.body.get("webhooks")):
                if _covers_pods(webhook.get("rules")):
                    yield compile_selector(webhook.get("namespaceSelector") or {})
    policies = {
        policy.name
        for policy in inventory.of(f"ValidatingAdmissionPolicy.{group}")
        if _covers_pods(
            mapping(mapping(policy.body.get("spec")).get("matchConstraints")).get("resourceRules")
        )
    }
    for binding in inventory.of(f"ValidatingAdmissionPolicyBinding.{group}"):
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
