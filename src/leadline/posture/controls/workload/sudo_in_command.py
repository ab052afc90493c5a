"""The container is started through sudo.

sudo needs a set-uid program, a user who may become root, and privilege escalation allowed; all three are
what an intruder looks for.

Fix: start the program as the user it needs, with ``runAsUser`` and only the capabilities it uses.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        command: [sudo, nginx]

Cannot see: scripts in the image that call sudo.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

import re

from leadline.posture.control import Container, Review, Violations, control

SUDO = re.compile(r"(?:^|[\s;&|(`/])sudo(?:$|[\s;&|)`])")


@control(
    "C-0062",
    "Sudo in container entrypoint",
    problem="sudo in the container's command",
    consequence="other",
    score=3.0,
    reference_score=5.0,
    category="Workload",
)
def sudo_in_command(container: Container) -> Violations:
    for path, word in container.command_line:
        if "sudo" in word and SUDO.search(word):
            yield Review(path)
