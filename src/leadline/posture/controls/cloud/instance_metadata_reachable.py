"""Pods can reach the metadata service of the cloud's machines.

It hands out the credentials of the node to anyone who asks over plain HTTP.

Fix: require session tokens with a hop limit of 1, or block 169.254.169.254 by network policy.

See: https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
"""

from leadline.posture.control import not_built

INSTANCE_METADATA_REACHABLE = not_built(
    "C-0052",
    "Instance Metadata API",
    problem="Metadata address of the cloud reachable",
    consequence="secrets",
    score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
