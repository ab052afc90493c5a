"""The container is a process of its Windows node.

It sees the node's files, services and network and may run as its system account; nothing of a container is left but
the name. The rule holds whether or not the pod says that it is for Windows.

Fix: take ``hostProcess`` out; keep such pods to agents that look after the node, in a namespace of their own.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      os: {name: windows}
      hostNetwork: true
      securityContext: {windowsOptions: {hostProcess: true}}
      containers:
      - name: web
        image: nginx:1.27

Cannot see: what a mutating admission webhook changes before the rule is asked.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import contexts_of
from leadline.posture.control import Set, Violations, Workload, control, mapping


@control(
    "L-0010",
    "Windows host processes",
    problem="Windows host process",
    consequence="node escape",
    score=8.0,
    category="Workload / Node escape",
)
def windows_host_process(workload: Workload) -> Violations:
    for path, context in contexts_of(workload):
        if mapping(context.get("windowsOptions")).get("hostProcess") is True:
            yield Set(f"{path}.windowsOptions.hostProcess", False)
