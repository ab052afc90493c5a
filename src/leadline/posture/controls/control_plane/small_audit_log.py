"""Audit logs are rotated before they reach a hundred megabytes, or their size was left to chance.

Small files times a fixed number of files make a short memory. Without the flag the library behind the
log happens to rotate at a hundred megabytes, which no release promises; a size that is written down can
be reckoned against the disk, together with the number of files.

Fix: write ``--audit-log-maxsize=100``; the unit is megabytes.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --audit-log-maxsize=99]

Cannot see: the room on the disk, and how many entries the audit policy makes.

See: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#log-backend
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0133",
    "Ensure that the API Server --audit-log-maxsize argument is set to 100 or as appropriate",
    problem="Audit log file too small",
    consequence="other",
    score=3.0,
    reference_score=4.0,
    category="Control plane",
)
def small_audit_log(api_server: ApiServer) -> Violations:
    if not api_server.writes_audit_log_to_output:
        yield from api_server.raise_to("audit-log-maxsize", 100)
