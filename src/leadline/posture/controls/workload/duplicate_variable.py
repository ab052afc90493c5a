"""A container sets the same environment variable twice.

The last one wins, silently. Anyone who changes the other wonders why nothing happens; when it is a credential
or a switch for safety, the wrong value runs.

Fix: keep the one that is meant.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        env:
        - {name: LEVEL, value: info}
        - {name: LEVEL, value: debug}

Cannot see: variables that come from ``envFrom``, which single ones may override on purpose.

See: https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/
"""

from leadline.posture.control import Container, Review, Violations, control


@control(
    "C-0295",
    "Duplicate environment variable",
    problem="Variable set twice",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Workload",
)
def duplicate_variable(container: Container) -> Violations:
    env = container.env
    if len(env) < 2:
        return
    names = [str(variable.get("name")) for _, variable in env]
    if len(set(names)) == len(names):
        return
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    for (i, _), name in zip(env, names, strict=True):
        if counts[name] > 1:
            yield Review(f"env[{i}].name")
