"""An update stops every pod of the Deployment before new ones start.

Each rollout is an outage, and a new version that does not start leaves nothing running.

Fix: use ``RollingUpdate``; keep ``Recreate`` where two versions must never run at once, as with a volume
that one pod alone may mount.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      strategy: {type: Recreate}
      template:
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}

Cannot see: whether two versions can run side by side.

See: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy
"""

from leadline.posture.control import Resource, Set, Violations, control, mapping


@control(
    "C-0305",
    "No rolling update strategy",
    problem="All pods replaced at once",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    kinds=("Deployment.apps",),
)
def recreate_strategy(deployment: Resource) -> Violations:
    strategy = mapping(mapping(deployment.body.get("spec")).get("strategy")).get("type")
    if strategy and strategy != "RollingUpdate":
        yield Set("spec.strategy.type", "RollingUpdate")
