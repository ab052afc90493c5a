"""Which cluster to talk to, and as whom: kubeconfig files, or the service account of the pod.

Source: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct, field

from leadline.errors import ClusterError
from leadline.foreign_errors import in_words
from leadline.untyped import mapping, mappings, text, texts

MAX_KUBECONFIG_BYTES = 16 * 2**20
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
SCAN_FILES = "scan files instead: leadline scan PATH"
NAME_CLUSTER = "name one with --kubeconfig and --kube-context, or run it in a pod with a service account"

_FILE_FIELDS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_LISTS = {"clusters": "cluster", "users": "user", "contexts": "context"}


class ContextEntry(Struct, frozen=True):
    cluster: str
    user: str | None = None
    namespace: str | None = None


class ServerEntry(Struct, frozen=True):
    """A kubeconfig's ``cluster``; data is Base64 of PEM."""

    server: str
    ca_file: str | None = field(name="certificate-authority", default=None)
    ca_data: str | None = field(name="certificate-authority-data", default=None)
    insecure: bool = field(name="insecure-skip-tls-verify", default=False)


class UserEntry(Struct, frozen=True):
    """A kubeconfig's ``user``, without plugins; data is Base64 of PEM."""

    username: str | None = None
    password: str | None = None
    token: str | None = None
    token_file: str | None = field(name="tokenFile", default=None)
    certificate_file: str | None = field(name="client-certificate", default=None)
    certificate_data: str | None = field(name="client-certificate-data", default=None)
    key_file: str | None = field(name="client-key", default=None)
    key_data: str | None = field(name="client-key-data", default=None)


class Access(Struct, frozen=True):
    """One context: where its API server is, and what is shown to it."""

    context: str
    """Empty inside a pod."""
    server: ServerEntry
    user: UserEntry = UserEntry()
    namespace: str = "default"
    exec_plugin: Mapping[str, Any] = {}
    """The user's ``exec`` entry; empty where no plugin is asked."""
    folder: str = ""
    """Where the user's entry was read; a plugin's relative command starts there."""
    proxy: str = ""
    tls_server_name: str = ""
    impersonate: tuple[tuple[str, str], ...] = ()
    """Headers that ask to act as another user."""
    server_place: str = ""
    """Where ``server`` was read, for messages: ``cluster c of PATH``."""
    user_place: str = ""

    @property
    def host(self) -> str:
        """Host and port of the server, for messages."""
        return self.server.server.partition("://")[2].partition("/")[0].rpartition("@")[2]


def choose_access(context: str, kubeconfig: str, environ: Mapping[str, str]) -> Access:
    """The access that kubectl would take: the named file, ``KUBECONFIG``, the home folder's file, then the pod's.

    Raises:
        ClusterError: no cluster is configured, the context is unknown, or a file cannot be read.
    """
    paths, is_asked = _kubeconfig_paths(kubeconfig, environ)
    merged = _merged(paths, is_asked=is_asked)
    if merged["contexts"] or context:
        return _access_of(merged, context or merged["current-context"], paths)
    pod = _access_of_pod(environ)
    if pod is None:
        where = ", ".join(str(path) for path in paths)
        raise ClusterError(f"no cluster is configured: no context in {where}", hint=SCAN_FILES)
    return pod


def _kubeconfig_paths(kubeconfig: str, environ: Mapping[str, str]) -> tuple[list[Path], bool]:
    if kubeconfig:
        return [_at_home(kubeconfig, environ)], True
    if named := [name for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]:
        return [_at_home(name, environ) for name in named], False
    return [_at_home("~/.kube/config", environ)], False


def _at_home(name: str, environ: Mapping[str, str]) -> Path:
    """``name`` with the user's home in place of ``~``."""
    home = environ.get("HOME", "")
    return Path(home) / name.removeprefix("~/") if home and name.startswith("~/") else Path(name)


def _merged(paths: list[Path], *, is_asked: bool) -> dict[str, Any]:
    """All files as one: the first to name an entry or a current context decides it; absent files are empty."""
    merged: dict[str, Any] = {"current-context": "", **{name: {} for name in _LISTS}}
    for path in paths:
        try:
            content = _read(path)
        except FileNotFoundError:
            if is_asked:
                raise ClusterError(f"no such kubeconfig: {path}", hint=SCAN_FILES) from None
            continue
        merged["current-context"] = merged["current-context"] or text(content.get("current-context"))
        for name, inner in _LISTS.items():
            for entry in mappings(content.get(name)):
                if isinstance(entry.get("name"), str) and isinstance(entry.get(inner), dict):
                    merged[name].setdefault(entry.get("name"), (_anchored(entry[inner], path.parent), path))
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_KUBECONFIG_BYTES:
            raise ClusterError(f"kubeconfig {path} is larger than {MAX_KUBECONFIG_BYTES // 2**20} MiB")
        content = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 the C build of the safe loader
    except FileNotFoundError:
        raise
    except IsADirectoryError as error:
        raise ClusterError(
            f"kubeconfig {path} is a folder", hint="name the file, often ~/.kube/config"
        ) from error
    except OSError as error:
        why = (
            "no permission" if isinstance(error, PermissionError) else (error.strerror or str(error)).lower()
        )
        raise ClusterError(f"cannot read kubeconfig {path}: {why}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ClusterError(f"kubeconfig {path} is not valid YAML: {str(error).splitlines()[0]}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ClusterError(f"kubeconfig {path} holds no mapping")
    for name in _LISTS:
        if not isinstance(content.get(name) or [], list):
            raise ClusterError(f"kubeconfig {path}: {name} is not a list")
    return content


def _anchored(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``entry`` with its file names made absolute: they are relative to the kubeconfig that holds them."""
    return {
        key: str(folder.absolute() / value)
        if key in _FILE_FIELDS and isinstance(value, str) and value
        else value
        for key, value in entry.items()
    }


def _access_of(merged: Mapping[str, Any], context: str, paths: list[Path]) -> Access:
    where = ", ".join(str(path) for path in paths)
    if not context:
        raise ClusterError(f"no current context in {where}", hint="name one: --context NAME")
    if context not in merged["contexts"]:
        known = ", ".join(sorted(str(name) for name in merged["contexts"])) or "none"
        raise ClusterError(f"no context {context} in {where}", hint=f"there are: {known}")
    fields, _ = merged["contexts"][context]
    server, server_path = merged["clusters"].get(text(fields.get("cluster")), ({}, None))
    if not isinstance(server.get("server"), str):
        raise ClusterError(f"context {context} in {where} names no cluster with a server")
    user, user_path = merged["users"].get(text(fields.get("user")), ({}, None))
    try:
        chosen = msgspec.convert(fields, ContextEntry)
        server_entry = msgspec.convert(server, ServerEntry)
        user_entry = msgspec.convert(user, UserEntry)
    except msgspec.ValidationError as error:
        raise ClusterError(f"context {context} in {where} is malformed: {in_words(error)}") from error
    if user.get("auth-provider"):
        raise ClusterError(
            f"context {context} signs in by auth-provider, which Kubernetes gave up in 1.26",
            hint="use the cloud's exec plugin (kubelogin, gke-gcloud-auth-plugin)",
        )
    return Access(
        context,
        server_entry,
        user_entry,
        chosen.namespace or "default",
        user.get("exec") if isinstance(user.get("exec"), dict) else {},
        str(user_path.parent) if user_path else "",
        proxy=str(server.get("proxy-url") or ""),
        tls_server_name=str(server.get("tls-server-name") or ""),
        impersonate=_impersonation(user),
        server_place=f"cluster {chosen.cluster} of {server_path}",
        user_place=f"user {chosen.user} of {user_path}",
    )


def _impersonation(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Headers of https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/"""
    headers: list[tuple[str, str]] = []
    if user.get("as"):
        headers.append(("Impersonate-User", str(user["as"])))
    if user.get("as-uid"):
        headers.append(("Impersonate-Uid", str(user["as-uid"])))
    headers += [("Impersonate-Group", str(group)) for group in texts(user.get("as-groups"))]
    for key, values in mapping(user.get("as-user-extra")).items():
        headers += [(f"Impersonate-Extra-{key}", value) for value in texts(values)]
    return tuple(headers)


def _access_of_pod(environ: Mapping[str, str]) -> Access | None:
    """The service account of the pod that this runs in; ``None`` outside of one.

    https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
    """
    account = Path(SERVICE_ACCOUNT)
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = account / "token"
    if not host or not token.is_file():
        return None
    if ":" in host:
        host = f"[{host}]"
    return Access(
        "",
        ServerEntry(f"https://{host}:{port}", ca_file=str(account / "ca.crt")),
        UserEntry(token_file=str(token)),
        server_place="this pod's service account",
        user_place="this pod's service account",
    )


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
