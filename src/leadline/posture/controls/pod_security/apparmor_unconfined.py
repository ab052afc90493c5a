"""The pod switches AppArmor off, or names a profile of an unknown type.

Where nodes have AppArmor, the runtime's profile keeps a container from writing to the kernel's settings and from
mounting file systems. ``Unconfined`` takes that away.

Fix: set the type to ``RuntimeDefault``, or take the setting out.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext: {appArmorProfile: {type: Unconfined}}

Cannot see: whether the nodes have AppArmor.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import CONFINED, contexts_of
from leadline.posture.control import Review, Set, Violations, Workload, control

ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


@control(
    "L-0013",
    "AppArmor is not switched off",
    problem="AppArmor is switched off",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
)
def apparmor_unconfined(workload: Workload) -> Violations:
    for path, context in contexts_of(workload):
        profile = context.get("appArmorProfile")
        if isinstance(profile, dict) and profile.get("type") not in CONFINED:
            yield Set(f"{path}.appArmorProfile.type", CONFINED[0])
    for key, value in workload.annotations.items():
        if str(key).startswith(ANNOTATION) and not is_confined(str(value)):
            yield Review(f"{workload.path}metadata.annotations[{key}]", on=workload.resource.id)


def is_confined(profile: str) -> bool:
    return profile in ("", "runtime/default") or profile.startswith("localhost/")
