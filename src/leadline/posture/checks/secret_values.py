"""Whether an entry of a Secret is a credential in the open, and no placeholder, certificate or user name."""

import base64
import binascii
import re
from typing import Any

from leadline.packages.late_pattern import late_pattern
from leadline.posture.checks.container_credentials import SENSITIVE_KEY_NAMES, SENSITIVE_VALUES
from leadline.posture.checks.credentials import LONGEST_TEXT, rules_for, speaks_about_a_credential, words
from leadline.posture.checks.token_shapes import is_template

_PLACEHOLDER = late_pattern(
    r"change[-_ ]?(?:me|this|it)|replace|your[-_ ]|example|placeholder|todo|dummy|redacted|<[^>]*>|\$\{|\{\{|"
    r"^(?:x+|\*+|\.+|-+|none|null|true|false|test|secret|password|fake)$",
    re.IGNORECASE,
)
"""What represents a value that is put in later, or was never meant to be one."""
_ELSEWHERE = late_pattern(
    r"^(?:op|vault|ref\+\w+|sm|awssm|gsm|gcpsm|azkv|akeyless|doppler|bws|ssm)://|^arn:aws[\w-]*:(?:secretsmanager|ssm):"
)
"""Where a store of secrets holds the value."""
_NO_SECRETS = frozenset(
    [
        "address",
        "bucket",
        "cluster",
        "database",
        "db",
        "domain",
        "email",
        "enable",
        "enabled",
        "endpoint",
        "host",
        "hostname",
        "id",
        "ids",
        "insecure",
        "issuer",
        "login",
        "name",
        "namespace",
        "organization",
        "owner",
        "path",
        "port",
        "project",
        "provider",
        "region",
        "repository",
        "scheme",
        "server",
        "tenant",
        "type",
        "url",
        "user",
        "username",
        "version",
        "zone",
    ]
)
"""Last words of what is beside a credential and is none."""
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
    """``is_encoded`` where the value is in base64, as under ``data``."""
    if key in _PUBLIC_KEYS or key.endswith(_PUBLIC_ENDINGS):
        return False
    text = _plain(value, is_encoded=is_encoded)
    if not text or is_template(text) or text.startswith(_ENCRYPTED) or _ELSEWHERE.match(text):
        return False
    rules = rules_for(SENSITIVE_KEY_NAMES, (), SENSITIVE_VALUES, ())
    if "PRIVATE KEY" in text or rules.has_shape(text):
        return True
    if speaks_about_a_credential(key):
        return False
    if "\n" in text:  # a file: it is one where it holds one
        return rules.betrays_text(key, text)
    parts = words(key)
    is_beside = bool(parts) and (parts[-1] in _NO_SECRETS or parts[0] in ("enable", "is"))
    return not is_beside and not _PLACEHOLDER.search(text[:256])


def _plain(value: Any, *, is_encoded: bool) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return ""
    if not is_encoded or value.startswith(("ENC[", "$", "{{", "<")):
        return value.strip()
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("utf-8").strip()
    except (binascii.Error, ValueError):
        return ""
