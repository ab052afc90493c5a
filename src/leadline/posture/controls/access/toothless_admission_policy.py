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

See: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from leadline.posture.checks.target_completeness import expect
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
    "L-0053",
    "Admission policies refuse what they forbid",
    problem="Admission policy lets everything pass",
    consequence="other",
    score=4.0,
    category="Access control",
    kinds=(POLICY,),
    reads=(BINDING,),
)
def toothless_admission_policy(policy: Resource, inventory: Inventory) -> Violations:
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
