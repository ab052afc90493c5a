"""What a person has to look at in a cloud."""

from leadline.posture.control import manual

acr_access_to_review = manual(
    "C-0251",
    "Minimize user access to Azure Container Registry (ACR)",
    problem="Access to ACR to review",
    score=4.0,
    reference_score=6.0,
    category="Access control",
    look_at="who holds which role for the registry ('az role assignment list --scope ID_OF_THE_REGISTRY')",
    cloud="AKS",
    doc="""Who may push to the Azure registry has to be known.

Each of them decides what the cluster runs.

Fix: go through the role assignments of the registry; the build needs ``AcrPush``, people rarely do.

See: https://learn.microsoft.com/en-us/azure/container-registry/container-registry-roles
""",
)
ecr_write_access_too_wide = manual(
    "C-0222",
    "Minimize user access to Amazon ECR",
    problem="Too many may write to ECR",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    look_at="who may push to the repositories, by their policies and by IAM",
    cloud="EKS",
    doc="""More people than needed may push to the image registry.

Anyone who can push decides what the cluster runs at the next restart.

Fix: give push rights to the build alone.

See: https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-iam.html
""",
)
artifact_registry_access_to_review = manual(
    "C-0308",
    "Minimize user access to GCP Artifact Registry",
    problem="Artifact Registry access to review",
    score=4.0,
    reference_score=6.0,
    category="Access control",
    look_at="who may write to the repositories ('gcloud artifacts repositories get-iam-policy REPOSITORY')",
    cloud="GKE",
    doc="""Who may push to the Google registry has to be known.

Each of them decides what the cluster runs.

Fix: go through the IAM bindings of the repositories; the build needs to write, people rarely do.

See: https://cloud.google.com/artifact-registry/docs/access-control
""",
)
aks_audit_logs = manual(
    "C-0254",
    "Enable audit Logs",
    problem="Audit logs to be kept (AKS)",
    score=5.0,
    category="Control plane",
    look_at="the diagnostic settings of the AKS cluster",
    cloud="AKS",
    doc="""It is unknown whether the control plane's audit log is kept.

Without it no one knows after an intrusion what was read and changed.

Fix: send the categories kube-audit and kube-audit-admin to a workspace that keeps them.

See: https://learn.microsoft.com/en-us/azure/aks/monitor-aks
""",
)
hostile_tenants = manual(
    "C-0242",
    "Hostile multi-tenant workloads",
    problem="Tenants who do not trust each other",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    look_at="whether the cluster runs code of tenants who do not trust each other",
    cloud="AKS",
    doc="""Tenants who may attack each other share one cluster.

Containers of one node share a kernel, and one hole in it is enough; Kubernetes alone does not keep enemies apart.

Fix: give such tenants clusters, or at least nodes and sandboxed runtimes, of their own.

See: https://learn.microsoft.com/en-us/azure/aks/operator-best-practices-cluster-isolation
""",
)
untrusted_workloads = manual(
    "C-0249",
    "Restrict untrusted workloads",
    problem="Untrusted workloads to be isolated",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    look_at="which workloads run code that you did not write or check, and on which nodes",
    cloud="AKS",
    doc="""Code that was not reviewed runs beside your own.

What shares a node shares a kernel, its caches and its network card.

Fix: put it on node pools of its own with a sandboxed runtime.

See: https://learn.microsoft.com/en-us/azure/aks/use-pod-sandboxing
""",
)
