"""This ingress controller runs code that users write into annotations.

Anyone who may create an Ingress can put a configuration snippet into it and so read the controller's token,
which sees every Secret of the cluster.

Fix: move to 0.49.1, 1.0.1 or later, and set ``allow-snippet-annotations: "false"`` in the controller's
ConfigMap.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: ingress}
    spec:
      template:
        spec:
          containers:
          - {name: controller, image: "k8s.gcr.io/ingress-nginx/controller:v1.0.0"}

Cannot see: which ConfigMap the controller really reads.

See: https://nvd.nist.gov/vuln/detail/CVE-2021-25742
"""

from leadline.kube.version import is_within, parse_version
from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Inventory, Review, Violations, control, mapping

AFFECTED = (("0.0.0", "0.49.1"), ("1.0.0", "1.0.1"))
CONTROLLERS = ("ingress-nginx/controller", "nginx-ingress-controller", "nginx-controller", "ingress-nginx")


@control(
    "C-0059",
    "CVE-2021-25742-nginx-ingress-snippet-annotation-vulnerability",
    problem="Ingress controller runs snippets",
    consequence="secrets",
    score=8.0,
    category="Workload",
    reads=("ConfigMap",),
)
def nginx_ingress_snippets(container: Container, inventory: Inventory) -> Violations:
    name = parse_image_name(container.image)
    if not name.repository.endswith(CONTROLLERS):
        return
    version = parse_version(name.tag)
    if version is not None and is_within(version, AFFECTED):
        namespace = container.workload.namespace
        if not any(
            (config_map.namespace or "default") == namespace
            and str(mapping(config_map.body.get("data")).get("allow-snippet-annotations")).lower() == "false"
            for config_map in inventory.of("ConfigMap")
        ):
            yield Review("image")
