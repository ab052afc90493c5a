"""Tenants who may attack each other share one cluster.

Containers of one node share a kernel, and one hole in it is enough; Kubernetes alone does not keep enemies apart.

Fix: give such tenants clusters, or at least nodes and sandboxed runtimes, of their own.

See: https://learn.microsoft.com/en-us/azure/aks/operator-best-practices-cluster-isolation
"""

from leadline.posture.control import manual

HOSTILE_TENANTS = manual(
    "C-0242",
    "Hostile multi-tenant workloads",
    problem="Tenants who do not trust each other",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    look_at="whether the cluster runs code of tenants who do not trust each other",
    cloud="AKS",
)
