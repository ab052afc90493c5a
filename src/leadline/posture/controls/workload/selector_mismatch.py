"""The selector does not match the labels of the pods it creates.

The API server refuses such an object, or an older one runs on with pods that no controller counts.

Fix: make the labels of the template and the selector agree.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: shop}}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}

Cannot see: labels that a tool adds when it deploys.

See: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
"""

from leadline.kube.selector import compile_pairs, compile_selector
from leadline.posture.control import Review, Violations, Workload, control, mapping


@control(
    "C-0296",
    "Mismatching selector",
    problem="Selector matches no pod",
    consequence="availability",
    score=3.0,
    category="Workload",
)
def selector_mismatch(workload: Workload) -> Violations:
    if not workload.is_templated:
        return
    resource = workload.resource
    spec = mapping(resource.body.get("spec"))
    prefix = "spec."
    if resource.kind == "CronJob":
        spec, prefix = mapping(mapping(spec.get("jobTemplate")).get("spec")), "spec.jobTemplate.spec."
    selector = mapping(spec.get("selector"))
    if not selector:
        return
    if resource.kind == "ReplicationController":
        if not compile_pairs(selector)(workload.labels):
            yield Review(f"{prefix}selector", on=resource.id)
        return
    for field in ("matchLabels", "matchExpressions"):
        if selector.get(field) and not compile_selector({field: selector[field]})(workload.labels):
            yield Review(f"{prefix}selector.{field}", on=resource.id)
            return
