"""One scan of an image: a reference and options in, a report out."""

from datetime import UTC, datetime
from os import PathLike, fspath

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.image_report import DENIED_LICENCE, ImageFinding, ImageReport
from leadline.model.package import Sbom
from leadline.model.vulnerability import Match
from leadline.sbom.findings import image_findings, not_judged
from leadline.scans.images.lazy_sbom import LazySbom, open_sbom
from leadline.scans.images.vulnerabilities import vulnerabilities_of
from leadline.scans.options import ImageOptions
from leadline.sources.images.resolve import file_of_images
from leadline.sources.of_others import left_out_by_others


def image_scan(reference: str | PathLike[str], options: ImageOptions | None = None) -> ImageReport:
    """The report about what ``reference`` names: an image, an archive, a folder, or an SBOM document.

    Raises:
        UsageError: what is asked for makes no sense.
        SourceError: it cannot be opened, or nothing is in it.
        DatabaseError: the vulnerability database cannot be read, or is too old.
    """
    options = options or ImageOptions()
    with open_sbom(fspath(reference), options) as lazy:
        return image_report(lazy, options)


def image_report(lazy: LazySbom, options: ImageOptions) -> ImageReport:
    """The SBOM with all findings, accepted ones apart. Raises as ``LazySbom.sbom`` and ``vulnerabilities_of``."""
    sbom = lazy.sbom()
    today = options.today or datetime.now(UTC).strftime("%Y-%m-%d")
    findings = image_findings(sbom, today, is_document=lazy.is_from_document)
    licences, licence_gaps = denied_licences(sbom, options)
    wanted = tuple(one for one in findings if not options.severities or one.severity in options.severities)
    left_out = len(findings) - len(wanted)
    # What its user denied counts, whatever severity is looked at.
    findings = (*licences, *wanted)
    trusted = trust_of_image(lazy.reference, options)
    own_packages = len(sbom.packages)
    if trusted.sbom is not None:
        attested = trusted.sbom
        distro = attested.distro if attested.distro.id else sbom.distro
        sbom = replace(sbom, packages=attested.packages, distro=distro, digests=())
    found = vulnerabilities_of(sbom, options, today, trusted.vex)
    matches, gaps = _by_loading(found.matched.matches, lazy)
    report = ImageReport(
        sbom,
        (*trusted.findings, *findings),
        (
            *found.gaps,
            *gaps,
            *trusted.gaps,
            *licence_gaps,
            *(
                (f"{left_out:,} finding{'s' * (left_out > 1)} of other severities left out",)
                if left_out
                else ()
            ),
            *(_of_signers(own_packages) if trusted.sbom else ()),
            *(() if options.with_credentials else ("nothing was searched for credentials, as asked",)),
            *not_judged(sbom, is_document=lazy.is_from_document),
            *left_out_by_others(_folders(lazy.reference)),
        ),
        matches,
        found.matched.suppressed,
        found.matched.coverage,
        found.database,
    )
    if not options.waivers:
        return report
    from leadline.scans.waivers.image_waiving import waived_image  # a tenth of the start of a scan
    from leadline.scans.waivers.waiving import waivers_of_files

    return waived_image(report, waivers_of_files(options.waivers), options.today or _now())


def _folders(reference: str) -> tuple[str, ...]:
    """Where other scanners look for files of theirs, which is here, and beside the image."""
    file = file_of_images(reference)
    beside = str(file.path.parent) if file else "."
    return ("",) if beside == "." else ("", beside)


def denied_licences(sbom: Sbom, options: ImageOptions) -> tuple[tuple[ImageFinding, ...], tuple[str, ...]]:
    """A finding for each package under a licence that is not wanted; and of how many no licence is known."""
    if not options.deny_licences:
        return (), ()
    from leadline.sbom.licences.denied import denied, unlisted  # seldom asked for

    findings = tuple(
        ImageFinding(
            "high",
            DENIED_LICENCE,
            package.found_in[0] if package.found_in else package.name,
            f"{package.name} {package.version}: {licence}",
            "use another package, or ask who decides on licences",
            package.layer,
        )
        for package, licence in denied(sbom.packages, options.deny_licences)
    )
    gaps = [
        f"{name[:100]} is not in SPDX's list of licences: denied where a package states it in these words"
        for name in unlisted(options.deny_licences)
    ]
    if unknown := sum(1 for package in sbom.packages if not package.licenses):
        gaps.append(f"packages that state no licence: {unknown:,}")
    return findings, tuple(gaps)


def _of_signers(own_packages: int) -> tuple[str, ...]:
    return (
        "packages are those of the SBOM that a signer attested, as the policy asks; "
        f"the {own_packages:,} that were found in the image were not matched",
    )


def _by_loading(matches: tuple[Match, ...], lazy: LazySbom) -> tuple[tuple[Match, ...], tuple[str, ...]]:
    """With what is known of run time; and what is not."""
    if lazy.loaded is None:
        return matches, ()
    from leadline.vulnerabilities.relevance import ranked_by_loading  # seldom is it known

    matches = ranked_by_loading(matches, lazy.loaded.is_loaded)
    unknown = len({id(match.package) for match in matches if match.loaded is None})
    gap = f"vulnerable packages of which it is not known whether they were loaded: {unknown:,}"
    return matches, (gap,) if unknown else ()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
    try:
        found = verify_image(reference, trust, options)
    except (SourceError, UsageError) as error:
        return ImageTrusted(gaps=(f"signatures: {error.args[0]}",))
    if found.outcome in ("trusted", "not required"):
        vex = tuple(statements_of(found, "openvex"))
        rule = rule_for(reference, trust)
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
    from leadline.sbom.documents.reader import read_sbom_document

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
