"""Encrypts reports to recipients, in the format of age (https://age-encryption.org/v1).

Any program that knows the format decrypts them. Keys are age's own, or SSH keys of the types ed25519 and RSA.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from leadline.errors import UsageError

SUFFIX = ".age"
_KINDS = "age1… or an SSH key (ssh-ed25519, ssh-rsa)"


class Recipients:
    """Who can read what is encrypted."""

    def __init__(self, keys: Sequence[str]) -> None:
        """``keys``: public keys, one each.

        Raises: ``UsageError`` for one that is none, and where there is no library to encrypt with.
        """
        self._library = _library()
        self._recipients = [self._recipient(key.strip()) for key in keys]
        if not self._recipients:
            raise UsageError("no recipient is named", hint=f"a recipient is a public key: {_KINDS}")

    def _recipient(self, key: str) -> Any:
        kind = self._library.ssh if key.startswith("ssh-") else self._library.x25519
        try:
            return kind.Recipient.from_str(key)
        except self._library.RecipientError as error:
            is_private = key.upper().startswith("AGE-SECRET-KEY-")
            shown = "a private key" if is_private else (key[:12] + "…" if len(key) > 12 else key)
            raise UsageError(
                f"{shown} is not a recipient", hint=f"a recipient is a public key: {_KINDS}"
            ) from error

    def encrypted(self, content: bytes) -> bytes:
        made: bytes = self._library.encrypt(content, self._recipients)
        return made


def decrypted(content: bytes, identity: bytes) -> bytes:
    """The content of an encrypted file; ``identity`` is a file of private keys, as ``age-keygen`` and ``ssh-keygen`` write it.

    Raises: ``UsageError`` for keys that are none, or that the file is not encrypted to.
    """
    library = _library()
    identities = _identities(library, identity)
    try:
        made: bytes = library.decrypt(content, identities)
    except library.DecryptError as error:
        raise UsageError(
            "it cannot be decrypted with this key", hint="it is encrypted to others, or damaged"
        ) from error
    return made


def _identities(library: ModuleType, identity: bytes) -> list[Any]:
    try:
        if b"PRIVATE KEY-----" in identity:
            return [library.ssh.Identity.from_buffer(identity)]
        rows = identity.decode().splitlines()
        found = [library.x25519.Identity.from_str(r.strip()) for r in rows if r.strip() and r[:1] != "#"]
    except (library.IdentityError, UnicodeDecodeError) as error:
        raise UsageError("the file of the identity holds no private key of age or SSH") from error
    if not found:
        raise UsageError("the file of the identity holds no private key of age or SSH")
    return found


def _library() -> ModuleType:
    try:
        import pyrage  # an extra
    except ImportError as error:
        raise UsageError("encryption needs pyrage", hint="install leadline[report]") from error
    found: ModuleType = pyrage
    return found
