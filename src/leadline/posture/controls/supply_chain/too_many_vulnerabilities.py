"""The image carries more known vulnerabilities than you have agreed to live with.

A long list is a sign of an image that is not rebuilt; the next bad one will stay in it too.

Fix: rebuild on a present base, and leave out what the program does not use.

See: https://kubernetes.io/docs/concepts/security/
"""

from leadline.posture.control import not_built

TOO_MANY_VULNERABILITIES = not_built(
    "C-0085",
    "Workloads with excessive amount of vulnerabilities",
    problem="Too many vulnerabilities",
    consequence="other",
    score=5.0,
    reference_score=6.0,
    category="Workload",
    needs="results of image scans",
)
