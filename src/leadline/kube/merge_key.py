"""Entries of lists that Kubernetes merges by a key.

Source: the ``patchMergeKey`` marks of the API types
(https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy).
"""

import re

_NAME_OF_ENTRY = re.compile(
    r"(?:^|\.)(?:env|volumes|containers|initContainers|imagePullSecrets)\[\d+\](?P<key>\.name)$"
)


def entry_of(path: str) -> str:
    """What deleting ``path`` comes to: the name of a list entry represents the entry, which is none without it."""
    match = _NAME_OF_ENTRY.search(path)
    return path[: match.start("key")] if match else path
