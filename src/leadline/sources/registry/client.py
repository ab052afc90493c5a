"""Images from a registry (https://github.com/opencontainers/distribution-spec).

Requests are not repeated here, with one exception: a blob that breaks off is asked for again from where it
broke, a bounded number of times, because a layer of a gigabyte would otherwise begin again. Whether to try
again when the registry is busy is for the caller to say (``RegistryOptions.wait``).

The standard library's client carries it: downloads run in threads, bodies are read as streams, and a
connection is closed half-way when a layer turns out to be hostile.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from urllib.parse import quote

from msgspec import structs

from leadline.errors import RegistryError, UsageError
from leadline.packages.reference import DOCKER_HUB, Reference, read_registry
from leadline.sbom.layers.stream import Damaged, Forged
from leadline.sources.oci.layer import checked
from leadline.sources.oci.manifest import (
    INDEX_TYPES,
    LARGEST_MANIFEST,
    MANIFEST_TYPES,
    Descriptor,
)
from leadline.sources.proxies import is_loopback
from leadline.sources.registry.auth import AuthProblem, credentials_for
from leadline.sources.registry.http import (
    FAULT,
    Dropped,
    HttpAnswer,
    NobodyListens,
    NoTls,
    UnreachableError,
    may_ask_again,
    send,
)
from leadline.sources.registry.options import ANONYMOUS, Credential, RegistryOptions
from leadline.sources.registry.token import NoToken, basic, bearer, token_service

MOST_RESUMES = 5
ACCEPT = ", ".join(sorted(INDEX_TYPES | MANIFEST_TYPES))
_CHALLENGE = re.compile(
    r'(?P<key>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))|(?P<scheme>[A-Za-z][\w-]*)'
)


class MissingError(RegistryError):
    """The registry answers, and has no such thing."""


class DeniedError(RegistryError):
    """The registry answers, and lets us read nothing of it with the credentials that there are."""

    def __init__(self, message: str, *, hint: str = "", tried: str = "") -> None:
        super().__init__(message, hint=hint)
        self.tried = tried
        """Where the credentials came from."""


class BusyError(RegistryError):
    """The registry answers, and wants to be asked later."""

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s
        """0 where it does not say when."""


class Repository:
    """One repository of one registry or mirror. May be used by several threads."""

    def __init__(self, reference: Reference, host: str, options: RegistryOptions) -> None:
        self._reference = reference
        self._options = options
        self._is_mirror = host != reference.registry
        self._known_as = structs.replace(reference, registry=host)
        self._host = "registry-1.docker.io" if host == DOCKER_HUB else host
        self._root = f"{options.trust.scheme(host)}://{self._host}/v2/{reference.repository}"
        self._authorization = ""
        self._tried: list[str] = []
        self._lock = Lock()

    def manifest(self, wanted: str) -> tuple[bytes, str]:
        """The manifest or index called ``wanted`` (a tag or digest), and its digest.

        Raises:
            RegistryError: it is not there, not allowed, or not what was asked for.
        """
        try:
            answer = self._get(f"manifests/{quote(wanted, safe=':')}", {"Accept": ACCEPT}, wanted)
            content = answer.read(LARGEST_MANIFEST)
        except Dropped as error:
            raise UnreachableError(f"{self._host} closed the connection: {error}") from error
        named = wanted if ":" in wanted else answer.header("Docker-Content-Digest")
        digest = named or f"sha256:{hashlib.sha256(content).hexdigest()}"
        try:
            return b"".join(checked(iter((content,)), digest)), digest
        except Forged as error:
            raise RegistryError(f"the manifest {wanted} from {self._host} is not genuine: {error}") from error

    def referrers(self, digest: str) -> bytes:
        """The index of what refers to ``digest``, as JSON. Raises ``RegistryError``, ``MissingError`` where it keeps none."""
        try:
            return self._get(f"referrers/{quote(digest, safe=':')}", {"Accept": ACCEPT}, digest).read(
                LARGEST_MANIFEST
            )
        except Dropped as error:
            raise UnreachableError(f"{self._host} closed the connection: {error}") from error

    def blob(self, descriptor: Descriptor) -> bytes:
        """A small blob, digest checked. Raises ``RegistryError``."""
        if descriptor.size > LARGEST_MANIFEST:
            raise RegistryError(f"blob {descriptor.digest} is larger than {LARGEST_MANIFEST >> 20} MiB")
        try:
            return b"".join(self.pieces(descriptor))
        except Damaged as error:
            raise RegistryError(f"blob {descriptor.digest} from {self._host}: {error}") from error

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """A blob piece by piece.

        Raises:
            RegistryError: it cannot be fetched.
            Forged: its size or content is not what ``descriptor`` says.
        """
        return checked(self._sized(descriptor), descriptor.digest)

    def rest(self, descriptor: Descriptor, start: int) -> Iterator[bytes]:
        """A blob from byte ``start`` on, its content unchecked: what came before is not here.

        Raises:
            RegistryError: it cannot be fetched.
        """
        return self._resumed(descriptor, start)

    def _sized(self, descriptor: Descriptor) -> Iterator[bytes]:
        got = 0
        for piece in self._resumed(descriptor, 0):
            got += len(piece)
            if got > descriptor.size:
                raise Forged(f"it is larger than the {descriptor.size} bytes that the manifest says")
            yield piece

    def _resumed(self, descriptor: Descriptor, got: int) -> Iterator[bytes]:
        digest = descriptor.digest
        for attempt in range(MOST_RESUMES + 1):
            headers = {"Range": f"bytes={got}-"} if got else {}
            try:
                answer = self._get(f"blobs/{digest}", headers, digest)
                for piece in answer.pieces_behind(got):
                    got += len(piece)
                    yield piece
                if answer.is_delimited or got >= descriptor.size:
                    return
                raise Dropped("the answer ends early")
            except Dropped as error:
                if got >= descriptor.size:
                    return  # there was no more, whatever length the answer claimed
                if attempt == MOST_RESUMES:
                    why = f"{self._host} closed the connection {attempt + 1} times in blob {digest}: {error}"
                    raise UnreachableError(why) from error

    def _get(self, path: str, headers: Mapping[str, str], what: str) -> HttpAnswer:
        """The answer to a request that succeeded, credentials tried until one fits."""
        attempt = 0
        while True:
            answer = self._authorized(f"{self._root}/{path}", headers)
            if answer.status in (200, 206):
                return answer
            attempt += 1
            if may_ask_again(answer, attempt, self._options):
                answer.close()
                continue
            raise self._refusal(answer, what)

    def _authorized(self, url: str, headers: Mapping[str, str]) -> HttpAnswer:
        shown = self._authorization
        answer = self._send(url, headers, shown)
        if answer.status != 401:
            return answer
        self._check_asker(answer)
        with self._lock:
            if self._authorization != shown:
                answer.close()
                answer = self._send(url, headers, self._authorization)
                if answer.status != 401:
                    return answer
            return self._with_credentials(url, headers, answer)

    def _check_asker(self, answer: HttpAnswer) -> None:
        """Raises ``RegistryError`` where another host than the registry asks for credentials, and so for a password."""
        if answer.elsewhere:
            answer.close()
            raise RegistryError(
                f"{self._host} sends its clients on to {answer.elsewhere}, which wants credentials of its own",
                hint="name that host in the image, if it is to be trusted",
            )

    def _with_credentials(self, url: str, headers: Mapping[str, str], answer: HttpAnswer) -> HttpAnswer:
        answer.close()  # its head says all
        self._tried = []
        for credential in self._credentials():
            if isinstance(credential, AuthProblem):
                self._tried.append(f"{credential.source} ({credential.why})")
                continue
            authorization = self._authorization_by(credential, answer.headers("WWW-Authenticate"))
            if not authorization:
                continue
            self._tried.append(credential.source)
            again = self._send(url, headers, authorization)
            if again.status not in (401, 403):
                self._authorization = authorization
                return again
            again.close()
        return answer

    def _credentials(self) -> Iterator[Credential | AuthProblem]:
        """Those that belong to this host: what opens a registry is never shown to its mirrors."""
        given = self._options.credential
        if given is not None and given.unusable:
            yield AuthProblem(given.source, given.unusable)
        elif given is not None and given.registry and given.registry != self._known_as.registry:
            yield AuthProblem(given.source, f"belongs to {given.registry}")
        elif given is not None and (given.registry or not self._is_mirror):
            yield given
        yield from credentials_for(self._known_as, self._options.secrets, self._options.environ)
        yield ANONYMOUS

    def _authorization_by(self, credential: Credential, challenges: Sequence[str]) -> str:
        """What to show for ``credential``; empty where it does not fit the challenge or gets no token."""
        refusals: list[str] = []
        for authorization in self._ways(credential, challenges):
            try:
                return authorization()
            except NoToken as error:
                refusals.append(str(error))
        if credential is not ANONYMOUS and not refusals:
            refusals.append("not what the registry asks for")
        self._tried += [f"{credential.source} ({why})" for why in refusals]
        return ""

    def _ways(self, credential: Credential, challenges: Sequence[str]) -> Iterator[Callable[[], str]]:
        """How ``credential`` may be shown, in the order in which the registry asks for it."""
        if credential.registry_token:
            yield partial(bearer, credential.registry_token)
            return
        for scheme, words in _challenges(challenges):
            if scheme == "bearer":
                yield partial(self._by_token, credential, words)
            elif scheme == "basic" and credential.username:
                yield partial(basic, credential)

    def _by_token(self, credential: Credential, words: Mapping[str, str]) -> str:
        is_plain_allowed = self._root.startswith("http:")
        trust, repository = self._options.trust, self._reference.repository
        service = token_service(words, self._host, repository, trust, is_plain_allowed)
        return bearer(service.token(credential, self._options))

    def _send(self, url: str, headers: Mapping[str, str], authorization: str) -> HttpAnswer:
        shown = {**headers, "Authorization": authorization} if authorization else headers
        trust = self._options.trust
        try:
            return send(url, shown, trust)
        except NoTls as error:
            # Docker's habit: a registry on this very machine may do without TLS, and others where that was allowed.
            is_here = is_loopback(self._host) and not trust.ca_file and not isinstance(error, NobodyListens)
            may_be_plain = error.host == self._host and (is_here or trust.is_unverified)
            if url.startswith("http:") or not may_be_plain:
                raise
        self._root = self._root.replace("https:", "http:", 1)
        return send(url.replace("https:", "http:", 1), shown, trust)

    def _refusal(self, answer: HttpAnswer, what: str) -> RegistryError:
        answer.close()
        name = self._reference.name
        match answer.status:
            case 401 | 403:
                tried = ", ".join(dict.fromkeys(self._tried)) or "nothing"
                log_in = (
                    f"log in with docker login {self._known_as.registry}; " if answer.status == 401 else ""
                )
                return DeniedError(
                    f"{self._host} does not let us read {name}",
                    hint=f"{log_in}credentials tried: {tried}",
                    tried=tried,
                )
            case 404:
                return MissingError(f"{self._host} has no {what} in {self._reference.repository}")
            case 429:
                return BusyError(
                    f"{self._host} allows no more requests for now",
                    hint="log in for a higher limit, use a mirror, or wait",
                    retry_after_s=answer.retry_after_s(),
                )
            case status if status >= FAULT:
                return BusyError(
                    f"{self._host} has an error of its own: it answered {status} when asked for {name}",
                    hint="try again later, or ask who runs it",
                    retry_after_s=answer.retry_after_s(),
                )
            case status:
                return RegistryError(f"{self._host} answered {status} when asked for {name}")


def repositories(reference: Reference, options: RegistryOptions) -> Iterator[Repository]:
    """The mirrors of ``reference``'s registry, then the registry itself.

    Raises:
        UsageError: a mirror or what it mirrors is not a host.
    """
    for written, mirrors in options.mirrors.items():
        if _host(written) == reference.registry:
            hosts = (_host(mirror) for mirror in mirrors)
            # Named as its own mirror, a registry is only said to be the user's choice.
            yield from (Repository(reference, host, options) for host in hosts if host != reference.registry)
    yield Repository(reference, reference.registry, options)


def _host(written: str) -> str:
    host = read_registry(written)
    if not host:
        # Passed over in silence, it would leave all to the registry that was not to be asked.
        raise UsageError(f"not a registry or mirror: {written[:200]}", hint="write it as HOST or HOST:PORT")
    return host


def _challenges(headers: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Scheme and parameters, names in small letters; a header may hold several (RFC 9110, section 11.6.1)."""
    found: list[tuple[str, dict[str, str]]] = []
    for part in _CHALLENGE.finditer(", ".join(headers)):
        if part["scheme"]:
            found.append((part["scheme"].lower(), {}))
        elif found:
            found[-1][1][part["key"].lower()] = part["quoted"] or part["plain"] or ""
    return found
