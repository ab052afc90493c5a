"""Nothing makes the kubelet refuse the container should its image run as root.

``runAsUser`` chooses a user; ``runAsNonRoot: true`` makes the kubelet check it, whatever the image says tomorrow. In a
pod with a user namespace of its own, ``hostUsers: false``, the rule does not ask (since 1.35).

Fix: set ``runAsNonRoot: true`` on the pod, and take ``false`` out of containers.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      securityContext: {runAsUser: 1000}
      containers:
      - name: web
        image: nginx:1.27

Cannot see: which user the image names.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import has_user_namespace
from leadline.posture.control import Inventory, Review, Set, Violations, Workload, control


@control(
    "L-0020",
    "Containers are required to run without root",
    problem="Non-root is not required",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
)
def non_root_not_required(workload: Workload, inventory: Inventory) -> Violations:
    if has_user_namespace(workload, inventory):
        return
    of_pod = workload.security_context.get("runAsNonRoot")
    if of_pod is False:
        yield Set("securityContext.runAsNonRoot", True)
    for container in workload.containers:
        own = container.security_context.get("runAsNonRoot")
        if own is True or (own is None and of_pod is True):
            continue
        if container.is_ephemeral:
            yield Review(f"{container.place}securityContext")
        else:
            yield Set(f"{container.place}securityContext.runAsNonRoot", True)
