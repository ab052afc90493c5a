"""The service account is named in a field that Kubernetes keeps only for old manifests.

``serviceAccount`` and ``serviceAccountName`` can name two accounts; which one counts is easy to mistake,
and tools that read only the second judge the wrong rights.

Fix: name the account in ``serviceAccountName`` alone.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      serviceAccount: builder
      containers:
      - name: web
        image: nginx:1.27

Cannot see: nothing: both fields are in the object.

See: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from leadline.posture.control import Remove, Set, Violations, Workload, control


@control(
    "C-0294",
    "Deprecated serviceAccount field",
    problem="Deprecated serviceAccount field",
    consequence="other",
    score=1.0,
    reference_score=3.0,
    category="Workload",
)
def deprecated_service_account_field(workload: Workload) -> Violations:
    old, new = workload.pod.get("serviceAccount"), workload.pod.get("serviceAccountName")
    if old and old != new:
        yield Remove("serviceAccount")
        if not new:
            yield Set("serviceAccountName", old)
