"""An aggregated API is served while the API server follows its redirects.

Anyone who runs that service can send clients, with their credentials, to a place of their choosing
(CVE-2022-3172).

Fix: upgrade the API server to 1.22.14, 1.23.11, 1.24.5, 1.25.1 or later; take out APIServices you do not
trust.

Example::

    apiVersion: apiregistration.k8s.io/v1
    kind: APIService
    metadata: {name: v1.metrics.example}
    spec:
      service: {name: metrics, namespace: kube-system}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: metrics, namespace: kube-system}

Cannot see: the API server's version where only files are scanned; nothing is judged then.

See: https://nvd.nist.gov/vuln/detail/CVE-2022-3172
"""

from leadline.kube.version import is_within, parse_version
from leadline.posture.control import (
    Inventory,
    NotJudged,
    Resource,
    Review,
    Violations,
    control,
    mapping,
    text,
)

AFFECTED = (("0.0.0", "1.22.14"), ("1.23.0", "1.23.11"), ("1.24.0", "1.24.5"), ("1.25.0", "1.25.1"))


@control(
    "C-0089",
    "CVE-2022-3172-aggregated-API-server-redirect",
    problem="Aggregated API server may redirect",
    consequence="secrets",
    score=4.0,
    reference_score=3.0,
    category="Workload",
    kinds=("APIService.apiregistration.k8s.io",),
    reads=("Service",),
)
def aggregated_api_redirect(api: Resource, inventory: Inventory) -> Violations:
    service = mapping(mapping(api.body.get("spec")).get("service"))
    found = (
        inventory.get("Service", text(service.get("namespace")), text(service.get("name")))
        if service
        else None
    )
    version = parse_version(inventory.server_version)
    if version is None:
        raise NotJudged("the version of the API server is not known")
    if found is not None and is_within(version, AFFECTED):
        yield Review("", advice="upgrade the API server, or delete the APIService if nothing asks it")
        yield Review("", on=found.id, advice="check who may change the pods that it leads to")
