"""The audit policy leaves out what an investigation asks for first.

Reading Secrets, running commands in pods and changing workloads leave no trace when no rule names them.

Fix: log at least the metadata of requests for secrets, configmaps, tokenreviews, pods, workloads and their
exec, attach and port-forward.

See: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from leadline.posture.control import not_built

NARROW_AUDIT_POLICY = not_built(
    "C-0161",
    "Ensure that the audit policy covers key security concerns",
    problem="Audit policy leaves out key events",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
