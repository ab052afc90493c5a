"""Reviews as the API server sends them, and answers as it reads them; both within bounds.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson
from msgspec import Struct

API_VERSION = "admission.k8s.io/v1"
LONGEST_WARNING = 256
"""Characters; the API server cuts what is longer where all of them together are too long."""
MOST_WARNING_CHARACTERS = 4096
"""Of all warnings to one request, whatever webhooks they come from; what is beyond, it drops."""
LONGEST_MESSAGE = 4_000
LONGEST_ANNOTATION = 1_000
LONGEST_UID = 128
Body = dict[str, Any]


class Malformed(Exception):  # noqa: N818 (the sender's, not ours)
    """It is no review; the text says why, without anything out of it."""


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
    object: Body | None = None
    old_object: Body | None = None
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
    """Raises: ``Malformed``."""
    try:
        whole = msgspec.json.decode(content, type=_Whole)
    except msgspec.ValidationError:
        raise Malformed("it is no AdmissionReview") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Malformed("it is no JSON, or nested too deep") from None
    if whole.api_version != API_VERSION or whole.kind != "AdmissionReview":
        raise Malformed(f"it is no AdmissionReview of {API_VERSION}")
    if not 0 < len(whole.request.uid) <= LONGEST_UID:
        raise Malformed("its request has no uid")
    return whole.request


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
