"""Credentials left in an image, named by place and kind and never by value.

Only text files at places where credentials are kept, or with names that announce one, are looked at.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator

from leadline.packages.late_pattern import late_pattern
from leadline.packages.name_endings import NameEndings
from leadline.sbom.secrets.patterns import (
    formed,
    forms_for,
    may_name_credential,
    named_kind,
    pairs,
    tokens_for,
)

VERSION = 4
"""Raised with every change of what is found, so that cached layers are read again."""
LARGEST_SECRET_FILE = 4 << 20
MOST_PER_FILE = 20

_WIDE = (BOM_UTF16_LE, BOM_UTF16_BE)
_COMMENTED = ("#", "//", ";", "--")

_KEYS = frozenset(("id_dsa", "id_ecdsa", "id_ed25519", "id_rsa", "identity", "token", ".vault-token"))
_SETTINGS = frozenset(
    (
        ".authinfo",
        ".boto",
        ".databrickscfg",
        ".dockerconfigjson",
        ".dockercfg",
        ".env",
        ".git-credentials",
        ".htpasswd",
        ".my.cnf",
        ".netrc",
        "_netrc",
        ".npmrc",
        ".pgpass",
        ".pypirc",
        ".Renviron",
        ".s3cfg",
        ".yarnrc.yml",
        "accessTokens.json",
        "application_default_credentials.json",
        "auth.json",
        "credentials",
        "credentials.json",
        "credentials.toml",
        "credentials.tfrc.json",
        "database.yml",
        "kubeconfig",
        "local.settings.json",
        "nuget.config",
        "NuGet.Config",
        "rclone.conf",
        "secrets.json",
        "secrets.toml",
        "secrets.yaml",
        "secrets.yml",
        "settings.xml",
        "wp-config.php",
    )
)
_HISTORIES = frozenset(
    (".ash_history", ".bash_history", ".mysql_history", ".psql_history", ".python_history", ".zsh_history")
)
_NAMES = _KEYS | _SETTINGS | _HISTORIES
_KEY_ENDINGS = (".pem", ".key", ".ppk", ".p8", ".p12", ".pfx", ".jks")
_SETTINGS_ENDINGS = (".env", ".tfvars", ".kubeconfig", ".tfstate")
_ENDINGS = NameEndings((*_KEY_ENDINGS, *_SETTINGS_ENDINGS))
_ACCOUNTS = ("etc/shadow", "etc/shadow-")
_PATH_ENDINGS = (
    ".docker/config.json",
    ".kube/config",
    "containers/auth.json",
    "gh/hosts.yml",
    ".git/config",
    *_ACCOUNTS,
)
_LAST_NAMES = frozenset(ending.rpartition("/")[2] for ending in _PATH_ENDINGS)
_ENVIRONMENT = ".env."
"""``.env.production`` and its kin."""
_PATTERNS_OF_FILES = (".dist", ".example", ".sample", ".template", ".tmpl")
_SAMPLES = frozenset(
    ("test", "tests", "testdata", "example", "examples", "doc", "docs", "fixtures", "demos", "samples")
)
_PUBLISHED = (
    "/.m2/repository/",
    "/cargo/registry/",
    "/.cargo/registry/",
    "/dist-packages/",
    "/gems/",
    "/go/pkg/mod/",
    "/google-cloud-sdk/",
    "/lib/python",
    "/node_modules/",
    "/site-packages/",
    "/usr/local/go/",
    "/vendor/",
)
"""Parts of paths to what many people have, since it was fetched from where everybody fetches it."""
_COMMENT = late_pattern(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def may_hold_secrets(name: str) -> bool:
    """Whether files with this base name are ones to look into, at some places at least."""
    return name in _NAMES or name in _LAST_NAMES or _ENDINGS.end(name) or name.startswith(_ENVIRONMENT)


def find_secrets(path: str) -> bool:
    """Whether the file at ``path`` is one to look into."""
    name = path[path.rfind("/") + 1 :]
    if name in _NAMES or _ENDINGS.end(name):
        pass
    elif name.startswith(_ENVIRONMENT):
        if name.endswith(_PATTERNS_OF_FILES):
            return False
    elif not path.endswith(_PATH_ENDINGS):
        return False
    # Samples of what was installed are on everybody's disk.
    return not (_is_among_samples(path) and (path.startswith("usr/") or _is_published(path)))


def is_sample(path: str) -> bool:
    """Whether a credential at ``path`` is likely to be known to many: it came with a package, or is there for tests."""
    return _is_published(path) or _is_among_samples(path)


def _is_published(path: str) -> bool:
    path = f"/{path}"
    for part in _PUBLISHED:  # noqa: SIM110 - asked of every folder, and a generator takes three times as long
        if part in path:
            return True
    return False


def _is_among_samples(path: str) -> bool:
    return not _SAMPLES.isdisjoint(path.split("/")[:-1])


def secrets_in(path: str, content: bytes) -> Iterator[str]:
    """Kind and line of every credential in ``content``: ``AWS access key in line 3``."""
    if kind := _binary_key(content):
        yield kind
        return
    if b"\0" in content[:1024] and not content.startswith(_WIDE):
        return
    text = content.decode("utf-16" if content.startswith(_WIDE) else "utf-8", "replace")
    for count, (number, kind) in enumerate(_kinds(path, text)):
        if count == MOST_PER_FILE:
            yield f"more from line {number} on"
            return
        yield f"{kind} in line {number}"


def _kinds(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Line and kind of every credential."""
    forms = forms_for(text, path)
    name = path[path.rfind("/") + 1 :]
    are_settings = not (name in _KEYS or name.endswith(_KEY_ENDINGS) or path.endswith(_ACCOUNTS))
    if not forms and not are_settings:
        return
    if "<!--" in text:
        text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    for number, line in enumerate(text.split("\n"), 1):
        kind = formed(line, forms)
        if not kind and are_settings and not line.lstrip().startswith(_COMMENTED) and "{{" not in line:
            kind = next(filter(None, (named_kind(*pair) for pair in pairs(line))), "")
        if kind:
            yield number, kind


def secret_kind(value: str) -> str:
    """The kind of credential that ``value`` has the form of; empty where it has none."""
    return formed(value, tokens_for(value))


def command_kind(command: str) -> str:
    """The kind of credential that is in a command line or an instruction of a build; empty where there is none."""
    if kind := secret_kind(command):
        return kind
    named = (named_kind(name.lstrip("-"), value) for name, value in pairs(command))
    return next(filter(None, named), "") if may_name_credential(command) else ""


def _binary_key(content: bytes) -> str:
    """What a file that is not text holds (PKCS 1 and 8, PKCS 12, Java's own store); empty where that is not a key."""
    if content[:4] == b"\xfe\xed\xfe\xed":
        return "private key in a key store" if content[12:16] == b"\0\0\0\1" else ""
    if content[:2] in (b"\x30\x82", b"\x30\x83", b"\x30\x80"):
        start = {0x82: 4, 0x83: 5, 0x80: 2}[content[1]]
        if content[start : start + 3] == b"\2\1\0":
            return "private key"
        if content[start : start + 3] == b"\2\1\3":
            return "key store"
    return ""
