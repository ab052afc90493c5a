"""The workload carries none of the labels that say what it is and whose.

Policies, dashboards and people on call find workloads by label; what has none is missed by all of them.

Fix: add at least one of them to the object and to its pod template. A common label that says the same
(``app.kubernetes.io/name`` for ``app``) counts.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        metadata: {labels: {run: web}}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}

Cannot see: labels that a tool adds when it deploys.

See: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
"""

from functools import lru_cache

from leadline.posture.control import YOUR_VALUE, Set, Violations, Workload, control

SAYS_AS_MUCH = {
    "app": ("k8s-app", "app.kubernetes.io/name", "app.kubernetes.io/instance"),
    "tier": ("app.kubernetes.io/component",),
    "version": ("app.kubernetes.io/version",),
    "owner": ("app.kubernetes.io/part-of",),
}
"""Common labels under which the same is found."""


@lru_cache(maxsize=64)
def with_their_like(labels: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for label in labels for name in (label, *SAYS_AS_MUCH.get(label, ())))


@control(
    "C-0076",
    "Label usage for resources",
    problem="No labels",
    consequence="other",
    score=1.0,
    reference_score=2.0,
    category="Workload",
    needs_setting=True,
)
def missing_labels(
    workload: Workload,
    *,
    recommended_labels: tuple[str, ...] = ("app", "tier", "phase", "version", "owner", "env"),
) -> Violations:
    label = recommended_labels[0]
    wanted = with_their_like(recommended_labels)
    if wanted.isdisjoint(workload.own_labels):
        yield Set(f"metadata.labels[{label}]", YOUR_VALUE, on=workload.resource.id)
    if workload.is_templated and wanted.isdisjoint(workload.labels):
        yield Set(f"{workload.path}metadata.labels[{label}]", YOUR_VALUE, on=workload.resource.id)
