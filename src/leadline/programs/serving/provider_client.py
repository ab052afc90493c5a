"""HTTP to a provider: with patience, without redirects, bounded."""

import logging
import re
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from leadline.backoff import backoff_s
from leadline.errors import SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.scans.submitting.sending import Answer, Call, UntrustedError, hint_of, provider_base
from leadline.sources.regular_file import open_regular, read_given

log = logging.getLogger(__name__)
TOKEN = "LEADLINE_SUBMIT_TOKEN"  # noqa: S105 a name
READ_TOKEN = "LEADLINE_PROVIDER_TOKEN"  # noqa: S105 a name
PUSH_SECRET = "LEADLINE_PUSH_SECRET"  # noqa: S105 a name
FIRST_S = 1.0
_LONGEST_S = 4.0
_LARGEST_TOKEN = 4_096
_LARGEST_CA = 4 << 20
_LARGEST_ANSWER = 4 << 20
_TIMEOUT_S = 30.0
LONGEST_ANSWER_S = 120.0
_TRIES = 3
_NUMBERS = re.compile(r"\[Errno -?\d+\] |\[SSL: \w+\] | \(_ssl\.c:\d+\)")
_AGAIN = frozenset((408, 429, 500, 502, 503, 504))


class Patient:
    """Tries again where that can help. No redirect is followed: it would carry the token elsewhere."""

    def __init__(self, client: httpx2.Client, ca_flag: str = "") -> None:
        """``ca_flag``: by which a private CA is named."""
        self._client = client
        self._ca_flag = ca_flag

    def __call__(self, call: Call) -> Answer:
        """Raises: ``OSError``, ``UntrustedError``."""
        for tried in range(1, _TRIES):
            try:
                answer = self._once(call)
            except UntrustedError:
                raise
            except OSError as error:
                log.debug("tried again: %s", error)
            else:
                if answer.status not in _AGAIN:
                    return answer
            time.sleep(backoff_s(tried, FIRST_S, _LONGEST_S))
        return self._once(call)

    def _once(self, call: Call) -> Answer:
        return exchanged(self._client, call, self._ca_flag, _LARGEST_ANSWER, LONGEST_ANSWER_S)


def exchanged(client: httpx2.Client, call: Call, ca_flag: str, largest: int, longest_s: float) -> Answer:
    """One request, without redirects; ``largest``: bytes of its answer. Raises: ``OSError``, ``UntrustedError``."""
    try:
        until = time.monotonic() + longest_s
        with client.stream(
            call.method,
            call.url,
            content=call.body or None,
            # A small compressed answer may be a large one.
            headers={**call.headers, "Accept-Encoding": "identity"},
            follow_redirects=False,
        ) as answer:
            pieces, size = [], 0
            for piece in answer.iter_raw():
                pieces.append(piece)
                size += len(piece)
                if time.monotonic() > until:
                    raise OSError(f"its answer takes longer than {longest_s:.0f} s")
                if size > largest:
                    raise OSError("its answer is too large")
            return Answer(answer.status_code, b"".join(pieces), answer.headers)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        words, hint = unreachable(error, call.url, ca_flag)
        if hint:
            raise UntrustedError(words, hint=hint) from error
        raise OSError(words) from error


def unreachable(error: Exception, url: str, ca_flag: str) -> tuple[str, str]:
    """What failed, without the numbers that the system and OpenSSL put around it; how ``ca_flag`` helps, where it does."""
    words = _NUMBERS.sub("", str(error)).strip().rstrip(".")[:300] or type(error).__name__
    refused = _tls_error(error)
    if refused and refused.reason == "WRONG_VERSION_NUMBER":
        return "this port does not speak TLS; check the port", ""
    if ca_flag and isinstance(refused, ssl.SSLCertVerificationError):
        return words, f"name its CA by {ca_flag} FILE"
    if url.startswith("http://") and isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return f"{words}; if this port speaks TLS, use https://", ""
    return words + _way(url), ""


def _way(url: str) -> str:
    """That a proxy of the environment is on the way: who does not know of it would look at the provider."""
    parts, proxies = urlsplit(url), getproxies()
    is_direct = parts.scheme != "https" or proxy_bypass(parts.hostname or "")
    name = "" if is_direct else next((one for one in ("https", "all") if proxies.get(one)), "")
    return f", by way of the proxy that {name.upper()}_PROXY names" if name else ""


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """What OpenSSL has said, if that was the cause."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ssl.SSLError):
        seen = seen.__cause__ or seen.__context__
    return seen


def given_file(path: str | Path) -> bytes:
    """A small file that a person named, never waited for as for a pipe. Raises: ``SourceError``."""
    return read_given(path, _LARGEST_CA)


def certificates_in(path: str) -> str:
    """PEM. Raises: ``SourceError``, ``UsageError``."""
    content = given_file(path).decode("ascii", "replace")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content)
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(f"{path} does not hold a certificate in PEM") from error
    return content


def provider_client(ca_file: str, certificate: str = "", key: str = "") -> httpx2.Client:
    """Proxies are those of the environment, for TLS alone. ``certificate`` and ``key``: of ours, where the provider asks for one.

    Raises: ``UsageError``, ``SourceError``.
    """
    try:
        context = ssl.create_default_context(cadata=certificates_in(ca_file) if ca_file else None)
        for file in filter(None, (certificate, key)):
            open_regular(file).close()
        if certificate:
            context.load_cert_chain(certificate, key or None)
    except ssl.SSLError as error:
        raise UsageError(f"{certificate or ca_file} does not hold a certificate in PEM") from error
    except OSError as error:
        raise SourceError(f"cannot read {error.filename or ca_file}: {in_words(error)}") from error
    # Plain HTTP is for this machine: a proxy would see the token.
    return httpx2.Client(
        headers={"User-Agent": "leadline"},
        timeout=_TIMEOUT_S,
        trust_env=True,
        verify=context,
        mounts={"http://": None},
    )


def fetched(url: str) -> bytes:
    """What a GET without a token gives. Raises: ``OSError``."""
    with provider_client("") as client:
        answer = Patient(client)(Call("GET", url, {}, b""))
    if answer.status != 200:
        raise OSError(f"HTTP {answer.status}")
    return answer.body


def submit_token(environ: Mapping[str, str]) -> str:
    """Raises: ``UsageError``, ``SourceError``."""
    return secret_of(environ, TOKEN, "a token of the source is missing")


def secret_of(environ: Mapping[str, str], name: str, why_missing: str) -> str:
    """Of the variable ``name``, or of the file that ``name`` with ``_FILE`` names. Raises: ``UsageError``, ``SourceError``."""
    file_name = f"{name}_FILE"
    if file := environ.get(file_name, ""):
        token = read_given(file, _LARGEST_TOKEN).decode("utf-8", "replace").strip()
    else:
        token = environ.get(name, "").strip()
    if not token:
        raise UsageError(why_missing, hint=f"set {name}, or {file_name} to a file that holds it")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError(f"{name} does not hold a valid token")
    return token


class ProviderReader:
    """Asks a provider with a token that may read."""

    def __init__(self, url: str, environ: Mapping[str, str], ca_file: str = "") -> None:
        """``url``: ``https://HOST``, or that of a provider below a path. Raises: ``UsageError``, ``SourceError``."""
        self._base = provider_base(url)
        self.host = urlsplit(self._base).netloc
        self._token = secret_of(environ, READ_TOKEN, "a token that may read is missing")
        self._client = provider_client(ca_file)
        self._ask = Patient(self._client, "--provider-ca")

    def __call__(self, path: str, query: Mapping[str, str]) -> bytes:
        """Raises: ``SourceError``."""
        words = f"?{urlencode(query)}" if query else ""
        call = Call("GET", f"{self._base}{path}{words}", {"Authorization": f"Bearer {self._token}"})
        try:
            answer = self._ask(call)
        except OSError as error:
            raise SourceError(f"{self.host} cannot be reached: {error}", hint=hint_of(error)) from error
        if answer.status in (401, 403):
            raise SourceError(
                f"{self.host} refuses the token",
                hint=f"set {READ_TOKEN} to one that leadline provider add-reader printed",
            )
        if answer.status != 200:
            raise SourceError(
                f"{self._base} answers HTTP {answer.status} to {path}",
                hint="use https://HOST, without a source" if answer.status == 404 else "",
            )
        return answer.body

    def close(self) -> None:
        self._client.close()
