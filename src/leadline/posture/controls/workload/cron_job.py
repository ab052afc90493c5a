"""A CronJob runs again and again without anyone looking.

Anyone who slips in one line keeps a foothold that survives restarts and redeployments of everything else.

Fix: know each one: who wrote it, what it runs, with which rights; delete what has no owner.

Example::

    apiVersion: batch/v1
    kind: CronJob
    metadata: {name: tidy}
    spec: {schedule: "0 3 * * *"}

Cannot see: who created it and why. Files are judged only when the control is asked for by name.

See: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

from leadline.posture.checks.target_completeness import expect_cluster
from leadline.posture.control import Inventory, Resource, Review, Violations, control


@control(
    "C-0026",
    "Kubernetes CronJob",
    problem="CronJob to review",
    consequence="other",
    score=1.0,
    category="Workload",
    kinds=("CronJob.batch",),
)
def cron_job(resource: Resource, inventory: Inventory) -> Violations:
    expect_cluster(inventory)
    yield Review("", advice="check that you know it: attackers use one to stay")
