"""Agents of this template may use as much of the node as they like.

Generated code loops; without ceilings one agent takes the node from all others.

Fix: set limits for cpu and memory on every container of the template.

Example::

    apiVersion: extensions.agents.x-k8s.io/v1beta1
    kind: SandboxTemplate
    metadata: {name: agent}
    spec:
      podTemplate:
        spec:
          containers:
          - {name: a, image: "agent:1", resources: {limits: {cpu: "1"}}}

Cannot see: quotas of the namespace.

See: https://agent-sandbox.sigs.k8s.io/
"""

from leadline.posture.checks.resource_bounds import outside
from leadline.posture.control import YOUR_VALUE, Resource, Review, Set, Violations, control, mapping, mappings

LISTS = ("containers", "initContainers")


@control(
    "C-0303",
    "Agent Sandbox resource ceilings",
    problem="Sandbox without resource limits",
    consequence="availability",
    score=4.0,
    reference_score=7.0,
    category="Workload",
    kinds=("SandboxTemplate.extensions.agents.x-k8s.io",),
)
def sandbox_without_limits(
    template: Resource,
    *,
    sandbox_cpu_limit_max: tuple[str, ...] = (),
    sandbox_memory_limit_max: tuple[str, ...] = (),
) -> Violations:
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
