"""The role lets its holder change ``aws-auth``, which says who of AWS may sign in to the cluster and as whom.

Anyone who may write it makes himself a member of ``system:masters``, above every role.

Fix: take the rule out, and move to access entries of EKS.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: r, namespace: kube-system}
    rules:
    - {apiGroups: [""], resources: [configmaps], resourceNames: [aws-auth], verbs: [update]}

Cannot see: whether the cluster uses access entries instead; roles that may change every ConfigMap, which C-0037 reports.

See: https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
"""

from typing import Any

from leadline.posture.control import Rights, Violations, control, sequence

WRITING = frozenset({"*", "create", "update", "patch", "delete", "deletecollection"})


def names_aws_auth(rule: dict[str, Any]) -> tuple[str, ...]:
    """The places of a rule on ``aws-auth`` by its name."""
    names, verbs = sequence(rule.get("resourceNames")), sequence(rule.get("verbs"))
    if "aws-auth" not in names or not {"*", "configmaps"} & {str(r) for r in sequence(rule.get("resources"))}:
        return ()
    places = tuple(f"verbs[{i}]" for i, verb in enumerate(verbs) if isinstance(verb, str) and verb in WRITING)
    return (f"resourceNames[{names.index('aws-auth')}]", *places) if places else ()


@control(
    "L-0044",
    "Minimize access to change who AWS lets in",
    problem="May change who AWS lets in (aws-auth)",
    consequence="cluster takeover",
    score=9.0,
    category="Access control",
    cloud="EKS",
)
def change_aws_sign_in(rights: Rights) -> Violations:
    if rights.reaches in ("", "kube-system"):
        yield from rights.may_any((names_aws_auth,))
