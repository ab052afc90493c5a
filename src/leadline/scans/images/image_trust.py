"""What a policy makes of the signatures of an image that is scanned, and what is attested about it."""

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.model.image_report import ImageFinding
from leadline.model.package import Sbom
from leadline.scans.images.open_image import registry_name
from leadline.scans.options import ImageOptions

_FIX = "sign it in the build with a key or an identity that the policy allows"


class ImageTrusted(Struct, frozen=True):
    """What becomes of it in a report; all empty where no policy was given."""

    findings: tuple[ImageFinding, ...] = ()
    gaps: tuple[str, ...] = ()
    """Why it is not known who signed the image, as sentences without a full stop."""
    vex: tuple[bytes, ...] = ()
    """OpenVEX documents that someone attested whom the policy allows."""
    sbom: Sbom | None = None
    """That which they attested, where the policy wants its packages and not those that a scan finds."""


def trust_of_image(reference: str, options: ImageOptions) -> ImageTrusted:
    """``reference`` as the user named the image.

    Raises: ``UsageError`` or ``SourceError`` where the policy cannot be used.
    """
    if not options.trust_policy:
        return ImageTrusted()
    # Keys and signatures are for this alone.
    from leadline.scans.images.verify_images import read_trust_policy, rule_for, verify_image
    from leadline.signatures.trust import statements_of

    trust = read_trust_policy(options.trust_policy, options.trusted_root)
    name = registry_name(reference)
    if not name:
        return ImageTrusted(gaps=("signatures: they are kept in registries, and this is not in one",))
    try:
        found = verify_image(name, trust, options)
    except (SourceError, UsageError) as error:
        return ImageTrusted(gaps=(f"signatures: {error.args[0]}",))
    if found.outcome in ("trusted", "not required"):
        vex = tuple(statements_of(found, "openvex"))
        rule = rule_for(name, trust)
        if rule is None or rule.sbom != "attested":
            return ImageTrusted(vex=vex)
        documents = [*statements_of(found, "cyclonedx"), *statements_of(found, "spdx")]
        sbom, gaps = _attested(documents, options)
        return ImageTrusted(gaps=gaps, vex=vex, sbom=sbom)
    return ImageTrusted(
        (ImageFinding("high", "Not signed as the policy asks", "signature", found.why, _FIX),)
    )


def _attested(documents: list[bytes], options: ImageOptions) -> tuple[Sbom | None, tuple[str, ...]]:
    """The first document that can be read; and why there is none, as gaps."""
    from leadline.outputs.redaction.sbom import redacted_sbom
    from leadline.sources.sbom.reader import read_sbom_document

    if not documents:
        return None, (
            "SBOM: none is attested by a signer that the policy allows; the image was looked at itself",
        )
    gaps = []
    for document in documents:
        try:
            sbom = redacted_sbom(read_sbom_document(document, "SBOM attestation", options.created))
        except SourceError as error:
            gaps.append(f"{error.args[0]}; the image was looked at itself")
            continue
        if sbom.packages:
            return sbom, ()
        gaps.append("SBOM attestation: it holds no package; the image was looked at itself")
    return None, tuple(dict.fromkeys(gaps))
