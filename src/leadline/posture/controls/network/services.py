"""Services, and API servers behind them."""

from leadline.kube.selector import compile_pairs, without_controller_labels
from leadline.posture import control_examples as examples
from leadline.posture.checks.target_completeness import expect_pods
from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    NotJudged,
    Resource,
    Review,
    Violations,
    control,
    mapping,
    sequence,
)


def selects_pods(service: Resource) -> bool:
    spec = mapping(service.body.get("spec"))
    return spec.get("type") != "ExternalName" and bool(mapping(spec.get("selector")))


@control(
    "C-0293",
    "Service with no workload",
    problem="Service without pods",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    kinds=("Service",),
    applies=selects_pods,
    reads=(WORKLOADS,),
    example=examples.web(examples.service("selector: {app: gone}"), labels="app: web"),
    see="https://kubernetes.io/docs/concepts/services-networking/service/",
)
def service_without_pods(service: Resource, inventory: Inventory) -> Violations:
    """The Service selects no pod of its namespace.

    Requests to it fail, or anyone who creates a pod with these labels gets the traffic that was meant for another.

    Fix: fix the selector, or delete the Service.

    Cannot see: pods that are made by hand or by an operator. Files are judged only where workloads of the namespace
    are beside the Service, and no custom resource is called as its selector says.
    """
    pairs = without_controller_labels(mapping(service.body.get("spec")).get("selector"))
    if pairs is None:
        raise NotJudged("only controllers give pods the labels it asks for")
    if not inventory.selects_any_pod(service.namespace, pairs, compile_pairs(pairs)):
        expect_pods(service, mapping(pairs), inventory)
        yield Review("spec.selector")


@control(
    "L-0048",
    "Services take no external IP",
    problem="Service takes an external IP",
    score=4.0,
    category="Network",
    kinds=("Service",),
    see="https://github.com/kubernetes/kubernetes/issues/97076",
)
def external_ip(service: Resource) -> Violations:
    """The Service takes traffic for an IP address that nothing checks to be its own.

    Every node then sends connections of pods to that address to this Service: an address of another program, inside or
    outside the cluster, can be taken over (CVE-2020-8554).

    Fix: use a load balancer or an Ingress, and switch the admission plugin DenyServiceExternalIPs on.

    Example::

        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec:
          selector: {app: web}
          ports: [{port: 80}]
          externalIPs: [192.0.2.7]

    Cannot see: whether the address is that of a load balancer of yours.
    """
    for i, _ in enumerate(sequence(mapping(service.body.get("spec")).get("externalIPs"))):
        yield Review(f"spec.externalIPs[{i}]")


@control(
    "L-0054",
    "Aggregated API servers are verified",
    problem="Aggregated API server not verified",
    score=4.0,
    category="Control plane",
    kinds=("APIService.apiregistration.k8s.io",),
    see="https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/",
)
def unverified_api_service(service: Resource) -> Violations:
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
    """
    if mapping(service.body.get("spec")).get("insecureSkipTLSVerify") is True:
        yield Review("spec.insecureSkipTLSVerify")
