"""What about an image helps an attacker, apart from its packages: judged from its bill of materials alone."""

from collections.abc import Iterator

from leadline.model.control import SEVERITIES
from leadline.model.image_report import ImageFinding
from leadline.model.package import Sbom

_ROOT = frozenset(("", "0", "root"))
CONFIGURATION = "configuration"


def image_findings(sbom: Sbom, today: str) -> tuple[ImageFinding, ...]:
    """Every finding, worst first, then by kind and place. ``today`` as ``2026-06-30``."""
    found = [*_files(sbom), *_user(sbom), *_distribution(sbom, today)]
    return tuple(sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.title, one.where)))


def not_judged(sbom: Sbom, *, is_document: bool) -> tuple[str, ...]:
    """What the findings say nothing about. ``is_document``: read from a bill of materials that somebody else made."""
    gaps = ["vulnerabilities of these packages are not matched yet"]
    if is_document:
        gaps.append("files and configuration are not in a bill of materials")
    elif not sbom.image.id:
        gaps.append("a folder has no configuration, so nobody knows who will run in it")
    return tuple(gaps)


def _files(sbom: Sbom) -> Iterator[ImageFinding]:
    for file in sbom.files:
        match file.why:
            case "secret":
                yield ImageFinding(
                    "high",
                    "Credential in the image",
                    file.path,
                    file.detail,
                    "revoke it, and hand its successor over when the container starts",
                    file.layer,
                )
            case "setuid":
                yield ImageFinding(
                    "low",
                    "Set-uid file",
                    file.path,
                    f"mode {file.mode & 0o7777:04o}",
                    "take the bit away (chmod u-s), or start containers with allowPrivilegeEscalation: false",
                    file.layer,
                )
            case "setgid":
                yield ImageFinding(
                    "low",
                    "Set-gid file",
                    file.path,
                    f"mode {file.mode & 0o7777:04o}",
                    "take the bit away (chmod g-s), or start containers with allowPrivilegeEscalation: false",
                    file.layer,
                )


def _user(sbom: Sbom) -> Iterator[ImageFinding]:
    """Nothing where no configuration was read: a root folder does not say who runs."""
    if sbom.image.id and sbom.config.user.partition(":")[0] in _ROOT:
        detail = f"user {sbom.config.user}" if sbom.config.user else "no user is set"
        cure = "name another user in the image's last USER line"
        yield ImageFinding("medium", "Runs as root", CONFIGURATION, detail, cure)


def _distribution(sbom: Sbom, today: str) -> Iterator[ImageFinding]:
    distro = sbom.distro
    if distro.end_of_life and distro.end_of_life < today[:10]:
        detail = f"{distro.id} {distro.version} since {distro.end_of_life}"
        yield ImageFinding(
            "high",
            "Distribution past its end of life",
            "operating system",
            detail,
            "build on a newer release",
        )
