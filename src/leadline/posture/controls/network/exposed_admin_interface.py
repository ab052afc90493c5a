"""A tool that rules the cluster or its data is reachable from outside.

Dashboards, pipeline servers and notebooks run any command they are given, and many ask for no password; they
are searched for day and night.

Fix: make the Service a ``ClusterIP`` and reach the tool through ``kubectl port-forward`` or a proxy that
asks who is there.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: jenkins, namespace: shop}
    spec:
      template:
        metadata: {labels: {app: web, tier: front}}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec: {type: NodePort, selector: {app: web}}

Cannot see: whether the tool asks for a password; an Ingress under another name.

See: https://kubernetes.io/docs/concepts/services-networking/service/
"""

from leadline.posture.checks.exposure import service_exposures
from leadline.posture.control import Inventory, Review, Violations, Workload, control

INTERFACES = (
    "nifi",
    "argo-server",
    "weave-scope-app",
    "kubeflow",
    "kubernetes-dashboard",
    "jenkins",
    "prometheus-deployment",
    "ollama",
    "vllm",
    "kserve",
    "triton-inference-server",
    "ray-dashboard",
    "ray-head",
    "mlflow",
    "jupyterhub",
    "seldon",
    "bentoml",
)


@control(
    "C-0021",
    "Exposed sensitive interfaces",
    problem="Admin interface exposed",
    consequence="reachable from outside",
    score=7.0,
    reference_score=6.0,
    category="Workload",
    reads=("Service",),
)
def exposed_admin_interface(
    workload: Workload, inventory: Inventory, *, sensitive_interfaces: tuple[str, ...] = INTERFACES
) -> Violations:
    own = workload.name
    for name in sensitive_interfaces:
        if name in own:
            break
    else:
        return
    for way in service_exposures(workload, inventory):
        yield Review("", on=way.through.id, advice="close it to the outside, or put a login in front")
        yield Review("spec.selector.matchLabels", on=workload.resource.id)
        yield Review("spec.selector", on=workload.resource.id)
