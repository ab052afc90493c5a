"""A workload that can be reached from outside has a hole that runs foreign code.

One request is then enough to be inside the container.

Fix: update the image now, and look through its logs since the hole became known.

See: https://kubernetes.io/docs/concepts/security/
"""

from leadline.posture.control import not_built

EXPOSED_REMOTE_EXECUTION = not_built(
    "C-0084",
    "Workloads with RCE vulnerabilities exposed to external traffic",
    problem="Remote code execution exposed",
    consequence="reachable from outside",
    score=9.0,
    reference_score=8.0,
    category="Workload",
    needs="results of image scans",
)
