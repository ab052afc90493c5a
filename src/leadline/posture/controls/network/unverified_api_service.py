"""The API server does not check the certificate of the aggregated API server that it sends requests to.

Anyone who takes the place of that server in the network reads the requests, with the name and groups of each caller, and
answers them.

Fix: write the CA of the server into ``caBundle`` and take ``insecureSkipTLSVerify`` out.

Example::

    apiVersion: apiregistration.k8s.io/v1
    kind: APIService
    metadata: {name: v1.shop.example}
    spec:
      group: shop.example
      version: v1
      service: {name: api, namespace: shop}
      insecureSkipTLSVerify: true

Cannot see: how the network between the two is guarded.

See: https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping


@control(
    "L-0054",
    "Aggregated API servers are verified",
    problem="Aggregated API server not verified",
    consequence="other",
    score=4.0,
    category="Control plane",
    kinds=("APIService.apiregistration.k8s.io",),
)
def unverified_api_service(service: Resource) -> Violations:
    if mapping(service.body.get("spec")).get("insecureSkipTLSVerify") is True:
        yield Review("spec.insecureSkipTLSVerify")
