"""TLS and credentials of a kubeconfig's user, as an HTTP client takes them.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

import base64
import ssl
from collections.abc import Generator
from pathlib import Path

import httpx2

from leadline.sources.cluster.kubeconfig import ServerEntry, UserEntry


class TokenAuth(httpx2.Auth):
    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class TokenFileAuth(httpx2.Auth):
    """A token that the kubelet replaces in its file every hour or so; a 401 has it read again."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._header = ""

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if not self._header:
            self._header = self._read()
        request.headers["Authorization"] = self._header
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = self._header = self._read()
            yield request

    def _read(self) -> str:
        try:
            return f"Bearer {self._path.read_text('utf-8').strip()}"
        except FileNotFoundError as error:
            raise OSError(f"no token file {self._path}") from error


def auth_of(user: UserEntry) -> httpx2.Auth | None:
    """In the order of client-go: token file, token, user and password; ``None`` where there is none of them."""
    if user.token_file:
        return TokenFileAuth(user.token_file)
    if user.token:
        return TokenAuth(user.token)
    if user.username and user.password:
        return httpx2.BasicAuth(user.username, user.password)
    return None


def tls_of(server: ServerEntry, user: UserEntry, folder: Path) -> ssl.SSLContext:
    """What is trusted and shown. ``folder`` is where certificates of the kubeconfig's text may stand for this call:
    the ssl module reads a client certificate from files alone.

    Raises:
        OSError: a file cannot be read.
        ValueError: a certificate or key is malformed (``ssl.SSLError`` is one).
    """
    if server.insecure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif server.ca_data:
        context = ssl.create_default_context(cadata=_decoded(server.ca_data).decode("latin-1"))
    else:
        context = ssl.create_default_context(cafile=_readable(server.ca_file) or None)
    # Python 3.13 refuses CA certificates without a key identifier, which many clusters have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    certificate = _as_file(folder / "client.pem", user.certificate_data, user.certificate_file)
    if certificate:
        context.load_cert_chain(certificate, _as_file(folder / "client.key", user.key_data, user.key_file))
    return context


def _as_file(file: Path, encoded: str | None, path: str | None) -> str | None:
    if not encoded:
        return _readable(path)
    file.write_bytes(_decoded(encoded))
    return str(file)


def _readable(path: str | None) -> str | None:
    if path:
        # TLS would not say which file it misses.
        Path(path).open("rb").close()
    return path


def _decoded(encoded: str) -> bytes:
    return base64.b64decode(encoded)
