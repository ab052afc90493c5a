"""Rights that are harmless enough alone add up to a known way to take more.

Making a Secret and reading it gives a token of any service account; making pods and changing namespaces gives
privileged pods; asking for a certificate, approving and signing it gives a login under any name. The finding says which
way is open.

Fix: take one of the rights out, or give them to different accounts.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [""], resources: [pods], verbs: [create]}
    - {apiGroups: [""], resources: [namespaces], verbs: [patch]}

Cannot see: rights that the subject holds through another binding.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
"""

from leadline.posture.checks.rbac_queries import EVERYTHING, TOGETHER
from leadline.posture.control import Rights, Violations, control


@control(
    "L-0047",
    "No role joins rights that together lead to more",
    problem="Rights that together lead to more",
    consequence="cluster takeover",
    score=8.0,
    category="Access control",
)
def rights_together(rights: Rights) -> Violations:
    if any(map(rights.matching, EVERYTHING)):
        return
    ways = {leads_to: rights.together(needed) for leads_to, needed in TOGETHER}
    open_ways = {leads_to: found for leads_to, found in ways.items() if found}
    matches = (match for found in open_ways.values() for match in found)
    yield from rights.reviews(matches, "; ".join(open_ways))
