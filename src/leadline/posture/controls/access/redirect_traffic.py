"""The role lets its holder change Services, their endpoints, Ingresses or routes.

Traffic for one program then goes to another: a changed selector or endpoint is enough, and by an external IP or the
status of a Service the connections of the whole cluster to an address outside can be taken over (CVE-2020-8554).

Fix: take the verbs out, or name the objects with ``resourceNames``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [""], resources: [services/status], verbs: [patch]}

Cannot see: which of them carry traffic.

See: https://github.com/kubernetes/kubernetes/issues/97076
"""

from leadline.posture.checks.rbac_queries import REDIRECT_TRAFFIC
from leadline.posture.control import Rights, Violations, control


@control(
    "L-0042",
    "Minimize access to change where traffic goes",
    problem="May redirect traffic",
    consequence="other",
    score=4.0,
    category="Access control",
)
def redirect_traffic(rights: Rights) -> Violations:
    yield from rights.may_any(REDIRECT_TRAFFIC)
