"""What a container asks of its node, and what bounds it."""

from functools import partial
from typing import Any

from leadline.posture.checks.resource_bounds import (
    BOUND_KINDS,
    bounds_of,
    has_limit,
    has_request,
    takes_resources,
)
from leadline.posture.control import YOUR_VALUE, Container, Inventory, Set, Violations, mapping, text
from leadline.posture.control_families import pod_control

bounds_control = partial(
    pod_control,
    consequence="availability",
    category="Workload / Resource management",
    applies=takes_resources,
    reads=BOUND_KINDS,
    see="https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
)


@bounds_control(
    "C-0270",
    "Ensure CPU limits are set",
    problem="No CPU limit",
    score=1.0,
    reference_score=8.0,
    container=("resources: {requests: {cpu: 100m}}",),
)
def missing_cpu_limit(container: Container, inventory: Inventory) -> Violations:
    """Nothing keeps this container from taking all the processor time of its node.

    A busy loop, a flood of requests or a coin miner then starves every other pod there.

    Fix: measure what the container needs under load and set ``resources.limits.cpu`` above it.

    Cannot see: a default that a LimitRange of the namespace adds when the pod is created.
    """
    if not has_limit(container, "cpu", inventory):
        yield Set("resources.limits.cpu", YOUR_VALUE)


@bounds_control(
    "C-0271",
    "Ensure memory limits are set",
    problem="No memory limit",
    score=3.0,
    reference_score=8.0,
    container=("resources: {requests: {memory: 128Mi}}",),
)
def missing_memory_limit(container: Container, inventory: Inventory) -> Violations:
    """Nothing keeps this container from taking all the memory of its node.

    When memory runs out the kernel kills programs, and it does not have to be this one that dies; a leak in
    one container can empty a node.

    Fix: set ``resources.limits.memory`` a little above what the container uses at its busiest.

    Cannot see: a default that a LimitRange of the namespace adds when the pod is created.
    """
    if not has_limit(container, "memory", inventory):
        yield Set("resources.limits.memory", YOUR_VALUE)


@bounds_control(
    "C-0268",
    "Ensure CPU requests are set",
    problem="No CPU request",
    score=2.0,
    reference_score=3.0,
    container=("resources: {requests: {memory: 64Mi}}",),
)
def missing_cpu_request(container: Container, inventory: Inventory) -> Violations:
    """The container does not say how much processor time it needs.

    Without a request the scheduler takes the container for free and packs nodes until they crawl; when the
    processor is short, this container is the first to be left without.

    A limit without a request passes: Kubernetes takes it for the request as well.

    Fix: set ``resources.requests.cpu`` to what the container uses on an ordinary day.

    Cannot see: a default that a LimitRange of the namespace adds when the pod is created.
    """
    if not has_request(container, "cpu", inventory):
        yield Set("resources.requests.cpu", YOUR_VALUE)


@bounds_control(
    "C-0269",
    "Ensure memory requests are set",
    problem="No memory request",
    score=2.0,
    reference_score=3.0,
    container=("resources: {requests: {cpu: 100m}}",),
)
def missing_memory_request(container: Container, inventory: Inventory) -> Violations:
    """The container does not say how much memory it needs.

    Without a request the scheduler counts the container as nothing, so nodes fill beyond their memory, and
    such pods are the first that the kubelet evicts.

    A limit without a request passes: Kubernetes takes it for the request as well.

    Fix: set ``resources.requests.memory`` to what the container uses on an ordinary day.

    Cannot see: a default that a LimitRange of the namespace adds when the pod is created.
    """
    if not has_request(container, "memory", inventory):
        yield Set("resources.requests.memory", YOUR_VALUE)


@bounds_control(
    "C-0009",
    "Resource limits",
    problem="CPU or memory limit missing",
    score=3.0,
    reference_score=7.0,
    category="Workload",
    container=("resources: {limits: {memory: 256Mi}}",),
)
def missing_limits(container: Container, inventory: Inventory) -> Violations:
    """The container has no limit for processor time, for memory, or for both.

    What has no limit can be eaten up: one runaway or hijacked container then takes its neighbours on the
    node down with it.

    Fix: set both ``resources.limits.cpu`` and ``resources.limits.memory``, from what you measure under
    load.

    Cannot see: a default that a LimitRange of the namespace adds when the pod is created.
    """
    for resource in ("cpu", "memory"):
        if not has_limit(container, resource, inventory):
            yield Set(f"resources.limits.{resource}", YOUR_VALUE)


@bounds_control(
    "L-0033",
    "Ephemeral storage is limited",
    problem="No limit on ephemeral storage",
    score=1.0,
    container=("resources: {limits: {memory: 128Mi}}",),
    see="https://kubernetes.io/docs/concepts/storage/ephemeral-storage/",
)
def no_ephemeral_storage_limit(container: Container, inventory: Inventory) -> Violations:
    """The container has limits, and none that keeps it from filling its node's disk with files of its own.

    A full disk makes the kubelet evict pods, and not always the one that filled it. A LimitRange or
    ResourceQuota of the namespace counts as well, and so does a root file system that is read-only beside
    empty folders of a limited size. One without any limit is reported by C-0009.

    Fix: set ``resources.limits.ephemeral-storage``.

    Cannot see: what the container writes.
    """
    if not mapping(container.resources.get("limits")):
        return
    if fills_the_disk(container) and not has_limit(container, "ephemeral-storage", inventory):
        yield Set("resources.limits.ephemeral-storage", YOUR_VALUE)


def fills_the_disk(container: Container) -> bool:
    """Whether there is a place of the node's disk that it can write to without end."""
    if container.security_context.get("readOnlyRootFilesystem") is not True:
        return True
    volumes = container.workload.volumes_by_name
    return any(
        is_endless(volume)
        for _, mount in container.mounts
        if not mount.get("readOnly")
        for volume in volumes.get(text(mount.get("name")), ())
    )


def is_endless(volume: dict[str, Any]) -> bool:
    """Whether it lies on the node's disk without a limit of its own."""
    folder = volume.get("emptyDir")
    return isinstance(folder, dict) and not folder.get("sizeLimit") and folder.get("medium") != "Memory"


@bounds_control(
    "C-0050",
    "Resources CPU limit and request",
    problem="CPU limit or request missing",
    score=2.0,
    reference_score=8.0,
    container=("resources: {requests: {memory: 64Mi}}",),
)
def cpu_out_of_bounds(
    container: Container,
    inventory: Inventory,
    *,
    cpu_limit_max: tuple[str, ...] = (),
    cpu_limit_min: tuple[str, ...] = ("0",),
    cpu_request_max: tuple[str, ...] = (),
    cpu_request_min: tuple[str, ...] = ("0",),
) -> Violations:
    """The container has no CPU request or limit, or one outside the agreed range.

    The request is what the container is sure to get, the limit what it can take at most. Where one is
    missing or out of the agreed range, planning the nodes is guesswork.

    Fix: set request and limit for cpu; the range itself is yours to set (``cpu_limit_max`` and its kin).

    Cannot see: defaults that a LimitRange of the namespace adds when the pod is created.
    """
    yield from bounds_of(
        container,
        "cpu",
        inventory,
        limits=(cpu_limit_min, cpu_limit_max),
        requests=(cpu_request_min, cpu_request_max),
    )


@bounds_control(
    "C-0004",
    "Resources memory limit and request",
    problem="Memory limit or request missing",
    score=3.0,
    reference_score=8.0,
    container=("resources: {requests: {cpu: 100m}}",),
)
def memory_out_of_bounds(
    container: Container,
    inventory: Inventory,
    *,
    memory_limit_max: tuple[str, ...] = (),
    memory_limit_min: tuple[str, ...] = ("0",),
    memory_request_max: tuple[str, ...] = (),
    memory_request_min: tuple[str, ...] = ("0",),
) -> Violations:
    """The container has no memory request or limit, or one outside the agreed range.

    A request lets the scheduler find a node with room; a limit keeps a leak from emptying that node. A
    value beyond what your team has agreed on is as good as none.

    Fix: set request and limit for memory; the range itself is yours to set (``memory_limit_max`` and its
    kin).

    Cannot see: defaults that a LimitRange of the namespace adds when the pod is created.
    """
    yield from bounds_of(
        container,
        "memory",
        inventory,
        limits=(memory_limit_min, memory_limit_max),
        requests=(memory_request_min, memory_request_max),
    )
