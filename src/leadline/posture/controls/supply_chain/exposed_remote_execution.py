"""A workload that can be reached from outside has a vulnerability by which others run code in it.

Such a vulnerability needs no account and no second step: one request, and the attacker is in the container.

Fix: update the image, or close the way in until you can.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
          - {name: web, image: "reg.example/shop/web:1"}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec: {type: LoadBalancer, selector: {app: web}}
    ---
    apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1
    kind: VulnerabilityManifestSummary
    metadata:
      name: deployment-web-web
      namespace: shop
      labels:
        kubescape.io/workload-kind: Deployment
        kubescape.io/workload-name: web
        kubescape.io/workload-container-name: web
      annotations: {leadline.dev/vulnerabilities: '{"remoteCodeIds": ["CVE-2021-44228"]}'}
    spec: {severities: {critical: {all: 1}, high: {all: 0}}}

Cannot see: images that no scan has stored a result of; vulnerabilities whose publisher does not say that they run code.

See: https://kubernetes.io/docs/concepts/security/
"""

from leadline.posture.checks.exposure import ROUTE_KINDS, is_exposed
from leadline.posture.checks.image_results import SUMMARY, image_results
from leadline.posture.control import Inventory, NotJudged, Review, Violations, Workload, control


@control(
    "C-0084",
    "Workloads with RCE vulnerabilities exposed to external traffic",
    problem="Remote code execution exposed",
    consequence="reachable from outside",
    score=9.0,
    reference_score=8.0,
    category="Workload",
    reads=("Service", "Ingress.networking.k8s.io", *ROUTE_KINDS, SUMMARY),
)
def exposed_remote_execution(workload: Workload, inventory: Inventory) -> Violations:
    if not is_exposed(workload, inventory):
        return
    results, missing = image_results(workload, inventory)
    for result in results:
        if result.remote_code:
            inventory.rest_on(result.summary)
            yield Review(f"{result.container.place}image")
    if missing:
        raise NotJudged(missing)
