"""TLS and credentials of a kubeconfig's user, as an HTTP client takes them.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

import base64
import binascii
import ssl
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import orjson

from leadline.errors import ClusterError
from leadline.sources.cluster.kubeconfig import Access

_LARGEST_FILE = 16 << 20
_RESTORE = "restore it, or sign in again"
_EXPORT = "ask the cluster's administrator for a new one"


class CredentialsError(ClusterError):
    """No request can be made with the credentials."""


class TokenAuth(httpx2.Auth):
    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class TokenFileAuth(httpx2.Auth):
    """A token that the kubelet replaces in its file every hour or so; a 401 has it read again."""

    def __init__(self, path: str, place: str) -> None:
        self._path = path
        self._place = place
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
        what = f"tokenFile of {self._place}"
        token = _content(what, self._path).strip()
        if not token or not token.isascii():
            raise CredentialsError(f"{what} holds no token: {self._path}", hint=_RESTORE)
        return f"Bearer {token.decode()}"


def auth_of(access: Access) -> httpx2.Auth | None:
    """In the order of client-go: token file, token, user and password; ``None`` where there is none of them."""
    user = access.user
    if user.token_file:
        return TokenFileAuth(user.token_file, access.user_place)
    if user.token:
        return TokenAuth(user.token)
    if user.username and user.password:
        return httpx2.BasicAuth(user.username, user.password)
    return None


def tls_of(access: Access, folder: Path) -> ssl.SSLContext:
    """What is trusted and shown. ``folder`` is where certificates of the kubeconfig's text may be written for this call:
    the ssl module reads a client certificate from files alone.

    Raises: ``CredentialsError``, which names the field.
    """
    server = access.server
    ca = _pem("certificate-authority", access.server_place, server.ca_data, server.ca_file)
    context = _trusting(*ca) if ca else _lenient(ssl.create_default_context())
    if server.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    user = access.user
    shown = _pem("client-certificate", access.user_place, user.certificate_data, user.certificate_file)
    if shown:
        key = _pem("client-key", access.user_place, user.key_data, user.key_file) or shown
        show_certificate(context, shown, key, folder)
    return context


def trust_in(what: str, path: str) -> ssl.SSLContext:
    """Trusts the CAs in the file at ``path`` alone; ``what`` names it in messages.

    Raises: ``CredentialsError``.
    """
    return _trusting(what, _content(what, path))


Named = tuple[str, bytes]
"""PEM, behind what it is and where it is."""


def show_certificate(context: ssl.SSLContext, certificate: Named, key: Named, folder: Path) -> None:
    """Has ``context`` sign in by them.

    Raises: ``CredentialsError``.
    """
    files = folder / "client.pem", folder / "client.key"
    for file, (_, content) in zip(files, (certificate, key), strict=True):
        file.write_bytes(content)

    def password() -> str:
        # OpenSSL would ask for it on the terminal.
        raise CredentialsError(f"{key[0]} is encrypted and needs a password", hint="decrypt it: openssl pkey")

    try:
        context.load_cert_chain(*files, password=password)
    except (ssl.SSLError, ValueError) as error:
        _trusting(*certificate)
        is_other = isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH"
        why = (
            f"does not belong to the certificate in {certificate[0]}"
            if is_other
            else "is not a private key in PEM"
        )
        raise CredentialsError(f"{key[0]} {why}", hint=_RESTORE) from None


def why_refused(access: Access) -> str:
    """What has expired of the credentials; empty where nothing that can be seen from here."""
    user = access.user
    for field, moment in (
        ("token", _expiry_of_token(user.token or "")),
        ("client-certificate", _expiry_of_certificate(access)),
    ):
        if moment is not None and moment < datetime.now(UTC):
            return f"{field} of {access.user_place} expired at {moment:%Y-%m-%d %H:%M} UTC"
    return ""


def _expiry_of_token(token: str) -> datetime | None:
    """Of one in the form of RFC 7519; nothing is checked."""
    try:
        claims = token.split(".")[1]
        content = orjson.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return datetime.fromtimestamp(content["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def _expiry_of_certificate(access: Access) -> datetime | None:
    from cryptography import x509

    user = access.user
    try:
        found = _pem("", "", user.certificate_data, user.certificate_file)
        return x509.load_pem_x509_certificate(found[1]).not_valid_after_utc if found else None
    except (ClusterError, ValueError):
        return None


def _pem(field: str, place: str, encoded: str | None, path: str | None) -> Named | None:
    if encoded:
        what = f"{field}-data of {place}"
        try:
            return what, base64.b64decode("".join(encoded.split()), validate=True)
        except (binascii.Error, ValueError):
            raise CredentialsError(f"{what} is not Base64", hint=_RESTORE) from None
    what = f"{field} of {place}"
    return (what, _content(what, path)) if path else None


def _content(what: str, path: str) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise CredentialsError(f"{what} names a file that is not there: {path}", hint=_RESTORE) from None
    except (OSError, ValueError) as error:
        why = str(getattr(error, "strerror", "") or error).lower()
        raise CredentialsError(f"{what} cannot be read: {path}: {why}") from None
    if len(content) > _LARGEST_FILE:
        raise CredentialsError(f"{what} is larger than {_LARGEST_FILE >> 20} MiB: {path}")
    return content


def _trusting(what: str, content: bytes) -> ssl.SSLContext:
    """Raises: ``CredentialsError`` where ``content`` holds no certificate that can be read."""
    # Between certificates there may be names in any language.
    text = content.decode("ascii", "ignore")
    try:
        if not text.strip():
            raise ValueError  # without any text it would trust what the system trusts
        return _lenient(ssl.create_default_context(cadata=text))
    except (ssl.SSLError, ValueError):
        raise CredentialsError(f"{what} is not a certificate in PEM", hint=_EXPORT) from None


def _lenient(context: ssl.SSLContext) -> ssl.SSLContext:
    # Python 3.13 refuses CA certificates without a key identifier, which many clusters have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
