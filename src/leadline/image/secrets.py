"""Credentials left in an image, told by place and kind and never by value.

Only small text files at places where credentials are kept, or with names that announce one, are looked at.
"""

import re
from collections.abc import Iterator
from functools import cache

VERSION = 2
"""Raised with every change of what is found, so that cached layers are read again."""
LARGEST_SECRET_FILE = 256 << 10
MOST_PER_FILE = 20
LONGEST_LINE = 4096

_NAMES = frozenset(
    (
        ".dockerconfigjson",
        ".dockercfg",
        ".env",
        ".git-credentials",
        ".htpasswd",
        ".netrc",
        ".npmrc",
        ".pgpass",
        ".pypirc",
        ".s3cfg",
        ".yarnrc.yml",
        "accessTokens.json",
        "application_default_credentials.json",
        "azureProfile.json",
        "credentials",
        "credentials.json",
        "credentials.tfrc.json",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "id_rsa",
        "kubeconfig",
        "nuget.config",
        "secrets.yaml",
        "secrets.yml",
        "settings.xml",
        "terraform.tfstate",
        "token",
        ".bash_history",
        ".python_history",
    )
)
_ENDINGS = (".pem", ".key", ".ppk", ".p8", ".env", ".tfvars", ".kubeconfig", ".tfstate")
_PATH_ENDINGS = (".docker/config.json", ".kube/config", "containers/auth.json", "gh/hosts.yml", ".git/config")
_LAST_NAMES = frozenset(ending.rpartition("/")[2] for ending in _PATH_ENDINGS)
_SAMPLES = frozenset(("test", "tests", "testdata", "example", "examples", "doc", "docs", "fixtures", "demos"))
"""Folders whose keys are samples, published with the package they are part of."""

_NAME = re.compile(
    r"(?i)(?:^|[_.-])(?:password|passwd|passphrase|secret|token|credentials?|api_?key|access_?key|auth_?key"
    r"|private_?key|secret_?key(?:_base)?)$"
)
"""Names of variables that hold a credential themselves: ``TOKEN_FILE`` and ``GPG_KEY`` do not."""
_ASSIGNED = re.compile(r"^\s*(?:export\s+)?(?P<name>[A-Za-z_][\w.-]{0,100})\s*=\s*(?P<value>.*)")
_NO_VALUE = re.compile(
    r"(?i)[$<{*/]|\./|%|[a-z]+://|(?:true|false|none|null|enabled?|disabled?|required|optional)$"
)
"""How a value begins that stands for another one, or says yes or no."""
SHORTEST_VALUE = 4
_BY_NAME = "credential by its name"

_PATTERNS = (
    ("private key", r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    ("PuTTY private key", r"^PuTTY-User-Key-File-\d"),
    ("AWS access key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("AWS secret key", r"(?i)aws_secret_access_key['\"]?\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}\b"),
    ("GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,255})\b"),
    ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,300}\b"),
    ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}\b"),
    ("Google API key", r"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("Stripe key", r"\b[rs]k_live_[A-Za-z0-9]{20,247}\b"),
    ("npm token", r"(?:\bnpm_[A-Za-z0-9]{36}\b|:_(?:authToken|auth|password)\s*=\s*[^\s$]{8,})"),
    ("PyPI token", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    (
        "registry credential",
        r"\"(?:auth|identitytoken|registrytoken)\"\s*:\s*\"[A-Za-z0-9+/=._-]{8,}\"",
    ),
    ("Azure secret", r"(?i)AccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    (
        "service account token",
        r"\beyJhbGciOi[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
    ),
    ("bearer token", r"(?i)^\s*(?:token|oauth_token)\s*:\s*['\"]?[A-Za-z0-9._-]{20,}"),
    ("client key", r"client-key-data\s*:\s*[A-Za-z0-9+/]{60,}"),
    (
        "password in an address",
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"$]{1,80}:[^\s:/@'\"${<*]{3,120}@[\w.-]+",
    ),
    (
        "password",
        r"(?i)^\s*(?:machine\s+\S{1,200}\s+)?(?:login\s+\S{1,200}\s+)?password\s*[=:\s]\s*[^\s$<*{]{4,}",
    ),
    ("password hash", r"^[^:\s#]{1,80}:(?:\$(?:2[aby]|apr1|5|6|y)\$|\{SHA\})\S{10,}"),
)
_TOKENS = frozenset(
    (
        "private key",
        "AWS access key",
        "GitHub token",
        "GitLab token",
        "Slack token",
        "Google API key",
        "Stripe key",
        "npm token",
        "PyPI token",
        "Azure secret",
        "service account token",
        "password in an address",
    )
)
"""Kinds that are recognised by their form alone, wherever they stand."""


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compiled at first use: most images have nothing to search."""
    return tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)


def may_tell_secrets(name: str) -> bool:
    """Whether files with this base name are ones to look into, at some places at least."""
    return name in _NAMES or name in _LAST_NAMES or name.endswith(_ENDINGS)


def tells_secrets(path: str) -> bool:
    """Whether the file at ``path`` is one to look into."""
    name = path[path.rfind("/") + 1 :]
    if name in _NAMES or name.endswith(_ENDINGS) or path.endswith(_PATH_ENDINGS):
        return _SAMPLES.isdisjoint(path.split("/"))
    return False


def secrets_in(path: str, content: bytes) -> Iterator[str]:
    """Kind and line of every credential in ``content``: ``AWS access key in line 3``."""
    if b"\0" in content[:1024]:
        return
    found = 0
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        line = line[:LONGEST_LINE]
        kind = next((kind for kind, pattern in _patterns() if pattern.search(line)), "")
        if not kind and path.endswith(".env") and (assigned := _ASSIGNED.match(line)):
            kind = named_kind(assigned["name"], assigned["value"].partition(" #")[0])
        if kind:
            found += 1
            yield f"{kind} in line {number}"
        if found >= MOST_PER_FILE:
            return


def secret_kind(value: str) -> str:
    """The kind of credential that ``value`` has the form of; empty where it has none."""
    value = value[:LONGEST_LINE]
    for kind, pattern in _patterns():
        if kind in _TOKENS and pattern.search(value):
            return kind
    return ""


def named_kind(name: str, value: str) -> str:
    """A kind where the variable ``name`` announces a credential and ``value`` may be one; else empty.

    A password that people choose has no form of its own, so that only its name tells.
    """
    value = value.strip().strip("'\"")
    if len(value) < SHORTEST_VALUE or not _NAME.search(name) or _NO_VALUE.match(value):
        return ""
    return _BY_NAME
