"""It is unknown whether the control plane's audit log is kept.

Without it no one knows after an intrusion what was read and changed.

Fix: send the categories kube-audit and kube-audit-admin to a workspace that keeps them.

See: https://learn.microsoft.com/en-us/azure/aks/monitor-aks
"""

from leadline.posture.control import manual

AKS_AUDIT_LOGS = manual(
    "C-0254",
    "Enable audit Logs",
    problem="Audit logs to be kept (AKS)",
    consequence="other",
    score=5.0,
    category="Control plane",
    look_at="the diagnostic settings of the AKS cluster",
    cloud="AKS",
)
