"""The API server writes no audit log on its node.

Without ``--audit-log-path`` the entries go nowhere, or only to a webhook that may be down when they
matter. There is no default path; ``-`` represents the output of the process.

Fix: write ``--audit-log-path=-`` and collect the output, or name a file in a folder that is mounted from the node.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --audit-policy-file=/etc/kubernetes/audit.yaml]

Cannot see: whether the folder is mounted and has room; entries that go to a webhook.

See: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#log-backend
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0130",
    "Ensure that the API Server --audit-log-path argument is set",
    problem="No audit log path",
    consequence="other",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
)
def no_audit_log_path(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("audit-log-path", "-"))
