"""Answers that are not what was asked for, as Kubernetes words them: a ``Status`` with a code and a reason."""

from collections.abc import Iterable, Mapping
from typing import Any

from leadline.api.kind import Kind

Status = dict[str, Any]
RETRY_AFTER_S = 1
_RETRIED = frozenset({429, 503, 504})


class Refusal(Exception):  # noqa: N818 an answer, not a fault
    """``causes`` are ``{reason, message, field}``."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    @property
    def retry_after_s(self) -> int:
        """0 where asking again is of no use."""
        return RETRY_AFTER_S if self.code in _RETRIED else 0

    @property
    def status(self) -> Status:
        details = dict(self.details)
        if self.retry_after_s:
            details["retryAfterSeconds"] = self.retry_after_s
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": details,
            "code": self.code,
        }


def _about(kind: Kind, name: str, causes: Iterable[Mapping[str, str]] = ()) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name, "group": kind.group, "kind": kind.plural}
    if listed := list(causes):
        details["causes"] = listed
    return details


def _title(kind: Kind, name: str) -> str:
    return f'{kind.plural}.{kind.group} "{name}"'


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized", "Unauthorized")


def forbidden(message: str, details: Mapping[str, Any] | None = None) -> Refusal:
    return Refusal(403, "Forbidden", message, details)


def not_found(kind: Kind, name: str) -> Refusal:
    return Refusal(404, "NotFound", f"{_title(kind, name)} not found", _about(kind, name))


def no_such_path() -> Refusal:
    return Refusal(404, "NotFound", "the server could not find the requested resource")


def no_such_method() -> Refusal:
    message = "the server does not allow this method on the requested resource"
    return Refusal(405, "MethodNotAllowed", message)


def computed(kind: Kind) -> Refusal:
    message = f"{kind.plural}.{kind.group} are computed from other objects and cannot be written"
    return Refusal(405, "MethodNotAllowed", message)


def not_acceptable() -> Refusal:
    message = "only the following media types are accepted: application/json"
    return Refusal(406, "NotAcceptable", message)


def exists(kind: Kind, name: str) -> Refusal:
    return Refusal(409, "AlreadyExists", f"{_title(kind, name)} already exists", _about(kind, name))


def conflict(kind: Kind, name: str, why: str, causes: Iterable[Mapping[str, str]] = ()) -> Refusal:
    message = f"Operation cannot be fulfilled on {_title(kind, name)}: {why}"
    return Refusal(409, "Conflict", message, _about(kind, name, causes))


def modified(kind: Kind, name: str) -> Refusal:
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind, name, why)


def expired(message: str) -> Refusal:
    return Refusal(410, "Expired", message)


def too_large(what: str, limit: int) -> Refusal:
    return Refusal(413, "RequestEntityTooLarge", f"{what} is larger than {limit}")


def unsupported_media(known: Iterable[str]) -> Refusal:
    message = "the body of the request was in an unknown format - accepted media types include: "
    return Refusal(415, "UnsupportedMediaType", message + ", ".join(known))


def invalid(kind: Kind, name: str, field: str, why: str) -> Refusal:
    cause = {"reason": "FieldValueInvalid", "message": why, "field": field}
    message = f'{kind.name}.{kind.group} "{name}" is invalid: {field}: {why}'
    return Refusal(422, "Invalid", message, {**_about(kind, name, [cause]), "kind": kind.name})


def too_many() -> Refusal:
    return Refusal(429, "TooManyRequests", "too many requests at a time, please try again later")


def unavailable(why: str) -> Refusal:
    return Refusal(503, "ServiceUnavailable", why)


def of_the_future(revision: int | str) -> Refusal:
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Refusal(504, "Timeout", f"Too large resource version: {revision}", {"causes": [cause]})
