"""What a policy makes of the signatures of an image that is scanned, and what is attested about it."""

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.model.image_report import ImageFinding
from leadline.scans.open_image import registry_name
from leadline.scans.options import ImageOptions

_FIX = "sign it in the build with a key or an identity that the policy allows"


class ImageTrusted(Struct, frozen=True):
    """What becomes of it in a report; all empty where no policy was given."""

    findings: tuple[ImageFinding, ...] = ()
    gaps: tuple[str, ...] = ()
    """Why it is not known who signed the image, as sentences without a full stop."""
    vex: tuple[bytes, ...] = ()
    """OpenVEX documents that someone attested whom the policy allows."""


def trust_of_image(reference: str, options: ImageOptions) -> ImageTrusted:
    """``reference`` as the user named the image.

    Raises: ``UsageError`` or ``SourceError`` where the policy cannot be used.
    """
    if not options.trust_policy:
        return ImageTrusted()
    # Keys and signatures are for this alone.
    from leadline.image.signatures.trust import statements_of
    from leadline.scans.verify_images import read_trust_policy, verify_image

    trust = read_trust_policy(options.trust_policy, options.trusted_root)
    name = registry_name(reference)
    if not name:
        return ImageTrusted(gaps=("signatures: they are kept in registries, and this is not in one",))
    try:
        found = verify_image(name, trust, options)
    except (SourceError, UsageError) as error:
        return ImageTrusted(gaps=(f"signatures: {error.args[0]}",))
    if found.outcome in ("trusted", "not required"):
        return ImageTrusted(vex=tuple(statements_of(found, "openvex")))
    return ImageTrusted(
        (ImageFinding("high", "Not signed as the policy asks", "signature", found.why, _FIX),)
    )
