"""The container has no CPU request or limit, or one outside the agreed range.

The request is what the container is sure to get, the limit what it can take at most. Where one is missing
or out of the agreed range, planning the nodes is guesswork.

Fix: set request and limit for cpu; the range itself is yours to set (``cpu_limit_max`` and its kin).

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        resources:
          requests: {memory: 64Mi}

Cannot see: defaults that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.control import (
    YOUR_VALUE,
    Container,
    Review,
    Set,
    Violations,
    control,
    has_request,
    mapping,
    outside,
)


def takes_resources(container: Container) -> bool:
    return not container.is_ephemeral


@control(
    "C-0050",
    "Resources CPU limit and request",
    score=8.0,
    category="Workload / Resource management",
    applies=takes_resources,
)
def cpu_out_of_bounds(
    container: Container,
    *,
    cpu_limit_max: tuple[str, ...] = (),
    cpu_limit_min: tuple[str, ...] = ("0",),
    cpu_request_max: tuple[str, ...] = (),
    cpu_request_min: tuple[str, ...] = ("0",),
) -> Violations:
    pod = mapping(container.workload.pod.get("resources"))
    for field, least, most in (
        ("limits", cpu_limit_min, cpu_limit_max),
        ("requests", cpu_request_min, cpu_request_max),
    ):
        value = mapping(container.resources.get(field)).get("cpu")
        if value is not None:
            if outside(value, least, most):
                yield Review(f"resources.{field}.cpu")
        elif mapping(pod.get(field)).get("cpu") is None and not (
            field == "requests" and has_request(container, "cpu")
        ):
            yield Set(f"resources.{field}.cpu", YOUR_VALUE)
