"""What about an image helps an attacker, apart from its packages: judged from its SBOM alone."""

from collections.abc import Iterator

from leadline.model.control import SEVERITIES
from leadline.model.image_report import ImageFinding
from leadline.model.package import DISTRIBUTION_TYPES, Distro, ImageFile, Sbom
from leadline.sbom.identity.accounts import ACCOUNT_FILE, is_open, refusal
from leadline.sbom.identity.config import CONFIGURATION
from leadline.sbom.identity.distro import is_rolling
from leadline.sbom.run_rules import (
    ADDED,
    CACHE,
    EMPTY_CACHE,
    NAME_A_USER,
    REACH_OTHERWISE,
    administrator,
    keeper_of_cache,
    remote_access,
)
from leadline.sbom.secrets.content import LARGEST_BYTES
from leadline.sbom.secrets.scan import is_sample

_NAMED = 3


def image_findings(sbom: Sbom, today: str, *, is_document: bool) -> tuple[ImageFinding, ...]:
    """Every finding, worst first, then by kind and place. ``today`` as ``2026-06-30``; ``is_document`` as below."""
    found = [*_files(sbom), *_distribution(sbom, today)]
    if not is_document and _has_configuration(sbom):
        found += [*_user(sbom), *_ports(sbom), *_caches(sbom)]
    return tuple(sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.title, one.where)))


def not_judged(sbom: Sbom, *, is_document: bool) -> tuple[str, ...]:
    """What the findings say nothing about. ``is_document``: read from a SBOM document."""
    gaps: list[str] = []
    if _may_end(sbom.distro):
        release = f"{sbom.distro.id} {sbom.distro.version}".strip()
        gaps.append(f"how long {release} gets security updates is not known")
    if any(sbom.not_searched):
        large, filled = sbom.not_searched
        parts = (
            *([f"{large:,} larger than {LARGEST_BYTES >> 10} KiB"] if large else []),
            *([f"{filled:,} in folders that packages fill"] if filled else []),
        )
        gaps.append(f"files not searched for credentials: {', '.join(parts)}")
    gaps += [
        f"{file.path.partition(') ')[2]} adds a file of {file.detail}: whether its checksum was asked for, the history does not say"
        for file in sbom.files
        if file.why == ADDED
    ]
    gaps += _unlisted(sbom)
    if is_document:
        gaps.append("files and configuration are not in a SBOM")
    elif not sbom.image.id:
        gaps.append("a folder has no configuration, so the user that will run in it is not known")
    elif not _has_configuration(sbom):
        gaps.append("the configuration was not read, so the user that will run in it is not known")
    elif _is_windows(sbom):
        if not sbom.config.user:
            gaps.append("no user is set, and who that is depends on the edition of Windows")
    elif is_open(sbom):
        gaps.append(
            f"{ACCOUNT_FILE} was not read, so it is not known whether user {sbom.config.user} is root"
        )
    return tuple(gaps)


def _unlisted(sbom: Sbom) -> Iterator[str]:
    """Packages may be in these that nothing names."""
    by_sort: dict[str, list[str]] = {}
    for sort, path in sbom.unlisted:
        by_sort.setdefault(sort, []).append(path)
    for sort, paths in by_sort.items():
        named = [path for path in paths if path]
        if not named:
            yield f"{sort}, whose packages are not known"
            continue
        more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
        yield f"{sort}: {', '.join(named[:_NAMED])}{more}"


def _may_end(distro: Distro) -> bool:
    """Whether the distribution has an end of life that is not known."""
    is_one = bool(distro.id) and distro.id != "busybox"
    return is_one and not distro.end_of_life and not is_rolling(distro)


def _has_configuration(sbom: Sbom) -> bool:
    """Every configuration names its platform; a root folder has none, and one that was damaged has none."""
    return bool(sbom.image.id and sbom.image.platform)


def _files(sbom: Sbom) -> Iterator[ImageFinding]:
    packaged = _packaged(sbom) if any(file.why == "secret" for file in sbom.files) else frozenset()
    for file in sbom.files:
        if file.why == "secret":
            yield _credential(file, file.path in packaged or is_sample(file.path))
        elif file.why in ("setuid", "setgid"):
            bit = "u" if file.why == "setuid" else "g"
            fix = (
                f"take the bit away (chmod {bit}-s), or start containers with allowPrivilegeEscalation: false"
            )
            detail = f"mode {file.mode & 0o7777:04o}"
            yield ImageFinding("low", f"Set-{bit}id file", file.path, detail, fix, file.layer)


def _credential(file: ImageFile, is_sample: bool) -> ImageFinding:
    if is_sample:
        fix = "see that nothing trusts it: everyone who has the package or its sources has it too"
        return ImageFinding("low", "Sample credential", file.path, file.detail, fix, file.layer)
    fix = "revoke it, and hand its successor over when the container starts"
    return ImageFinding("high", "Credential in the image", file.path, file.detail, fix, file.layer)


def _packaged(sbom: Sbom) -> frozenset[str]:
    """Files that everybody who installs the distribution's packages has alike, so apart from settings."""
    return frozenset(
        path
        for package in sbom.packages
        if package.type in DISTRIBUTION_TYPES
        for path in package.files
        if not path.startswith("etc/")
    )


def _user(sbom: Sbom) -> Iterator[ImageFinding]:
    if why := administrator(sbom.config.user, sbom.accounts, is_windows=_is_windows(sbom)):
        yield ImageFinding("medium", "Runs as root", CONFIGURATION, why, NAME_A_USER)
    elif not _is_windows(sbom) and (why := refusal(sbom)):
        fix = "no container starts as this user, so one will be chosen elsewhere; add the account, or name a number"
        yield ImageFinding("low", "Unknown user", CONFIGURATION, why, fix)


def _is_windows(sbom: Sbom) -> bool:
    return sbom.image.platform.partition("/")[0] == "windows"


def _ports(sbom: Sbom) -> Iterator[ImageFinding]:
    for port in sbom.config.ports:
        if name := remote_access(port):
            yield ImageFinding(
                "low", "Port for remote control", f"({CONFIGURATION}) port {port}", name, REACH_OTHERWISE
            )


def _caches(sbom: Sbom) -> Iterator[ImageFinding]:
    for file in sbom.files:
        if file.why == CACHE:
            fix = EMPTY_CACHE[keeper_of_cache(file.path)]
            yield ImageFinding("low", "Package cache in the image", file.path, file.detail, fix, file.layer)


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
