"""The pods take SSH connections: a container says so by its port, or a Service leads to one.

A shell over the network with its own users and keys is beside everything the cluster knows of rights
and logs.

Fix: take the SSH server out of the image; ``kubectl exec`` gives a shell that RBAC guards.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
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
    spec: {selector: {app: web}, ports: [{port: 22}]}

Cannot see: an SSH server on another port.

See: https://kubernetes.io/docs/concepts/services-networking/service/
"""

from leadline.posture.control import Inventory, Review, Violations, Workload, control, mapping, mappings

SSH_PORT = 22
SSH_PORTS = frozenset({SSH_PORT, 2222})


@control(
    "C-0042",
    "SSH server running inside container",
    problem="SSH server in a container",
    consequence="reachable from outside",
    score=4.0,
    reference_score=3.0,
    category="Workload",
    reads=("Service",),
)
def ssh_in_container(workload: Workload, inventory: Inventory) -> Violations:
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
