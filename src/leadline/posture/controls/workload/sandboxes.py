"""What templates of agents' sandboxes leave open."""

from leadline.posture import control_examples as examples
from leadline.posture.checks.resource_bounds import outside
from leadline.posture.control import YOUR_VALUE, Resource, Review, Set, Violations, control, mapping, mappings

LISTS = ("containers", "initContainers")
PATH = "spec.podTemplate.spec.runtimeClassName"


@control(
    "C-0303",
    "Agent Sandbox resource ceilings",
    problem="Sandbox without resource limits",
    consequence="availability",
    score=4.0,
    reference_score=7.0,
    category="Workload",
    kinds=("SandboxTemplate.extensions.agents.x-k8s.io",),
    example=examples.sandbox('image: "agent:1", resources: {limits: {cpu: "1"}}'),
    see="https://agent-sandbox.sigs.k8s.io/",
)
def sandbox_without_limits(
    template: Resource,
    *,
    sandbox_cpu_limit_max: tuple[str, ...] = (),
    sandbox_memory_limit_max: tuple[str, ...] = (),
) -> Violations:
    """Agents of this template may use as much of the node as they like.

    Generated code loops; without ceilings one agent takes the node from all others.

    Fix: set limits for cpu and memory on every container of the template.

    Cannot see: quotas of the namespace.
    """
    pod = mapping(mapping(mapping(template.body.get("spec")).get("podTemplate")).get("spec"))
    for name in LISTS:
        for i, container in mappings(pod.get(name)):
            limits = mapping(mapping(container.get("resources")).get("limits"))
            for resource, most in (("cpu", sandbox_cpu_limit_max), ("memory", sandbox_memory_limit_max)):
                path = f"spec.podTemplate.spec.{name}[{i}].resources.limits.{resource}"
                if limits.get(resource) is None:
                    yield Set(path, YOUR_VALUE)
                elif outside(limits[resource], (), most):
                    yield Review(path)


@control(
    "C-0297",
    "Agent Sandbox hardened runtime class",
    problem="Sandbox without a hardened runtime",
    consequence="node escape",
    score=6.0,
    reference_score=7.0,
    category="Workload",
    kinds=("SandboxTemplate.extensions.agents.x-k8s.io",),
    example=examples.sandbox('image: "agent:1"'),
    see="https://agent-sandbox.sigs.k8s.io/",
)
def sandbox_without_hardened_runtime(
    template: Resource, *, hardened_sandbox_runtime_classes: tuple[str, ...] = ("gvisor",)
) -> Violations:
    """Agents of this template share the kernel of the node.

    Code that a model wrote is untrusted code. A runtime such as gVisor puts a second kernel between it and
    the node.

    Fix: set ``spec.podTemplate.spec.runtimeClassName`` to a hardened runtime class.

    Cannot see: what the runtime class of that name really is.
    """
    pod = mapping(mapping(mapping(template.body.get("spec")).get("podTemplate")).get("spec"))
    if pod.get("runtimeClassName") not in hardened_sandbox_runtime_classes:
        yield Review(PATH)
