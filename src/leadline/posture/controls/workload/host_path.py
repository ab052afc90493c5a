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

from leadline.posture.control import Remove, Violations, Workload, control


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
    for v, volume in workload.volumes:
        if "hostPath" not in volume:
            continue
        yield Remove(f"volumes[{v}]")
        for container in workload.containers:
            for m, mount in container.mounts:
                if mount.get("name") == volume.get("name"):
                    yield Remove(f"{container.place}volumeMounts[{m}]")
