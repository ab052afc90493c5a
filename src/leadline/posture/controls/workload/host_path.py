"""A folder of the node is mounted into the pod.

What the container reads there belongs to the node and to other pods: credentials of the kubelet, logs,
sockets of the container runtime. What it may write there can change how the node behaves.

Fix: use a persistent volume, a ConfigMap or an ``emptyDir``; keep ``hostPath`` to agents that look after the node.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: reader}
    spec:
      containers:
      - name: reader
        image: busybox:1.36
        volumeMounts:
        - {name: logs, mountPath: /logs}
      volumes:
      - name: logs
        hostPath: {path: /var/log}

Cannot see: what really lies in that folder on the nodes.

See: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
"""

from leadline.posture.checks.mounts import volumes_with_mounts
from leadline.posture.control import Violations, Workload, control


@control(
    "C-0048",
    "HostPath mount",
    problem="Folder of the node mounted (hostPath)",
    consequence="node escape",
    score=6.0,
    reference_score=7.0,
    category="Workload / Storage",
)
def host_path(workload: Workload) -> Violations:
    yield from volumes_with_mounts(workload, ((v, one) for v, one in workload.volumes if "hostPath" in one))
