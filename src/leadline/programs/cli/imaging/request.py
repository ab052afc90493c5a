"""What a person asks of an image."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from leadline.errors import UsageError
from leadline.model.control import SEVERITIES


class ImageRequest(Struct, frozen=True, kw_only=True):
    """One command line. Field names are those of the flags."""

    image: str
    is_scan: bool = False
    """Whether findings are wanted beside the packages."""
    format: tuple[str, ...] = ()
    output: str = ""
    verbose: bool = False
    quiet: bool = False
    debug: bool = False
    no_color: bool = False
    fail_on: tuple[str, ...] = ()
    severity_threshold: str = ""
    digests: bool = False
    platform: str = ""
    username: str = ""
    password_stdin: bool = False
    insecure: bool = False
    ca_file: str = ""
    mirror: tuple[str, ...] = ()
    no_cache: bool = False


def image_request(image: str, is_scan: bool, flags: Mapping[str, Any]) -> ImageRequest:
    """The request that the words of a command line make.

    Raises: ``UsageError`` for values that no flag has.
    """
    lists = {name: _words(flags.get(name, ())) for name in ("format", "fail_on", "mirror")}
    request = ImageRequest(image=image, is_scan=is_scan, **{**flags, **lists})
    for word in request.fail_on:
        if word != "unread":
            raise UsageError(f"--fail-on knows unread (got {word})")
    if request.severity_threshold and request.severity_threshold not in SEVERITIES[:-1]:
        names = ", ".join(reversed(SEVERITIES[:-1]))
        raise UsageError(f"--severity-threshold must be one of {names} (got {request.severity_threshold})")
    if request.severity_threshold:
        # A gate that most of what it is about cannot reach would pass for the wrong reason.
        raise UsageError(
            "--severity-threshold cannot be judged for images: vulnerabilities are not matched yet",
            hint="leave it out; --fail-on unread works",
        )
    if not image.strip():
        raise UsageError("an empty name is no image", hint="write it as registry/repository:tag")
    return request


def _words(values: tuple[str, ...]) -> tuple[str, ...]:
    """Lists may be repeated or written with commas, and blanks around them."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())
