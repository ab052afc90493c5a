"""Agents of this template share the kernel of the node.

Code that a model wrote is untrusted code. A runtime such as gVisor puts a second kernel between it and
the node.

Fix: set ``spec.podTemplate.spec.runtimeClassName`` to a hardened runtime class.

Example::

    apiVersion: extensions.agents.x-k8s.io/v1beta1
    kind: SandboxTemplate
    metadata: {name: agent}
    spec:
      podTemplate:
        spec:
          containers:
          - {name: a, image: "agent:1"}

Cannot see: what the runtime class of that name really is.

See: https://agent-sandbox.sigs.k8s.io/
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping

PATH = "spec.podTemplate.spec.runtimeClassName"


@control(
    "C-0297",
    "Agent Sandbox hardened runtime class",
    problem="Sandbox without a hardened runtime",
    consequence="node escape",
    score=6.0,
    reference_score=7.0,
    category="Workload",
    kinds=("SandboxTemplate.extensions.agents.x-k8s.io",),
)
def sandbox_without_hardened_runtime(
    template: Resource, *, hardened_sandbox_runtime_classes: tuple[str, ...] = ("gvisor",)
) -> Violations:
    pod = mapping(mapping(mapping(template.body.get("spec")).get("podTemplate")).get("spec"))
    if pod.get("runtimeClassName") not in hardened_sandbox_runtime_classes:
        yield Review(PATH)
