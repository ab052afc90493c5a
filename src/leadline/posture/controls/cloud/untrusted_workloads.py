"""Code that was not reviewed runs beside your own.

What shares a node shares a kernel, its caches and its network card.

Fix: put it on node pools of its own with a sandboxed runtime.

See: https://learn.microsoft.com/en-us/azure/aks/use-pod-sandboxing
"""

from leadline.posture.control import manual

UNTRUSTED_WORKLOADS = manual(
    "C-0249",
    "Restrict untrusted workloads",
    problem="Untrusted workloads to be isolated",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    look_at="which workloads run code that you did not write or check, and on which nodes",
    cloud="AKS",
)
