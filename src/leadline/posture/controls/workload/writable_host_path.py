"""A folder of the node is mounted so that the container can write to it.

Writing to the node is one step from owning it: a cron entry, a static pod manifest, an authorised key. It
also outlives the pod.

Fix: mount it with ``readOnly: true``; data of the application belongs on a persistent volume.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - name: logs
        hostPath: {path: /var/log}
      containers:
      - name: web
        image: nginx:1.27
        volumeMounts:
        - {name: logs, mountPath: /logs}

Cannot see: what lies in that folder on the nodes.

See: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
"""

from leadline.posture.control import Set, Violations, Workload, control, text


@control(
    "C-0045",
    "Writable hostPath mount",
    problem="Writable folder of the node mounted",
    consequence="node escape",
    score=8.0,
    category="Workload / Storage",
)
def writable_host_path(workload: Workload) -> Violations:
    names = {text(volume.get("name")) for _, volume in workload.volumes if "hostPath" in volume}
    if not names:
        return
    for container in workload.containers:
        for m, mount in container.mounts:
            if text(mount.get("name")) in names and mount.get("readOnly") is not True:
                yield Set(f"{container.place}volumeMounts[{m}].readOnly", True)
