"""Which namespaces have an admission webhook or an admission policy that looks at their pods."""

from collections.abc import Iterator
from typing import Any

from leadline.kube.selector import Selector, compile_selector
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Namespace, mapping, mappings, sequence

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
