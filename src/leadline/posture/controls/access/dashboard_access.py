"""Someone in addition to the Kubernetes dashboard holds the dashboard's role or runs as its account.

The dashboard's account can read the dashboard's secrets and whatever else it was given to show. A
workload that runs as it, or a subject that holds its role, has all of that without opening the
dashboard.

Fix: give the workload a service account of its own, and take the subject out of the binding.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: kubernetes-dashboard}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          serviceAccountName: kubernetes-dashboard
          containers:
          - {name: web, image: "nginx:1.27"}

Cannot see: dashboards that were installed under another name.

See: https://kubernetes.io/docs/tasks/access-application-cluster/web-ui-dashboard/
"""

from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    Remove,
    Resource,
    Review,
    Violations,
    control,
    mapping,
    mappings,
    text,
)

DASHBOARD = "kubernetes-dashboard"
BINDINGS = ("RoleBinding.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io")


@control(
    "C-0014",
    "Access Kubernetes dashboard",
    problem="Kubernetes dashboard has a role",
    consequence="cluster takeover",
    score=5.0,
    reference_score=2.0,
    category="Access control",
    kinds=(*BINDINGS, WORKLOADS),
)
def dashboard_access(resource: Resource, inventory: Inventory) -> Violations:
    if resource.kind.endswith("Binding"):
        if text(mapping(resource.body.get("roleRef")).get("name")) == DASHBOARD:
            for index, subject in mappings(resource.body.get("subjects")):
                if not text(subject.get("name")).startswith(DASHBOARD):
                    yield Review(f"subjects[{index}]")
        return
    if resource.name.startswith(DASHBOARD):
        return
    for workload in inventory.workloads_of(resource):
        if workload.service_account == DASHBOARD:
            field = "serviceAccountName" if "serviceAccountName" in workload.pod else "serviceAccount"
            yield Remove(workload.pod_path + field)
