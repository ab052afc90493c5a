"""The workload lives in the namespace ``default``, or names none.

Quotas, network policies and rights are given per namespace. What piles up in ``default`` shares them all,
and a forgotten ``-n`` puts more there.

Fix: give the application a namespace of its own and write it into ``metadata.namespace``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: default}
    spec:
      containers:
      - name: web
        image: nginx:1.27

Cannot see: a namespace that the deploying tool fills in later. What a chart renders, and what a kustomization builds
without a namespace, is therefore not judged.

See: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

from leadline.posture.checks.namespaces import default_namespace
from leadline.posture.control import Violations, Workload, control


@control(
    "C-0061",
    "Pods in default namespace",
    problem="Pod in the default namespace",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Workload",
)
def pod_in_default_namespace(workload: Workload) -> Violations:
    yield from default_namespace(workload.resource)
