"""The pod uses its node's shared memory and message queues as its own.

Programs of the node that talk through shared memory can be listened to and disturbed from inside the
container.

Fix: take ``hostIPC`` out.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      hostIPC: true
      containers:
      - name: web
        image: nginx:1.27

Cannot see: whether a node agent has a good reason.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.control import Remove, Violations, Workload, control


@control(
    "C-0276",
    "Minimize the admission of containers wishing to share the host IPC namespace",
    problem="Shares the node's IPC",
    consequence="node escape",
    score=5.0,
    category="Workload",
)
def host_ipc(workload: Workload) -> Violations:
    if workload.pod.get("hostIPC") is True:
        yield Remove("hostIPC")
