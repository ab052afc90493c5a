"""Whether an entry of a Secret is a credential in the open, and no placeholder, certificate or user name."""

import base64
import binascii
import re
from typing import Any

from leadline.posture.checks.credentials import LONGEST_TEXT, speaks_about_a_credential
from leadline.posture.checks.token_shapes import TEMPLATE

_PLACEHOLDER = re.compile(
    r"change[-_ ]?(?:me|this|it)|replace|your[-_ ]|example|placeholder|todo|dummy|redacted|<[^>]*>|\$\{|\{\{|"
    r"^(?:x+|\*+|\.+|-+|none|null|true|false|test|secret|password|fake)$",
    re.IGNORECASE,
)
"""What stands for a value that is put in later, or was never meant to be one."""
_PUBLIC_KEYS = frozenset({"ca.crt", "tls.crt", "cert.pem", "ca.pem", "namespace", "known_hosts"})
_PUBLIC_ENDINGS = (".crt", ".pub", ".cer", "-cert.pem")
_ENCRYPTED = (
    "ENC[",
    "AGE-ENCRYPTED",
    "-----BEGIN AGE ENCRYPTED",
    "-----BEGIN PGP MESSAGE",
    "$ANSIBLE_VAULT",
    "vault:",
    "ref+",
)


def is_kept_in_the_open(key: str, value: Any, *, is_encoded: bool) -> bool:
    """``is_encoded`` where the value stands in base64, as under ``data``."""
    if key in _PUBLIC_KEYS or key.endswith(_PUBLIC_ENDINGS) or speaks_about_a_credential(key):
        return False
    text = _plain(value, is_encoded=is_encoded)
    if not text or TEMPLATE.search(text) or text.startswith(_ENCRYPTED):
        return False
    return "PRIVATE KEY" in text or not _PLACEHOLDER.search(text[:256])


def _plain(value: Any, *, is_encoded: bool) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return ""
    if not is_encoded or value.startswith(("ENC[", "$", "{{", "<")):
        return value.strip()
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("utf-8").strip()
    except (binascii.Error, ValueError):
        return ""
