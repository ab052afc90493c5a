"""Reviews as the API server sends them, and answers as it reads them; both within bounds.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson
from msgspec import Raw, Struct

API_VERSION = "admission.k8s.io/v1"
LONGEST_WARNING = 256
"""Characters; the API server cuts what is longer where all of them together are too long."""
MOST_WARNING_CHARACTERS = 4096
"""Of all warnings to one request, whatever webhooks they come from; what is beyond, it drops."""
LONGEST_MESSAGE = 4_000
LONGEST_ANNOTATION = 1_000
LONGEST_UID = 128
MOST_MARKS = 300_000
"""Of values that hold others, and of keys, in the text of an object: taken apart, each is many times as large."""
_UID = re.compile(rb'"request":\s*\{\s*"uid":\s*"([0-9a-fA-F-]{1,128})"')
"""Where the API server writes it, for what cannot be read as a whole."""
_NOTHING = Raw(b"null")
Body = dict[str, Any]


class Malformed(Exception):  # noqa: N818 (the sender's, not ours)
    """It is not a review; the text says why, without anything out of it."""


class TooLarge(Exception):  # noqa: N818 (the object's, not ours)
    """It would take too much to be judged; ``uid`` of the review, as far as it is known here."""

    def __init__(self, why: str, uid: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.uid = uid


class Undecodable(Exception):  # noqa: N818 (the sender's, not ours)
    """The object in a review cannot be read, so that what would be let through is unknown."""


class User(Struct, frozen=True):
    username: str = ""
    groups: tuple[str, ...] = ()


class Kind(Struct, frozen=True):
    group: str = ""
    version: str = ""
    kind: str = ""


class Review(Struct, frozen=True, rename="camel"):
    """What is asked about one write."""

    uid: str
    operation: str
    kind: Kind = Kind()
    name: str = ""
    namespace: str = ""
    sub_resource: str = ""
    user_info: User = User()
    object: Raw = _NOTHING
    old_object: Raw = _NOTHING
    dry_run: bool | None = None


class _Whole(Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    request: Review


class Answer(Struct, frozen=True):
    uid: str
    is_allowed: bool = True
    warnings: tuple[str, ...] = ()
    message: str = ""
    """Why it is denied: a line for each finding."""
    annotations: Mapping[str, str] = {}
    """Of the audit log; keys without the name of the webhook."""


def read_review(content: bytes) -> Review:
    """The objects in it are taken apart by ``body_of``. Raises: ``Malformed``, ``TooLarge``."""
    try:
        whole = msgspec.json.decode(content, type=_Whole)
    except msgspec.ValidationError:
        raise Malformed("it is not an AdmissionReview") from None
    except RecursionError:
        named = _UID.search(content[:1024])
        if named is None:
            raise Malformed("it is nested too deep") from None
        raise TooLarge("nested too deep", named[1].decode("ascii")) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("it is not JSON") from None
    if whole.api_version != API_VERSION or whole.kind != "AdmissionReview":
        raise Malformed(f"it is not an AdmissionReview of {API_VERSION}")
    if not 0 < len(whole.request.uid) <= LONGEST_UID:
        raise Malformed("its request has no uid")
    return whole.request


def body_of(raw: Raw) -> Body | None:
    """The object as far as controls look at it; ``None`` for none. Raises: ``TooLarge``, ``Undecodable``.

    Others than its author may write the status and ``managedFields``, and as much as they like: no control of admission
    reads them, so they do not count.
    """
    parts = _parts(raw)
    if parts is None:
        return None
    parts.pop("status", None)
    metadata = _parts(parts.pop("metadata", _NOTHING)) or {}
    metadata.pop("managedFields", None)
    texts = [bytes(part) for part in (*parts.values(), *metadata.values())]
    if sum(map(len, texts)) > MOST_MARKS and sum(map(_marks, texts)) > MOST_MARKS:
        raise TooLarge(f"more than {MOST_MARKS:,} values")
    try:
        body = {key: msgspec.json.decode(part) for key, part in parts.items()}
        body["metadata"] = {key: msgspec.json.decode(part) for key, part in metadata.items()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Texts that are not UTF-8 are looked at now alone.
        raise Undecodable from None
    return body


def is_same_but_for_metadata(new: Raw, old: Raw) -> bool:
    """Whether two states of an object ask for the same: status and metadata aside, and annotations included.

    Both are as the API server writes them, which is always in the same order. Raises: ``Undecodable``.
    """
    both = _parts(new), _parts(old)
    annotations = [_parts((parts or {}).get("metadata", _NOTHING)) or {} for parts in both]
    if annotations[0].get("annotations") != annotations[1].get("annotations"):
        return False
    asked = [{k: v for k, v in (parts or {}).items() if k not in ("metadata", "status")} for parts in both]
    return bool(asked[1]) and asked[0] == asked[1]


def _parts(raw: Raw) -> dict[str, Raw] | None:
    try:
        return msgspec.json.decode(raw, type=dict[str, Raw] | None)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Undecodable from None


def _marks(text: bytes) -> int:
    return text.count(b"{") + text.count(b"[") + text.count(b'":')


def written(answer: Answer) -> bytes:
    """The answer within all bounds."""
    response: Body = {"uid": answer.uid, "allowed": answer.is_allowed}
    warnings = bounded(answer.warnings)
    if warnings:
        response["warnings"] = warnings
    if not answer.is_allowed:
        message = answer.message[:LONGEST_MESSAGE]
        response["status"] = {"status": "Failure", "code": 403, "reason": "Forbidden", "message": message}
    if answer.annotations:
        response["auditAnnotations"] = {k: v[:LONGEST_ANNOTATION] for k, v in answer.annotations.items()}
    return orjson.dumps({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response})


def bounded(warnings: Sequence[str]) -> list[str]:
    """As many as the API server shows whole."""
    kept: list[str] = []
    left = MOST_WARNING_CHARACTERS
    for warning in warnings:
        text = warning if len(warning) <= LONGEST_WARNING else f"{warning[: LONGEST_WARNING - 1]}…"
        left -= len(text.encode())
        if left < 0:
            break
        kept.append(text)
    return kept
