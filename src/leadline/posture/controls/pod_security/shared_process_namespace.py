"""The containers of the pod see each other's processes.

Through ``/proc`` one reads the variables and the files of the other, also those of a sidecar that holds keys. A container
that was broken into then has what all of them have.

Fix: take the field out.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      shareProcessNamespace: true
      containers:
      - {name: web, image: "nginx:1.27"}
      - {name: proxy, image: "proxy:2"}

Cannot see: whether the containers run as different users, which limits it.

See: https://kubernetes.io/docs/tasks/configure-pod-container/share-process-namespace/
"""

from leadline.posture.control import Remove, Violations, Workload, control


@control(
    "L-0038",
    "Containers do not share their processes",
    problem="Containers see each other's processes",
    consequence="secrets",
    score=2.0,
    category="Workload",
)
def shared_process_namespace(workload: Workload) -> Violations:
    if workload.pod.get("shareProcessNamespace") is True and len(workload.containers) > 1:
        yield Remove("shareProcessNamespace")
