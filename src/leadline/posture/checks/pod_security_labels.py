"""Pod Security admission: what a namespace's labels make the API server enforce.

Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/.
"""

from collections.abc import Mapping

ENFORCE = "pod-security.kubernetes.io/enforce"
_LEVELS = ("privileged", "baseline", "restricted")


def enforces(labels: Mapping[str, str], level: str) -> bool:
    """Whether the namespace refuses pods that do not meet ``level``, or a stricter one."""
    value = labels.get(ENFORCE)
    return value in _LEVELS and _LEVELS.index(value) >= _LEVELS.index(level)
