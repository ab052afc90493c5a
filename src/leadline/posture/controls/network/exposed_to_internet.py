"""The workload can be reached from outside the cluster.

It is what attackers try first. What else is wrong with it, with its image or its rights weighs
more than anywhere else.

Fix: leave only those open that have to be; the others belong behind a ``ClusterIP`` Service.

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
    spec: {type: LoadBalancer, selector: {app: web}}

Cannot see: firewalls in front; load balancers set up outside the cluster.

See: https://kubernetes.io/docs/concepts/services-networking/
"""

from itertools import islice

from leadline.posture.checks.exposure import MOST_WAYS, ingress_exposures, service_exposures
from leadline.posture.control import Inventory, Review, Violations, Workload, control


@control(
    "C-0256",
    "External facing",
    problem="Exposed to the internet",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    category="Network",
    reads=("Service", "Ingress.networking.k8s.io"),
)
def exposed_to_internet(workload: Workload, inventory: Inventory) -> Violations:
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
