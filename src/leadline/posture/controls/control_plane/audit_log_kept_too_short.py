"""Audit logs are not kept for thirty days.

Break-ins are often found weeks later. The default, 0, sets no age: files then stay until their number
or the disk is exhausted, and a full disk stops the log.

Fix: write ``--audit-log-maxage=30``, or more where the law asks for it.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --audit-log-maxage=29]

Cannot see: copies that are collected and kept elsewhere.

See: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#log-backend
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0131",
    "Ensure that the API Server --audit-log-maxage argument is set to 30 or as appropriate",
    problem="Audit log kept less than 30 days",
    consequence="other",
    score=3.0,
    reference_score=4.0,
    category="Control plane",
)
def audit_log_kept_too_short(api_server: ApiServer) -> Violations:
    if not api_server.writes_audit_log_to_output:
        yield from api_server.raise_to("audit-log-maxage", 30)
