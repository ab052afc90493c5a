"""The container does not say how much memory it needs.

Without a request the scheduler counts the container as nothing, so nodes fill beyond their memory, and such
pods are the first that the kubelet evicts.

Fix: set ``resources.requests.memory`` to what the container uses on an ordinary day.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        resources:
          limits: {memory: "1"}
          requests: {cpu: 100m}

Cannot see: a default that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.control import YOUR_VALUE, Container, Set, Violations, control, mapping


def takes_resources(container: Container) -> bool:
    return not container.is_ephemeral


@control(
    "C-0269",
    "Ensure memory requests are set",
    score=3.0,
    category="Workload / Resource management",
    applies=takes_resources,
)
def missing_memory_request(container: Container) -> Violations:
    pod = mapping(container.workload.pod.get("resources"))
    if not any(mapping(resources.get("requests")).get("memory") for resources in (container.resources, pod)):
        yield Set("resources.requests.memory", YOUR_VALUE)
