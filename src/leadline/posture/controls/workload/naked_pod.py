"""The pod is alone: nothing brings it back when its node goes.

A pod that no controller owns is not restarted elsewhere, not scaled and not rolled out; it is also how
debugging pods with too many rights are forgotten.

Fix: let a Deployment, a Job or another controller create it; delete what was left over from debugging.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27

Cannot see: controllers that put no owner reference on their pods; static pods of the kubelet, and hooks of Helm
and Argo CD, are recognised.

See: https://kubernetes.io/docs/concepts/workloads/pods/
"""

from leadline.posture.control import Review, Violations, Workload, control, mapping, sequence

RUN_BY_OTHERS = frozenset({"kubernetes.io/config.mirror", "helm.sh/hook", "argocd.argoproj.io/hook"})
"""Annotations of pods that the kubelet keeps, or that a deploying tool runs once and watches."""


def is_bare_pod(workload: Workload) -> bool:
    return workload.kind == "Pod" and not workload.is_templated


@control(
    "C-0073",
    "Naked pods",
    problem="Pod without a controller",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    applies=is_bare_pod,
)
def naked_pod(workload: Workload) -> Violations:
    metadata = mapping(workload.resource.body.get("metadata"))
    is_kept = not RUN_BY_OTHERS.isdisjoint(mapping(metadata.get("annotations")))
    if not sequence(metadata.get("ownerReferences")) and not is_kept:
        yield Review("", on=workload.resource.id, advice="make a Deployment, a StatefulSet or a Job of it")
