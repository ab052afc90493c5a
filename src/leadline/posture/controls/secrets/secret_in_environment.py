"""A secret is handed over as an environment variable.

Environment variables end up in crash reports, in the logs of programs that print their settings, and in
every child process; a mounted file reaches only who opens it, and is renewed without a restart.

Fix: mount the Secret as a volume and let the program read the file.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        env:
        - name: TOKEN
          valueFrom: {secretKeyRef: {name: web, key: token}}

Cannot see: whether the program can read a file at all.

See: https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod
"""

from leadline.posture.control import Container, Remove, Violations, control, mapping


@control(
    "C-0207",
    "Prefer using secrets as files over secrets as environment variables",
    problem="Secret in an environment variable",
    consequence="secrets",
    score=3.0,
    reference_score=4.0,
    category="Workload / Secrets",
)
def secret_in_environment(container: Container) -> Violations:
    for i, variable in container.env:
        said = variable.get("valueFrom")
        if said is not None and mapping(said).get("secretKeyRef"):
            yield Remove(f"env[{i}]")
    for i, source in container.env_from:
        if source.get("secretRef"):
            yield Remove(f"envFrom[{i}]")
