"""How a workload is labelled, and whether its selector agrees."""

from functools import lru_cache

from leadline.kube.selector import compile_pairs, compile_selector
from leadline.posture.control import YOUR_VALUE, Review, Set, Violations, Workload, control, mapping

SAYS_AS_MUCH = {
    "app": ("k8s-app", "app.kubernetes.io/name", "app.kubernetes.io/instance"),
    "tier": ("app.kubernetes.io/component",),
    "version": ("app.kubernetes.io/version",),
    "owner": ("app.kubernetes.io/part-of",),
}
"""Common labels under which the same is found."""
UNLABELLED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {run: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1.27"}"""


@lru_cache(maxsize=64)
def with_their_like(labels: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for label in labels for name in (label, *SAYS_AS_MUCH.get(label, ())))


@control(
    "C-0076",
    "Label usage for resources",
    problem="No labels",
    score=1.0,
    reference_score=2.0,
    category="Workload",
    needs_setting=True,
    example=UNLABELLED,
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
)
def missing_labels(
    workload: Workload,
    *,
    recommended_labels: tuple[str, ...] = ("app", "tier", "phase", "version", "owner", "env"),
) -> Violations:
    """The workload carries none of the labels that say what it is and whose.

    Policies, dashboards and people on call find workloads by label; what has none is missed by all of them.

    Fix: add at least one of them to the object and to its pod template. A common label that says the same
    (``app.kubernetes.io/name`` for ``app``) counts.

    Cannot see: labels that a tool adds when it deploys.
    """
    label = recommended_labels[0]
    wanted = with_their_like(recommended_labels)
    if wanted.isdisjoint(workload.own_labels):
        yield Set(f"metadata.labels[{label}]", YOUR_VALUE, on=workload.resource.id)
    if workload.is_templated and wanted.isdisjoint(workload.labels):
        yield Set(f"{workload.path}metadata.labels[{label}]", YOUR_VALUE, on=workload.resource.id)


@control(
    "C-0077",
    "K8s common labels usage",
    problem="Recommended labels missing",
    score=1.0,
    reference_score=2.0,
    category="Workload",
    needs_setting=True,
    example=UNLABELLED,
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
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
    """The workload carries none of the labels that Kubernetes recommends to all tools.

    Tools of different makers agree on these names, so that one query finds an application in all of them;
    without them each needs a rule of its own.

    Fix: add at least one of them to the object and to its pod template.

    Cannot see: labels that a tool adds when it deploys.
    """
    label = k8s_recommended_labels[0]
    if workload.own_labels.keys().isdisjoint(k8s_recommended_labels):
        yield Set(f"metadata.labels[{label}]", YOUR_VALUE, on=workload.resource.id)
    if workload.is_templated and workload.labels.keys().isdisjoint(k8s_recommended_labels):
        yield Set(f"{workload.path}metadata.labels[{label}]", YOUR_VALUE, on=workload.resource.id)


@control(
    "C-0296",
    "Mismatching selector",
    problem="Selector matches no pod",
    consequence="availability",
    score=3.0,
    category="Workload",
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/",
)
def selector_mismatch(workload: Workload) -> Violations:
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
    """
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
