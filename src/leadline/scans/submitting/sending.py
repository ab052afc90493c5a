"""Sends one message, and believes a receipt only where it proves itself. The HTTP client is made by the program."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, quote, urlsplit

import msgspec
import zstandard
from msgspec import Struct

from leadline.api.provider.note import Checkpoint, NoteError, Verifier, verifier
from leadline.api.provider.tree import EMPTY_ROOT, is_consistent, is_included, leaf_hash
from leadline.api.provider.wire import (
    LOG_IS_SHORTER,
    Changes,
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
_MASKED = {"Authorization": "Bearer ***", "X-API-KEY": "***"}
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


def address_parts(url: str, what: str, form: str, sent: str) -> SplitResult:
    """Of an URL that a person gave: over TLS, but to this machine itself.

    ``what``: whose it is, ``provider``; ``form``: how one is written; ``sent``: what would be read on the way. Raises: ``UsageError``.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError(f"invalid {what} URL", hint=form) from None
    if parts.scheme not in ("https", "http") or not host:
        raise UsageError(f"invalid {what} URL", hint=form)
    if "@" in parts.netloc:
        raise UsageError(f"the {what} URL must not contain a user or a password", hint=form)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise UsageError(f"{sent} would reach {host} in clear text", hint="use https://")
    return parts


def destination(
    url: str, form: str = "use https://HOST/SOURCE, as leadline provider add-source named the source"
) -> Destination:
    """``form``: of an address. Raises: ``UsageError``."""
    parts = address_parts(url, "provider", form, "the token")
    base, _, source = url.rstrip("/").rpartition("/")
    if parts.query or parts.fragment or "/../" in f"{parts.path}/":
        raise UsageError("invalid provider URL", hint=form)
    if len(base) <= len(f"{parts.scheme}://") or not _SOURCE.fullmatch(source):
        raise UsageError("the provider URL names no source", hint=form)
    return Destination(base, source)


def provider_base(url: str) -> str:
    """``url`` of a whole provider, without a source. Raises: ``UsageError``."""
    return destination(f"{url.rstrip('/')}/all", "use https://HOST").base


class Remembered(Struct, frozen=True, rename="camel"):
    """What a sender keeps of a provider, so that no other past can be shown to it later."""

    verifier: str
    checkpoint: str = ""


class Parcel(Struct, frozen=True):
    """A message as it travels: the same whenever it is sent again."""

    route: str
    """``report``, ``changes`` or ``images``."""
    key: str
    """Idempotency key, a UUID."""
    packed: bytes
    """Compressed by zstd."""
    plain: bytes
    """What a receipt is for."""

    def request(self, place: Destination, token: str, known_size: int = 0) -> Call:
        """``known_size``: of the log, by the last checkpoint that is kept."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Content-Encoding": "zstd",
            "Idempotency-Key": self.key,
        }
        url = place.address(self.route) + (f"?knownSize={known_size}" if known_size else "")
        return Call("POST", url, headers, self.packed)


Message = WholeReport | ImageContent
_ROUTES = {WholeReport: "report", Changes: "changes", ImageContent: "images"}


def parcel_of(message: Message | Changes, key: str) -> Parcel:
    plain = encoded(message)
    return Parcel(_ROUTES[type(message)], key, zstandard.ZstdCompressor(level=6).compress(plain), plain)


def write_request(folder: Path, call: Call, bodies: Mapping[str, bytes], name: str = "request.txt") -> None:
    """Method, URL and headers into the file ``name``, secrets masked, and each of ``bodies`` into its own. Raises: ``OSError``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "".join(f"{head}: {_MASKED.get(head, value)}\n" for head, value in call.headers.items())
    for file, content in {name: f"{call.method} {call.url}\n{text}".encode(), **bodies}.items():
        write_whole(folder / file, content, 0o600)


class Channel:
    """To one source, with a token that may write it."""

    def __init__(self, place: Destination, token: str, exchange: Exchange) -> None:
        self._place, self._token, self._exchange = place, token, exchange

    def first_contact(self) -> Remembered:
        """The key and the state of the log as the provider shows them. Raises: ``NotDeliveredError``."""
        headers = {"Authorization": f"Bearer {self._token}"}
        state = self._decoded(Call("GET", self._place.address("checkpoint"), headers), LogState)
        return Remembered(state.verifier, state.checkpoint)

    def opened(self, known: Remembered) -> tuple[Verifier, Checkpoint]:
        """Raises: ``DoubtError``."""
        try:
            trusted = verifier(known.verifier)
            if not known.checkpoint:
                return trusted, Checkpoint("", 0, EMPTY_ROOT)
            return trusted, trusted.opened(known.checkpoint)
        except (NoteError, ValueError) as error:
            raise DoubtError(f"{self._place.host}: {error}") from error

    def deliver(self, parcel: Parcel, known: Remembered) -> Receipt:
        """The receipt, which proves itself. Raises: ``NotDeliveredError``, ``DoubtError``, ``ShorterError``."""
        trusted, before = self.opened(known)
        receipt = self._decoded(parcel.request(self._place, self._token, before.size), Receipt)
        check(receipt, parcel, before, trusted)
        return receipt

    def _decoded(self, call: Call, kind: type[S]) -> S:
        """The answer. Raises: ``NotDeliveredError``, ``ShorterError``."""
        host, answer = self._place.host, answered(self._place, self._exchange, call)
        try:
            if answer.status == _OK:
                return msgspec.json.decode(answer.body, type=kind)
            problem = msgspec.json.decode(answer.body, type=Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise NotDeliveredError(
                f"{host} answers HTTP {answer.status}, but not as a provider does",
                hint=_token_hint(answer.status),
            ) from None
        if problem.type == LOG_IS_SHORTER:
            raise ShorterError(
                f"{host} has lost reports that it acknowledged",
                hint="it was restored from a backup, or replaced: ask who runs it",
                expected=problem.expected_sequence,
            )
        raise refusal(self._place, answer.status, problem.title, problem.detail)


def send_once(channel: Channel, parcel: Parcel, memory: Path | None) -> tuple[Receipt, str]:
    """The receipt, and why its checkpoint is not in ``memory``; empty where it is, or where there is none, as in a pipeline.

    Raises: ``NotDeliveredError``, ``DoubtError``.
    """
    known = (_remembered(memory) if memory else None) or channel.first_contact()
    try:
        receipt = channel.deliver(parcel, known)
    except ShorterError as error:
        over = f"; delete {memory} to start over" if memory else ""
        raise DoubtError(str(error.args[0]), hint=f"{error.hint}{over}") from error
    try:
        if memory:
            memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(
                memory, encoded(Remembered(known.verifier, receipt.checkpoint)), 0o600, is_lasting=True
            )
    except OSError as error:
        # The report is delivered, and the checkpoint before is as good, only older.
        return receipt, in_words(error)
    return receipt, ""


def _remembered(memory: Path) -> Remembered | None:
    """``None`` before the first contact. Raises: ``NotDeliveredError``."""
    try:
        return msgspec.json.decode(memory.read_bytes(), type=Remembered)
    except FileNotFoundError:
        return None
    except (OSError, *MALFORMED) as error:
        raise NotDeliveredError(
            f"cannot read {memory}: {in_words(error)}",
            hint="it holds the last checkpoint of the provider; restore it, or delete it to start over",
        ) from error


def answered(place: Destination, exchange: Exchange, call: Call) -> Answer:
    """Raises: ``NotDeliveredError`` where none comes."""
    try:
        return exchange(call)
    except OSError as error:
        raise NotDeliveredError(f"{place.host} cannot be reached: {error}", hint=hint_of(error)) from error


def refusal(place: Destination, status: int, title: str, detail: str = "") -> NotDeliveredError:
    """Of what a provider says, with what to do where it is the token. ``title``: empty where it says nothing."""
    said = (
        f"{place.host}: {plain_text(title, _MOST_SHOWN)}" if title else f"{place.host} answers HTTP {status}"
    )
    detail = plain_text(detail, _MOST_SHOWN)
    return NotDeliveredError(f"{said} ({detail})" if detail else said, hint=_token_hint(status))


def _token_hint(status: int) -> str:
    if status not in (401, 403):
        return ""
    return "set LEADLINE_SUBMIT_TOKEN to the token that leadline provider add-source printed for this source"


def check(receipt: Receipt, sent: Parcel, before: Checkpoint, trusted: Verifier) -> None:
    """That the log holds ``sent``, and begins with what it was ``before``. Raises: ``DoubtError``."""
    try:
        head = msgspec.json.decode(receipt.head, type=LogHead)
        now = trusted.opened(receipt.checkpoint)
        inclusion = [bytes.fromhex(one) for one in receipt.inclusion]
        consistency = [bytes.fromhex(one) for one in receipt.consistency]
    except (NoteError, msgspec.MsgspecError, ValueError) as error:
        raise DoubtError(f"the receipt of the provider cannot be read: {in_words(error)}") from error
    # By its key as well: a report that says what one before said has an entry of its own.
    if head.sent != digest_of(sent.plain) or head.key != sent.key:
        raise DoubtError("the receipt of the provider is for another message")
    if head.origin != now.origin or (before.origin and before.origin != now.origin):
        raise DoubtError("the receipt of the provider is of another log")
    if not is_included(leaf_hash(receipt.head.encode()), head.index, now.size, inclusion, now.root):
        raise DoubtError("the receipt does not prove that the provider has logged the message")
    if not is_consistent(before.size, now.size, consistency, before.root, now.root):
        raise DoubtError(
            "the provider's log is not the one that was there before",
            hint="it was changed or replaced; keep your checkpoint, and ask who runs the provider",
        )
