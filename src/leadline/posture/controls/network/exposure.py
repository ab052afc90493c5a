"""Which pods others reach from outside."""

from itertools import islice

from leadline.posture import control_examples as examples
from leadline.posture.checks.exposure import (
    MOST_WAYS,
    ROUTE_KINDS,
    gateway_exposures,
    ingress_exposures,
    service_exposures,
)
from leadline.posture.checks.istio import MESH_KINDS, mesh_exposures
from leadline.posture.control import (
    Container,
    Inventory,
    Remove,
    Review,
    Violations,
    Workload,
    control,
    mapping,
    mappings,
)
from leadline.posture.control_families import pod_control

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
SSH_PORT = 22
SSH_PORTS = frozenset({SSH_PORT, 2222})
SERVICE_RESULT = "ServiceScanResult.kubescape.io"


@control(
    "C-0256",
    "External facing",
    problem="Exposed to the internet",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    category="Network",
    reads=("Service", "Ingress.networking.k8s.io"),
    example=examples.web(examples.service("type: LoadBalancer, selector: {app: web}")),
    see="https://kubernetes.io/docs/concepts/services-networking/",
)
def exposed_to_internet(workload: Workload, inventory: Inventory) -> Violations:
    """The workload can be reached from outside the cluster.

    It is what attackers try first. What else is wrong with it, with its image or its rights weighs
    more than anywhere else.

    Fix: leave only those open that have to be; the others belong behind a ``ClusterIP`` Service.

    Cannot see: firewalls in front; load balancers set up outside the cluster.
    """
    for way in islice(service_exposures(workload, inventory), MOST_WAYS):
        yield Review(way.path, on=way.through.id)
    for way in islice(ingress_exposures(workload, inventory), MOST_WAYS):
        yield Review(way.path, on=way.through.id)
        if way.service is not None:
            yield Review(
                "", on=way.service.id, advice="it leads to these pods: close it, or put a login in front"
            )
    for container in workload.containers:
        for p, port in container.ports:
            if port.get("hostPort"):
                yield Review(f"{container.place}ports[{p}].hostPort")


@control(
    "C-0266",
    "Exposure to internet via Gateway API or Istio Ingress",
    problem="Exposed through a gateway",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    category="Network",
    reads=("Service", *ROUTE_KINDS, *MESH_KINDS),
    example=examples.web(
        examples.service("selector: {app: web}"),
        """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: shop}
spec:
  rules:
  - backendRefs: [{name: web, port: 80}]""",
    ),
    see="https://gateway-api.sigs.k8s.io/",
)
def exposed_through_gateway(workload: Workload, inventory: Inventory) -> Violations:
    """The workload can be reached from outside through a Gateway or an Istio ingress.

    Routes are often written by others than those who run the workload, so that it is open without its owners
    knowing.

    Fix: name only the Services that are meant to be public in routes; keep the others in a gateway of their
    own.

    Cannot see: where a Gateway itself can be reached from; firewalls in front.
    """
    for way in islice(gateway_exposures(workload, inventory), MOST_WAYS):
        yield Review(way.path, on=way.through.id)
        if way.service is not None:
            yield Review(
                "", on=way.service.id, advice="it leads to these pods: close it, or put a login in front"
            )
    for mesh in islice(mesh_exposures(workload, inventory), MOST_WAYS):
        yield Review(mesh.path, on=mesh.virtual_service.id)
        for part in (mesh.entry, mesh.gateway, mesh.service):
            if part is not None:
                yield Review(
                    "", on=part.id, advice="it leads to these pods: close it, or put a login in front"
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
    example=examples.web(examples.service("type: NodePort, selector: {app: web}"), name="jenkins"),
    see="https://kubernetes.io/docs/concepts/services-networking/service/",
)
def exposed_admin_interface(
    workload: Workload, inventory: Inventory, *, sensitive_interfaces: tuple[str, ...] = INTERFACES
) -> Violations:
    """A tool that rules the cluster or its data is reachable from outside.

    Dashboards, pipeline servers and notebooks run any command they are given, and many ask for no password; they
    are searched for day and night.

    Fix: make the Service a ``ClusterIP`` and reach the tool through ``kubectl port-forward`` or a proxy that
    asks who is there.

    Cannot see: whether the tool asks for a password; an Ingress under another name.
    """
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


@pod_control(
    "C-0044",
    "Container hostPort",
    problem="Port of the node taken (hostPort)",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
    container=("ports:", "- {containerPort: 8080, hostPort: 80}"),
    namespace="",
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def host_port(container: Container) -> Violations:
    """A container takes a port of its node.

    The port is open on the node's own address, past Services and often past network policies, and only one
    such pod fits on each node.

    Fix: take ``hostPort`` out and offer the port through a Service.

    Cannot see: firewalls in front of the nodes.
    """
    for i, port in container.ports:
        if port.get("hostPort"):
            yield Remove(f"ports[{i}].hostPort")


@control(
    "C-0042",
    "SSH server running inside container",
    problem="SSH server in a container",
    consequence="reachable from outside",
    score=4.0,
    reference_score=3.0,
    category="Workload",
    reads=("Service",),
    example=examples.web(examples.service("selector: {app: web}, ports: [{port: 22}]")),
    see="https://kubernetes.io/docs/concepts/services-networking/service/",
)
def ssh_in_container(workload: Workload, inventory: Inventory) -> Violations:
    """The pods take SSH connections: a container says so by its port, or a Service leads to one.

    A shell over the network with its own users and keys is beside everything the cluster knows of rights
    and logs.

    Fix: take the SSH server out of the image; ``kubectl exec`` gives a shell that RBAC guards.

    Cannot see: an SSH server on another port.
    """
    for container in workload.containers:
        for i, port in container.ports:
            if port.get("containerPort") == SSH_PORT:
                yield Review(f"{container.path}ports[{i}]", on=workload.resource.id)
    for service in inventory.services_of(workload):
        for _, port in mappings(mapping(service.body.get("spec")).get("ports")):
            target = port.get("targetPort")
            if isinstance(target, str):
                target = port_named(workload, target)
            if is_ssh(port.get("port")) or is_ssh(target):
                yield Review("", on=service.id, advice="take the SSH port out of it")
                yield Review(f"{workload.path}metadata.labels", on=workload.resource.id)
                break


def is_ssh(port: object) -> bool:
    return isinstance(port, int) and port in SSH_PORTS


def port_named(workload: Workload, name: str) -> object:
    """The number of the containers' port ``name``; of several the last."""
    ports = [port for container in workload.containers for _, port in container.ports]
    return next((port.get("containerPort") for port in reversed(ports) if port.get("name") == name), None)


@control(
    "C-0274",
    "Verify Authenticated Service",
    problem="Service without authentication",
    consequence="reachable from outside",
    score=7.0,
    category="Network",
    reads=("Service", SERVICE_RESULT),
    see="https://kubernetes.io/docs/concepts/services-networking/service/",
)
def unauthenticated_service(workload: Workload, inventory: Inventory) -> Violations:
    """A Service of the workload was found to answer without asking who is there.

    A database or a queue without a password opens everything to anyone who reaches its port.

    Fix: switch authentication on in the program, and let only its own clients reach it.

    Example::

        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop, labels: {app: web}}
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
        spec: {selector: {app: web}}
        ---
        apiVersion: kubescape.io/v1
        kind: ServiceScanResult
        metadata: {name: web, namespace: shop}
        spec:
          ports: [{port: 6379, authenticated: false}]

    Cannot see: Services that have not been tried.
    """
    if not inventory.of(SERVICE_RESULT):
        return
    for service in inventory.services_of(workload):
        result = inventory.get(SERVICE_RESULT, service.namespace or "default", service.name)
        ports = mappings(mapping(result.body.get("spec")).get("ports")) if result else ()
        if result and any(port.get("authenticated") is False for _, port in ports):
            inventory.rest_on(service)
            inventory.rest_on(result)
            yield Review("", on=workload.resource.id, advice="make the program ask for a login")
