"""A container is given a credential in its environment.

It shows in the manifest, in ``kubectl describe``, in crash reports and to every child process; anyone who gets
into the container reads it with one command.

Fix: mount a Secret as a file, or let the program fetch the credential under its service account.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        env:
        - {name: API_TOKEN, value: 5f2c9e}

Cannot see: credentials that the image itself sets; whether the value is still good.

See: https://kubernetes.io/docs/concepts/configuration/secret/
"""

from leadline.posture.checks.container_credentials import (
    SENSITIVE_KEY_NAMES,
    SENSITIVE_VALUES,
    credentials_of,
)
from leadline.posture.checks.credentials import rules_for
from leadline.posture.control import Violations, Workload, control


@control(
    "C-0259",
    "Workload with credential access",
    problem="Credential in the environment",
    consequence="secrets",
    score=8.0,
    category="Secrets",
)
def credential_in_environment(
    workload: Workload,
    *,
    sensitive_key_names: tuple[str, ...] = SENSITIVE_KEY_NAMES,
    sensitive_key_names_allowed: tuple[str, ...] = (),
    sensitive_values: tuple[str, ...] = SENSITIVE_VALUES,
    sensitive_values_allowed: tuple[str, ...] = (),
) -> Violations:
    rules = rules_for(
        sensitive_key_names, sensitive_key_names_allowed, sensitive_values, sensitive_values_allowed
    )
    for container in workload.containers:
        yield from credentials_of(container, rules)
