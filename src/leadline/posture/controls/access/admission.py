"""Webhooks and policies of admission."""

from leadline.posture.checks.target_completeness import expect, expect_cluster
from leadline.posture.control import (
    Inventory,
    Missing,
    Resource,
    Review,
    Set,
    Violations,
    control,
    mapping,
    mappings,
    sequence,
)

POLICY = "ValidatingAdmissionPolicy.admissionregistration.k8s.io"
BINDING = "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io"


@control(
    "C-0039",
    "Validate admission controller (mutating)",
    problem="Mutating webhook to review",
    score=4.0,
    category="Access control",
    kinds=("MutatingWebhookConfiguration.admissionregistration.k8s.io",),
    see="https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
)
def mutating_webhook(resource: Resource, inventory: Inventory) -> Violations:
    """A mutating webhook may change every object that it asks for before it is stored.

    It can add a container to each new pod or loosen its settings, and nothing in the manifests will show it.

    Fix: check who owns the service behind it and keep its rules to the kinds and namespaces it needs.

    Example::

        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingWebhookConfiguration
        metadata: {name: inject}

    Cannot see: what the service behind the webhook changes. Files are judged only when the control is asked for by name.
    """
    expect_cluster(inventory)
    yield Review("", advice="keep it if you know its owner: it changes every object it is asked about")


@control(
    "C-0036",
    "Validate admission controller (validating)",
    problem="Validating webhook to review",
    score=3.0,
    category="Access control",
    kinds=("ValidatingWebhookConfiguration.admissionregistration.k8s.io",),
    see="https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
)
def validating_webhook(resource: Resource, inventory: Inventory) -> Violations:
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
    """
    expect_cluster(inventory)
    yield Review("", advice="keep it if you know its owner: it sees every object it is asked about")


@control(
    "L-0053",
    "Admission policies refuse what they forbid",
    problem="Admission policy lets everything pass",
    score=4.0,
    category="Access control",
    kinds=(POLICY,),
    reads=(BINDING,),
    see="https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
)
def toothless_admission_policy(policy: Resource, inventory: Inventory) -> Violations:
    """The admission policy refuses nothing, or stops refusing when it cannot decide.

    It reads like a guard. Nothing binds it, its bindings only warn or write to the audit log, its parameters may be missing,
    or ``failurePolicy: Ignore`` lets objects pass for which the expression fails.

    Fix: bind the policy with ``validationActions: [Deny]`` and let it fail closed.

    Example::

        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: no-host-pid}
        spec:
          failurePolicy: Fail
          matchConstraints:
            resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
          validations: [{expression: "!object.spec.?hostPID.orValue(false)"}]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: b}
        spec: {policyName: no-host-pid, validationActions: [Warn, Audit]}

    Cannot see: what the expressions let pass.
    """
    spec = mapping(policy.body.get("spec"))
    if spec.get("failurePolicy") == "Ignore":
        yield Set("spec.failurePolicy", "Fail")
    for i, condition in mappings(spec.get("matchConditions")):
        if condition.get("expression") == "false":
            yield Review(f"spec.matchConditions[{i}].expression", advice="this condition never holds")
    bindings = [one for one in inventory.of(BINDING) if names(one) == policy.name]
    if not bindings:
        expect(policy, (BINDING,), inventory)
        yield Missing("a ValidatingAdmissionPolicyBinding with validationActions: [Deny]")
    elif not any("Deny" in actions_of(one) for one in bindings):
        for one in bindings:
            yield Review("spec.validationActions", on=one.id, advice="write Deny in the place of Warn")
    if spec.get("paramKind"):
        for one in bindings:
            reference = mapping(mapping(one.body.get("spec")).get("paramRef"))
            if not reference:
                yield Review(
                    "spec", on=one.id, advice="add paramRef: the policy has no parameters without it"
                )
            elif reference.get("parameterNotFoundAction") == "Allow":
                yield Set("spec.paramRef.parameterNotFoundAction", "Deny", on=one.id)


def names(binding: Resource) -> object:
    return mapping(binding.body.get("spec")).get("policyName")


def actions_of(binding: Resource) -> list[object]:
    return list(sequence(mapping(binding.body.get("spec")).get("validationActions")))
