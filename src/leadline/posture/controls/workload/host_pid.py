"""The pod uses its node's process table as its own.

Every process of the node, its arguments and, for root, its memory and open files lie open to the container.

Fix: take ``hostPID`` out.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      hostPID: true
      containers:
      - name: web
        image: nginx:1.27

Cannot see: whether a node agent has a good reason.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.control import Remove, Violations, Workload, control


@control(
    "C-0275",
    "Minimize the admission of containers wishing to share the host process ID namespace",
    problem="Shares the node's processes",
    consequence="node escape",
    score=7.0,
    reference_score=5.0,
    category="Workload",
)
def host_pid(workload: Workload) -> Violations:
    if workload.pod.get("hostPID") is True:
        yield Remove("hostPID")
