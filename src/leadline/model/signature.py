"""Who signed an image, and what a policy makes of it."""

from typing import Literal

from msgspec import Struct

SignerKind = Literal["key", "identity"]


class Signer(Struct, frozen=True):
    """Who signed."""

    kind: SignerKind
    name: str
    """What the policy calls the key; of a keyless signature the identity in its certificate (a mail address or URI)."""
    issuer: str = ""
    """Who vouches for the identity; empty for a key."""


AttachmentKind = Literal["signature", "attestation"]


class Attached(Struct, frozen=True):
    """Something that is attached to an image in its registry: as it claims, and what became of checking it."""

    kind: AttachmentKind
    where: str
    """The tag, or the digest of the referrer, that leads to it."""
    predicate: str = ""
    """The type of what an attestation says, a URI; empty for a signature."""
    signer: Signer | None = None
    """Who of those that the policy allows signed it; ``None`` where no one of them did."""
    why: str = ""
    """Why it does not count; empty where it does."""
    signed_at: str = ""
    """When a transparency log took it, RFC 3339; empty where none did."""
    statement: bytes = b""
    """What an attestation says, as in-toto JSON; empty where it does not count."""


Outcome = Literal["trusted", "not trusted", "no policy", "not required"]


class ImageTrust(Struct, frozen=True):
    """What a policy says about one image."""

    name: str
    digest: str
    """Of the manifest or index that the name leads to."""
    outcome: Outcome
    why: str
    """One sentence without a full stop."""
    rule: str = ""
    """The images that the rule of the policy is about; empty where none speaks of this one."""
    attached: tuple[Attached, ...] = ()
