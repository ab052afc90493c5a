"""A pod without root rights mounts a volume whose files belong to no group of its own.

Most volume plugins hand a new disk over with root as owner. Without ``fsGroup`` a process that is not root cannot
write to it, and the usual way out is to run as root after all.

Fix: set ``fsGroup`` to the group that the program runs in.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 1000}
      containers:
      - name: web
        image: nginx:1.27
        volumeMounts:
        - {name: data, mountPath: /data}
      volumes:
      - name: data
        persistentVolumeClaim: {claimName: data}

Cannot see: who owns the files on the volume, and volume plugins that hand over ownership by themselves.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-the-security-context-for-a-pod
"""

from leadline.posture.control import YOUR_VALUE, Set, Violations, Workload, control, text

DISKS = ("persistentVolumeClaim", "ephemeral", "csi")


def runs_without_root(workload: Workload) -> bool:
    context = workload.security_context
    return not workload.is_windows and bool(context.get("runAsNonRoot") is True or context.get("runAsUser"))


@control(
    "L-0003",
    "Volumes belong to a group of the pod",
    problem="No group for the volumes (fsGroup)",
    consequence="other",
    score=1.0,
    category="Workload / Storage",
    applies=runs_without_root,
)
def no_group_for_volumes(workload: Workload) -> Violations:
    disks = {
        text(volume.get("name")) for _, volume in workload.volumes if any(disk in volume for disk in DISKS)
    }
    is_writable = any(
        text(mount.get("name")) in disks and mount.get("readOnly") is not True
        for container in workload.containers
        for _, mount in container.mounts
    )
    if is_writable and not isinstance(workload.security_context.get("fsGroup"), int):
        yield Set("securityContext.fsGroup", YOUR_VALUE)
