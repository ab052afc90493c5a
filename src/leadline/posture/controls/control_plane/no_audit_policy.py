"""The API server was given no audit policy, so it does not know what to record.

Without ``--audit-policy-file`` no request is logged at all, even where a log path is set. A policy of
four lines that keeps the metadata of every request is enough to begin with.

Fix: write a policy with one rule of level ``Metadata``, mount it, and name it with ``--audit-policy-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, "--authorization-mode=Node,RBAC"]

Cannot see: the rules of the policy.

See: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0160",
    "Ensure that a minimal audit policy is created",
    problem="No audit policy",
    consequence="other",
    score=5.0,
    category="Control plane",
)
def no_audit_policy(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("audit-policy-file", "YOUR_VALUE"))
