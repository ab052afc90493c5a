"""The names that are used of sigstore's library, and what it trusts."""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from leadline.errors import SourceError, UsageError

_ROOT = ("_store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")


class Library:
    """Imported once."""

    def __init__(self) -> None:
        from sigstore._internal.sct import verify_sct
        from sigstore._internal.trust import KeyringPurpose
        from sigstore.errors import Error
        from sigstore.models import Bundle, TrustedRoot
        from sigstore.verify import Verifier

        self.Error, self.Bundle, self.TrustedRoot = Error, Bundle, TrustedRoot
        self.Verifier = Verifier
        self.verify_sct, self.purpose = verify_sct, KeyringPurpose.VERIFY


class AnyIdentity:
    """A policy of the library that takes every certificate: who may sign is the policy's that the user wrote, and asked afterwards.

    Its own one for this warns the user that nothing was verified.
    """

    def verify(self, cert: Any) -> None:
        """Takes it."""


@lru_cache(maxsize=1)
def library() -> Any:
    """Raises: ``UsageError`` where it is not installed."""
    try:
        return Library()
    except ImportError as error:
        raise UsageError(
            "an image has a keyless signature, and the library that checks them is not installed",
            hint="install the extra: leadline[signatures]",
        ) from error


def trusted_root_of(file: str) -> Any:
    """The CAs and logs in ``file``; those of sigstore's public service, as the library brings them, where it is empty.

    Raises: ``SourceError`` where it cannot be read, ``UsageError`` where it is something else.
    """
    names = library()
    if not file:
        return _public_root()
    try:
        if not Path(file).is_file():
            raise SourceError(f"no such file: {file}")
        return names.TrustedRoot.from_file(file)
    except OSError as error:
        raise SourceError(f"cannot read {file}: {(error.strerror or str(error)).lower()}") from error
    except (names.Error, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{file} is not a trusted root of sigstore") from error


@lru_cache(maxsize=1)
def _public_root() -> Any:
    """Read from the library's own files: what it loads by itself lies in the user's cache, and is fetched."""
    with resources.as_file(resources.files("sigstore").joinpath(*_ROOT)) as path:
        return library().TrustedRoot.from_file(str(path))
