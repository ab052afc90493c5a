"""Nothing records who asked the API server for what.

After a break-in the audit log is what shows which account was used and what it touched. The API server
writes one only when it is given a policy and a place for the entries, a file or a webhook; by default
it has neither.

Fix: write an audit policy, name it with ``--audit-policy-file``, and set ``--audit-log-path`` or
``--audit-webhook-config-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --audit-log-path=/var/log/audit.log]

Cannot see: what the policy leaves out, and where the entries go, see C-0130; audit logs that a cloud
keeps for managed clusters.

See: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from leadline.posture.control import YOUR_VALUE, ApiServer, Violations, control


@control(
    "C-0067",
    "Audit logs enabled",
    problem="No audit log",
    consequence="other",
    score=6.0,
    reference_score=5.0,
    category="Control plane",
)
def audit_off(api_server: ApiServer) -> Violations:
    yield from api_server.missing(*place(api_server), ("audit-policy-file", YOUR_VALUE))


def place(api_server: ApiServer) -> tuple[tuple[str, str], ...]:
    """The flag that says where entries go, unless a webhook takes them."""
    return () if api_server.flag("audit-webhook-config-file") else (("audit-log-path", "-"),)
