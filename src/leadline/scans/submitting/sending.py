"""Sends one message, and believes a receipt only where it proves itself. The HTTP client is made by the program."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

import msgspec
import zstandard
from msgspec import Struct

from leadline.api.provider.note import Checkpoint, NoteError, Verifier, verifier
from leadline.api.provider.tree import EMPTY_ROOT, is_consistent, is_included, leaf_hash
from leadline.api.provider.wire import (
    LOG_IS_SHORTER,
    ImageContent,
    LogHead,
    LogState,
    Problem,
    Receipt,
    WholeReport,
    digest_of,
    encoded,
)
from leadline.errors import LeadlineError, UsageError
from leadline.foreign_errors import in_words
from leadline.outputs.text.plain import plain as plain_text
from leadline.untyped import MALFORMED
from leadline.whole_file import write_whole

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]*")
_MASKED = "Bearer ***"
_OK = 200
_MOST_SHOWN = 300
S = TypeVar("S", bound=Struct)


class NotDeliveredError(LeadlineError):
    """The scan is done, and the provider does not have its report."""

    exit_code = 5


class DoubtError(NotDeliveredError):
    """The provider answered, and its receipt does not prove what it says."""


class ShorterError(NotDeliveredError):
    """The provider's log lacks what it acknowledged; ``expected`` is the number of the message that it waits for."""

    def __init__(self, message: str, *, hint: str, expected: int) -> None:
        super().__init__(message, hint=hint)
        self.expected = expected


class Answer(Struct, frozen=True):
    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class Call(Struct, frozen=True):
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class UntrustedError(OSError):
    """The certificate of the provider is not one that is trusted here."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def hint_of(error: OSError) -> str:
    """What to do about it; empty where nothing is known."""
    return error.hint if isinstance(error, UntrustedError) else ""


Exchange = Callable[[Call], Answer]
"""One request. Raises: ``OSError`` where none comes, ``UntrustedError``."""


class Destination(Struct, frozen=True):
    """``https://HOST/SOURCE``, or that of a provider below a path."""

    base: str
    source: str

    @property
    def host(self) -> str:
        return urlsplit(self.base).netloc

    def address(self, what: str) -> str:
        return f"{self.base}/v1/sources/{quote(self.source, safe='')}/{what}"


def destination(
    url: str, hint: str = "use https://HOST/SOURCE, as leadline provider add-source named the source"
) -> Destination:
    """``hint``: the form of an address. Raises: ``UsageError``."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UsageError("the address of the provider is not readable", hint=hint) from None
    del port
    base, _, source = url.rstrip("/").rpartition("/")
    is_plain = not (parts.query or parts.fragment or "/../" in f"{parts.path}/")
    if parts.scheme not in ("https", "http") or not host or not is_plain:
        raise UsageError("this is not the address of a provider", hint=hint)
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "the address of a provider holds no credentials", hint="LEADLINE_SUBMIT_TOKEN holds the token"
        )
    if len(base) <= len(f"{parts.scheme}://") or not _SOURCE.fullmatch(source):
        raise UsageError("the address of the provider names no source", hint=hint)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise UsageError(f"the token would reach {host} in clear text", hint="use https://")
    return Destination(base, source)


def provider_base(url: str) -> str:
    """``url`` of a whole provider, without a source. Raises: ``UsageError``."""
    return destination(f"{url.rstrip('/')}/all", "use https://HOST").base


class Remembered(Struct, frozen=True, rename="camel"):
    """What a sender keeps of a provider, so that no other past can be shown to it later."""

    verifier: str
    checkpoint: str = ""


Message = WholeReport | ImageContent


def call_of(place: Destination, report: Message, token: str, key: str, known_size: int) -> tuple[Call, bytes]:
    """The request, and the body before compression. ``key``: a UUID."""
    plain = encoded(report)
    packed = zstandard.ZstdCompressor(level=6).compress(plain)
    route = "images" if isinstance(report, ImageContent) else "report"
    return post_of(place, route, (token, key), packed, known_size), plain


def post_of(
    place: Destination, route: str, credentials: tuple[str, str], packed: bytes, known_size: int
) -> Call:
    """``credentials``: token and idempotency key; ``packed``: the body, compressed by zstd."""
    token, key = credentials
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Content-Encoding": "zstd",
        "Idempotency-Key": key,
    }
    url = place.address(route) + (f"?knownSize={known_size}" if known_size else "")
    return Call("POST", url, headers, packed)


def write_request(folder: Path, call: Call, plain: bytes) -> None:
    """Into ``request.txt`` (the token is masked), ``body.zst`` (the exact bytes) and ``body.json``. Raises: ``OSError``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    heads = {**call.headers, "Authorization": _MASKED}
    text = "".join(f"{name}: {value}\n" for name, value in heads.items())
    write_whole(folder / "request.txt", f"{call.method} {call.url}\n{text}".encode(), 0o600)
    write_whole(folder / "body.zst", call.body, 0o600)
    write_whole(folder / "body.json", plain, 0o600)


class Sender:
    """Of one token to one source."""

    def __init__(self, place: Destination, token: str, exchange: Exchange, memory: Path | None) -> None:
        """``memory``: the file that keeps checkpoints; ``None`` for none, as in a pipeline."""
        self._place = place
        self._token = token
        self._exchange = exchange
        self._memory = memory
        self.why_not_kept = ""
        """Why the checkpoint of the last receipt is not in the memory; empty where it is."""

    def send(self, report: Message, key: str) -> Receipt:
        """Raises: ``NotDeliveredError``, ``DoubtError``."""
        trusted, before = opened(self._place, self._remembered())
        call, plain = call_of(self._place, report, self._token, key, before.size)
        try:
            receipt = decoded(self._place, self._exchange, call, Receipt)
        except ShorterError as error:
            raise DoubtError(
                str(error.args[0]), hint=f"{error.hint}; without {self._memory} a sender starts over"
            ) from error
        check(receipt, plain, before, trusted)
        self._remember(Remembered(trusted.line, receipt.checkpoint))
        return receipt

    def _remembered(self) -> Remembered:
        """Of the file, or of the provider at the first contact."""
        if self._memory is not None:
            try:
                return msgspec.json.decode(self._memory.read_bytes(), type=Remembered)
            except FileNotFoundError:
                pass
            except (OSError, *MALFORMED) as error:
                raise NotDeliveredError(
                    f"{self._memory} cannot be read: {in_words(error)}",
                    hint="it keeps the provider honest; restore it, or delete it to start over",
                ) from error
        return first_contact(self._place, self._token, self._exchange)

    def _remember(self, known: Remembered) -> None:
        if self._memory is None:
            return
        try:
            self._memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._memory, encoded(known), 0o600, is_lasting=True)
        except OSError as error:
            # The report is delivered, and the checkpoint before is as good, only older.
            self.why_not_kept = (error.strerror or str(error)).lower()


def first_contact(place: Destination, token: str, exchange: Exchange) -> Remembered:
    """The key and the state of the log as the provider shows them. Raises: ``NotDeliveredError``."""
    headers = {"Authorization": f"Bearer {token}"}
    state = decoded(place, exchange, Call("GET", place.address("checkpoint"), headers), LogState)
    return Remembered(state.verifier, state.checkpoint)


def opened(place: Destination, known: Remembered) -> tuple[Verifier, Checkpoint]:
    """Raises: ``DoubtError``."""
    try:
        trusted = verifier(known.verifier)
        if not known.checkpoint:
            return trusted, Checkpoint("", 0, EMPTY_ROOT)
        return trusted, trusted.opened(known.checkpoint)
    except (NoteError, ValueError) as error:
        raise DoubtError(f"{place.host}: {error}") from error


def answered(place: Destination, exchange: Exchange, call: Call) -> Answer:
    """Raises: ``NotDeliveredError`` where none comes."""
    try:
        return exchange(call)
    except OSError as error:
        raise NotDeliveredError(f"{place.host} cannot be reached: {error}", hint=hint_of(error)) from error


def refusal(place: Destination, status: int, title: str, detail: str = "") -> NotDeliveredError:
    """Of what a provider says, with what to do where it is the token."""
    said = f"{place.host}: {plain_text(title, _MOST_SHOWN)}"
    detail = plain_text(detail, _MOST_SHOWN)
    return NotDeliveredError(f"{said} ({detail})" if detail else said, hint=_token_hint(status))


def _token_hint(status: int) -> str:
    if status not in (401, 403):
        return ""
    return "LEADLINE_SUBMIT_TOKEN holds the token that leadline provider add-source printed for this source"


def decoded(place: Destination, exchange: Exchange, call: Call, kind: type[S]) -> S:
    """The answer. Raises: ``NotDeliveredError``, ``ShorterError``."""
    answer = answered(place, exchange, call)
    try:
        if answer.status == _OK:
            return msgspec.json.decode(answer.body, type=kind)
        problem = msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NotDeliveredError(
            f"{place.host} answers HTTP {answer.status}, and not as a provider does",
            hint=_token_hint(answer.status),
        ) from None
    if problem.type == LOG_IS_SHORTER:
        raise ShorterError(
            f"{place.host} does not know all that it acknowledged",
            hint="it was restored from a backup, or replaced: ask who runs it",
            expected=problem.expected_sequence,
        )
    raise refusal(place, answer.status, problem.title, problem.detail)


def check(receipt: Receipt, sent: bytes, before: Checkpoint, trusted: Verifier) -> None:
    """That the log holds ``sent``, and begins with what it was ``before``. Raises: ``DoubtError``."""
    try:
        head = msgspec.json.decode(receipt.head, type=LogHead)
        now = trusted.opened(receipt.checkpoint)
        inclusion = [bytes.fromhex(one) for one in receipt.inclusion]
        consistency = [bytes.fromhex(one) for one in receipt.consistency]
    except (NoteError, msgspec.MsgspecError, ValueError) as error:
        raise DoubtError(f"the receipt is not readable: {in_words(error)}") from error
    if head.sent != digest_of(sent):
        raise DoubtError("the receipt is for another message")
    if head.origin != now.origin or (before.origin and before.origin != now.origin):
        raise DoubtError("the receipt is of another log")
    if not is_included(leaf_hash(receipt.head.encode()), head.index, now.size, inclusion, now.root):
        raise DoubtError("the receipt does not prove that the log holds the message")
    if not is_consistent(before.size, now.size, consistency, before.root, now.root):
        raise DoubtError(
            "the provider's log is not the one that was there before",
            hint="it was changed or replaced; keep your checkpoint, and ask who runs the provider",
        )
