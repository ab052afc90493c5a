"""An image has more critical or high vulnerabilities than your rules allow.

Where there are many, patches are not followed, and what is known to be exploitable is among them sooner or later.

Fix: build the image again on an updated base, and leave out packages that the program does not use.

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
    apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1
    kind: VulnerabilityManifestSummary
    metadata:
      name: deployment-web-web
      namespace: shop
      labels:
        kubescape.io/workload-kind: Deployment
        kubescape.io/workload-name: web
        kubescape.io/workload-container-name: web
    spec: {severities: {critical: {all: 6}, high: {all: 0}}}

Cannot see: images that no scan has stored a result of.

See: https://kubernetes.io/docs/concepts/security/
"""

from leadline.posture.checks.image_results import SUMMARY, image_results
from leadline.posture.control import Inventory, NotJudged, Review, Violations, Workload, control


@control(
    "C-0085",
    "Workloads with excessive amount of vulnerabilities",
    problem="Too many severe vulnerabilities",
    consequence="other",
    score=5.0,
    reference_score=6.0,
    category="Workload",
    reads=(SUMMARY,),
)
def too_many_vulnerabilities(
    workload: Workload,
    inventory: Inventory,
    *,
    max_critical_vulnerabilities: tuple[str, ...] = ("5",),
    max_high_vulnerabilities: tuple[str, ...] = ("10",),
) -> Violations:
    most_critical = _number(max_critical_vulnerabilities, "max_critical_vulnerabilities")
    most_high = _number(max_high_vulnerabilities, "max_high_vulnerabilities")
    results, missing = image_results(workload, inventory)
    for result in results:
        if result.critical > most_critical or result.high > most_high:
            inventory.rest_on(result.summary)
            yield Review(f"{result.container.place}image")
    if missing:
        raise NotJudged(missing)


def _number(setting: tuple[str, ...], name: str) -> int:
    written = setting[0].strip() if setting else ""
    if not (written.isascii() and written.isdigit() and len(written) < 10):
        raise NotJudged(f"the setting {name} must be one whole number")
    return int(written)
