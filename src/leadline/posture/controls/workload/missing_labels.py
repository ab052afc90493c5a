"""The workload carries none of the labels that say what it is and whose.

Policies, dashboards and people on call find workloads by label; what has none is missed by all of them.

Fix: add at least one of them to the object and to its pod template.

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

from leadline.posture.control import YOUR_VALUE, Set, Violations, Workload, control


@control("C-0076", "Label usage for resources", score=2.0, category="Workload", needs_setting=True)
def missing_labels(
    workload: Workload,
    *,
    recommended_labels: tuple[str, ...] = ("app", "tier", "phase", "version", "owner", "env"),
) -> Violations:
    label = recommended_labels[0]
    if not any(name in workload.own_labels for name in recommended_labels):
        yield Set(f"metadata.labels[{label}]", YOUR_VALUE, on=workload.resource)
    if workload.is_templated and not any(name in workload.labels for name in recommended_labels):
        yield Set(f"{workload.path}metadata.labels[{label}]", YOUR_VALUE, on=workload.resource)
