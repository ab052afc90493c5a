"""Credentials for registries: given by hand, in pull secrets, in Docker's and Podman's files, from helpers.

A credential is known by where it comes from; its value appears in no text.
"""

import base64
import binascii
import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError, field, json

from leadline.packages.reference import DOCKER_HUB, HUB_NAMES, Reference
from leadline.sources.registry.options import Credential, PullSecret

HELPER_SECONDS = 15.0
LARGEST_FILE = 4 << 20
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class _Entry(Struct, rename="lower"):
    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None
    registrytoken: str | None = None


class _File(Struct):
    auths: dict[str, _Entry] | None = None
    helpers: dict[str, str] | None = field(name="credHelpers", default=None)
    store: str | None = field(name="credsStore", default=None)


class _FromHelper(Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


class AuthProblem(Struct, frozen=True):
    """Why a place that may hold credentials gave none."""

    source: str
    why: str


def credentials_for(
    reference: Reference, secrets: Sequence[PullSecret], environ: Mapping[str, str]
) -> Iterator[Credential | AuthProblem]:
    """Every credential for ``reference``, the most specific of each place first, and what stopped a place.

    Pull secrets come first, then the file that ``REGISTRY_AUTH_FILE`` names, Docker's and Podman's.
    """
    for secret in secrets:
        source = f"pull secret {secret.name}"
        yield from _from_content(secret.content, source, reference, environ, is_secret=True)
    for path in _files(environ):
        try:
            content = _content(path)
        except (FileNotFoundError, NotADirectoryError):
            if str(path) == environ.get("REGISTRY_AUTH_FILE"):
                yield AuthProblem(str(path), "is not there")
            continue
        except OSError as error:
            yield AuthProblem(str(path), error.strerror or "cannot be read")
            continue
        yield from _from_content(content, str(path), reference, environ)


def _content(path: Path) -> bytes:
    # A named pipe would otherwise wait for a writer.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is not a file")
        return file.read(LARGEST_FILE + 1)


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if folder := environ.get("DOCKER_CONFIG"):
        yield Path(folder) / "config.json"
    elif home := environ.get("HOME"):
        yield Path(home) / ".docker" / "config.json"
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    if home := environ.get("HOME"):
        yield Path(environ.get("XDG_CONFIG_HOME") or Path(home) / ".config") / "containers" / "auth.json"


def _from_content(
    content: bytes,
    source: str,
    reference: Reference,
    environ: Mapping[str, str],
    *,
    is_secret: bool = False,
) -> Iterator[Credential | AuthProblem]:
    """``is_secret``: as the kubelet reads it, which asks no helper."""
    try:
        if len(content) > LARGEST_FILE:
            raise ValidationError("too large")
        file = json.decode(content, type=_File)
        if file.auths is None and b'"auth"' in content:
            file.auths = json.decode(content, type=dict[str, _Entry])
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError):
        yield AuthProblem(source, "is not in Docker's format")
        return
    if is_secret:
        file.helpers, file.store = None, None
    for key in _matching(file.helpers or {}, reference):
        yield _ask_helper((file.helpers or {})[key], key, source, environ)
    entries = file.auths or {}
    for key in _matching(entries, reference, is_secret=is_secret):
        entry = entries[key]
        if any((entry.auth, entry.username, entry.identitytoken, entry.registrytoken)):
            yield _credential(entry, source)
        elif file.store:
            yield _ask_helper(file.store, key, source, environ)
    if file.store and not list(_matching(entries, reference)):
        server = "https://index.docker.io/v1/" if reference.registry == DOCKER_HUB else reference.registry
        yield _ask_helper(file.store, server, source, environ)


def _matching(keys: Mapping[str, object], reference: Reference, *, is_secret: bool = False) -> list[str]:
    """The keys that cover ``reference``, longest path first; a key may hold a scheme, a path and wildcards.

    To the kubelet a path is the beginning of a name, wherever that ends, and ``/v1/`` or ``/v2/`` before it counts for
    nothing (https://github.com/kubernetes/kubernetes/blob/master/pkg/credentialprovider/keyring.go).
    """
    found = []
    for key in keys:
        host, _, path = key.partition("://")[2].partition("/") if "://" in key else key.partition("/")
        path = path.strip("/")
        first, _, rest = path.partition("/")
        if first in ("v1", "v2") and (is_secret or not rest):
            path = rest
        names = HUB_NAMES if reference.registry == DOCKER_HUB else (reference.registry,)
        is_host = any(_same_host(name, host.lower()) for name in names)
        end = "" if is_secret else "/"
        if is_host and (not path or f"{reference.repository}/".startswith(f"{path}{end}")):
            found.append((-len(path), key))
    return [key for _, key in sorted(found)]


def _same_host(name: str, pattern: str) -> bool:
    """Ports are the same or both absent; a wildcard matches the whole of a part or some of it."""
    if "*" not in pattern:
        return name == pattern
    if any(sign in pattern for sign in "?["):
        return False  # to the kubelet no host, whatever it meant
    name, _, port = name.partition(":")
    pattern, _, wanted_port = pattern.partition(":")
    parts, wanted = name.split("."), pattern.split(".")
    return port == wanted_port and len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _credential(entry: _Entry, source: str) -> Credential | AuthProblem:
    username, password = entry.username or "", entry.password or ""
    if entry.auth:
        try:
            decoded = base64.b64decode(entry.auth, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return AuthProblem(source, "holds an auth field that is not base64")
        username, _, password = decoded.partition(":")
        password = password.rstrip("\0")
    return Credential(source, username, password, entry.identitytoken or "", entry.registrytoken or "")


def _ask_helper(name: str, server: str, source: str, environ: Mapping[str, str]) -> Credential | AuthProblem:
    """What the program ``docker-credential-NAME`` says of ``server``."""
    place = f"credential helper {name} of {source}"
    if not _HELPER.fullmatch(name):
        return AuthProblem(source, "names a credential helper by a path; use its plain name")
    import subprocess  # slow to import, and few registries have a helper

    try:
        done = subprocess.run(
            [f"docker-credential-{name}", "get"],
            input=server.encode(),
            capture_output=True,
            env=dict(environ),
            timeout=HELPER_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return AuthProblem(place, f"docker-credential-{name} is not installed")
    except (subprocess.TimeoutExpired, OSError):
        return AuthProblem(place, "did not answer")
    if done.returncode != 0 or len(done.stdout) > LARGEST_FILE:
        return AuthProblem(place, f"has nothing for {server}")
    try:
        answer = json.decode(done.stdout, type=_FromHelper)
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError):
        return AuthProblem(place, "answered something else than credentials")
    if answer.username == "<token>":
        return Credential(place, identity_token=answer.secret)
    return Credential(place, answer.username, answer.secret)
