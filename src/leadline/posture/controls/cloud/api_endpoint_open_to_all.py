"""The API server can be reached from every address of the internet.

A stolen credential then works from anywhere, and each hole in the server is one request away.

Fix: list the networks that may connect, or make the endpoint private.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.control import not_built

API_ENDPOINT_OPEN_TO_ALL = not_built(
    "C-0227",
    "Restrict Access to the Control Plane Endpoint",
    problem="API endpoint open to all (EKS)",
    consequence="reachable from outside",
    score=7.0,
    reference_score=8.0,
    category="Network",
    needs="the cloud provider's description of the cluster",
    cloud="EKS",
)
