"""Fewer than ten old audit logs are kept, or as many as the disk holds.

With few files, an attacker who makes many requests rolls the traces of the first ones out of the log.
The default, 0, sets no number, until the disk is full.

Fix: write ``--audit-log-maxbackup=10``, or more where the disk allows.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --audit-log-maxbackup=9]

Cannot see: the room on the disk; copies that are collected elsewhere.

See: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#log-backend
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0132",
    "Ensure that the API Server --audit-log-maxbackup argument is set to 10 or as appropriate",
    problem="Too few old audit logs kept",
    consequence="other",
    score=3.0,
    reference_score=4.0,
    category="Control plane",
)
def too_few_audit_logs(api_server: ApiServer) -> Violations:
    if not api_server.writes_audit_log_to_output:
        yield from api_server.raise_to("audit-log-maxbackup", 10)
