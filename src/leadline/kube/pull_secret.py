"""A Secret that opens registries (https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

_KEYS = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
MOST_BYTES = 4 << 20
"""Far above what the API server takes."""


def docker_config(secret: Mapping[str, Any]) -> bytes | None:
    """The Docker configuration that ``secret`` holds; ``None`` where it is of another type, or damaged.

    As the kubelet has it, the type decides, and what else is in the secret is of no account.
    """
    key = _KEYS.get(str(secret.get("type")))
    data = secret.get("data")
    value = data.get(key) if key and isinstance(data, dict) else None
    if not isinstance(value, str) or len(value) > MOST_BYTES * 4 // 3 + 4:
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
