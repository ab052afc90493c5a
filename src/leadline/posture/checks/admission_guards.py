"""Which namespaces have an admission webhook or an admission policy that can refuse their pods.

Sources: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules
and https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from leadline.kube.selector import Selector, compile_selector
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Namespace, mapping, mappings, sequence

_ADMISSION = "admissionregistration.k8s.io"
GUARD_KINDS = (
    f"ValidatingWebhookConfiguration.{_ADMISSION}",
    f"ValidatingAdmissionPolicy.{_ADMISSION}",
    f"ValidatingAdmissionPolicyBinding.{_ADMISSION}",
)
"""Kinds that can refuse pods. What mutates them may add a container or a label, and refuses nothing."""


def policies_guard(namespace: Namespace, inventory: Inventory) -> bool:
    """Whether a validating webhook or admission policy can refuse any pod that is created in ``namespace``."""
    labels = inventory.namespace_labels(namespace.name)
    guards = inventory.once("pod guards", lambda: [*_webhooks(inventory), *_policies(inventory)])
    return any(all(selects(labels) for selects in selectors) for selectors in guards)


def _webhooks(inventory: Inventory) -> Iterator[tuple[Selector, ...]]:
    """The tests that a namespace has to pass, for each webhook that is asked about every pod."""
    for configuration in inventory.of(f"ValidatingWebhookConfiguration.{_ADMISSION}"):
        for _, webhook in mappings(configuration.body.get("webhooks")):
            if _covers_pods(webhook, "rules"):
                yield (compile_selector(webhook.get("namespaceSelector") or {}),)


def _policies(inventory: Inventory) -> Iterator[tuple[Selector, ...]]:
    """The same for each admission policy that a binding makes deny."""
    matched = {
        policy.name: mapping(mapping(policy.body.get("spec")).get("matchConstraints"))
        for policy in inventory.of(f"ValidatingAdmissionPolicy.{_ADMISSION}")
        if sequence(mapping(policy.body.get("spec")).get("validations"))
    }
    for binding in inventory.of(f"ValidatingAdmissionPolicyBinding.{_ADMISSION}"):
        spec = mapping(binding.body.get("spec"))
        constraints = matched.get(str(spec.get("policyName")), {})
        narrowed = mapping(spec.get("matchResources"))
        if (
            "Deny" in sequence(spec.get("validationActions"))
            and _covers_pods(constraints, "resourceRules")
            and ("resourceRules" not in narrowed or _covers_pods(narrowed, "resourceRules"))
            and _selects_every_pod(narrowed)
        ):
            selectors = (constraints.get("namespaceSelector"), narrowed.get("namespaceSelector"))
            yield tuple(compile_selector(selector or {}) for selector in selectors)


def _covers_pods(matching: Mapping[str, Any], field: str) -> bool:
    """Whether the creation of every pod is among what is matched, the pod's labels aside that its maker chooses."""
    return _selects_every_pod(matching) and any(
        _is_on_pods(rule) for _, rule in mappings(matching.get(field))
    )


def _selects_every_pod(matching: Mapping[str, Any]) -> bool:
    return compile_selector(matching.get("objectSelector") or {})({})


def _is_on_pods(rule: Mapping[str, Any]) -> bool:
    """Whether a rule names pods as such: ``pods/*`` are its subresources, ``*/*`` everything of the rule's groups."""
    return (
        rule.get("scope") != "Cluster"
        and not rule.get("resourceNames")
        and _names(rule, "apiGroups", "", "*")
        and _names(rule, "apiVersions", "v1", "*")
        and _names(rule, "resources", "pods", "*", "*/*")
        and _names(rule, "operations", "CREATE", "*")
    )


def _names(rule: Mapping[str, Any], field: str, *wanted: str) -> bool:
    return any(word in sequence(rule.get(field)) for word in wanted)
