"""The workload carries none of the labels that Kubernetes recommends to all tools.

Tools of different makers agree on these names, so that one query finds an application in all of them;
without them each needs a rule of its own.

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


@control(
    "C-0077",
    "K8s common labels usage",
    problem="Recommended labels missing",
    consequence="other",
    score=1.0,
    reference_score=2.0,
    category="Workload",
    needs_setting=True,
)
def missing_common_labels(
    workload: Workload,
    *,
    k8s_recommended_labels: tuple[str, ...] = (
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/version",
        "app.kubernetes.io/component",
        "app.kubernetes.io/part-of",
        "app.kubernetes.io/managed-by",
        "app.kubernetes.io/created-by",
    ),
) -> Violations:
    label = k8s_recommended_labels[0]
    if workload.own_labels.keys().isdisjoint(k8s_recommended_labels):
        yield Set(f"metadata.labels[{label}]", YOUR_VALUE, on=workload.resource.id)
    if workload.is_templated and workload.labels.keys().isdisjoint(k8s_recommended_labels):
        yield Set(f"{workload.path}metadata.labels[{label}]", YOUR_VALUE, on=workload.resource.id)
