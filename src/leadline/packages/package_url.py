"""Packages as package URLs and back (https://github.com/package-url/purl-spec)."""

from leadline.model.package import Package
from leadline.packages.late_pattern import late_pattern

_ESCAPE = late_pattern(r"%[0-9a-f]{2}")
_EPOCH = late_pattern(r"\d+:")
_SEPARATORS = late_pattern(r"[-_.]+")
_WITH_ARCHITECTURE = frozenset(("alpm", "apk", "deb", "rpm"))
"""Types whose definition has the qualifier ``arch``; elsewhere the identity leaves the architecture out."""
_WITH_EPOCH = frozenset(("alpm", "deb", "rpm"))
_PLAIN_TYPES = frozenset(
    ("alpm", "apk", "cargo", "composer", "deb", "gem", "golang", "maven", "npm", "nuget", "pypi", "rpm")
)
_PLAIN_NAME = late_pattern(r"@?(?:[a-z0-9.-]+/)*[a-z0-9.-]+")
_PLAIN_VALUE = late_pattern(r"[A-Za-z0-9._~:+-]+")
"""What has no other spelling in any of the types above; of these characters ``+`` and ``@`` alone are written as escapes."""
LONGEST = 8192


def package_url(package: Package) -> str:
    """The package's URL in canonical form; empty where its name or type does not allow one."""
    qualifiers = dict(package.qualifiers)
    if package.arch and package.type in _WITH_ARCHITECTURE:
        qualifiers["arch"] = package.arch
    return _plain(package, qualifiers) or _by_library(package, qualifiers)


def _plain(package: Package, qualifiers: dict[str, str]) -> str:
    """Of most packages, without the library, whose import takes as long as writing a thousand; empty for what it has to judge."""
    name = f"{package.namespace}/{_name(package)}" if package.namespace else _name(package)
    if package.type not in _PLAIN_TYPES or "/" in package.name or not _PLAIN_NAME.fullmatch(name):
        return ""
    version = _version(package, qualifiers)
    values = (version, *qualifiers.values()) if version else tuple(qualifiers.values())
    if package.subpath or not all(map(_PLAIN_VALUE.fullmatch, values)):
        return ""
    if not all(key.isascii() and key.isalpha() and key.islower() for key in qualifiers):
        return ""
    written = f"@{version}" if version else ""
    if qualifiers:
        written += "?" + "&".join(f"{key}={value}" for key, value in sorted(qualifiers.items()))
    return f"pkg:{package.type}/{name.replace('@', '%40')}{written.replace('+', '%2B')}"


def _by_library(package: Package, qualifiers: dict[str, str]) -> str:
    from packageurl import PackageURL  # as above

    try:
        url = PackageURL(
            package.type,
            package.namespace or None,
            _name(package),
            _version(package, qualifiers) or None,
            qualifiers,
            package.subpath or None,
        ).to_string()
    except (TypeError, ValueError):
        # The library stumbles over a name of blanks and slashes alone.
        return ""
    # The library writes escapes in lower case where it folds a name; the specification has them in upper case.
    return _ESCAPE.sub(lambda escape: escape[0].upper(), url)


def read_package_url(text: str) -> Package | None:
    """The package that ``text`` names, its version with the epoch in front; ``None`` where it is not a package URL."""
    from packageurl import PackageURL  # as above

    if len(text) > LONGEST:
        return None
    try:
        url = PackageURL.from_string(text)
    except ValueError:
        return None
    qualifiers = dict(url.qualifiers) if isinstance(url.qualifiers, dict) else {}
    version = url.version or ""
    # Only RPM has such a qualifier by its definition; Trivy writes it for Debian too, whose versions hold theirs.
    epoch = qualifiers.get("epoch", "") if url.type not in ("alpm", "deb") else qualifiers.pop("epoch", "")
    if url.type in _WITH_EPOCH and epoch not in ("", "0") and not _EPOCH.match(version):
        version = f"{epoch}:{version}"
    source, _, source_version = _upstream(qualifiers.get("upstream", ""))
    return Package(
        url.type,
        url.name,
        version,
        namespace=url.namespace or "",
        arch=qualifiers.get("arch", "") if url.type in _WITH_ARCHITECTURE else "",
        source=source,
        source_version=source_version,
        qualifiers=tuple(
            pair for pair in qualifiers.items() if pair[0] != "arch" or url.type not in _WITH_ARCHITECTURE
        ),
        subpath=url.subpath or "",
    )


def _name(package: Package) -> str:
    """PyPI takes names for the same that differ in separators and case (https://peps.python.org/pep-0503/#normalized-names)."""
    if package.type != "pypi":
        return package.name
    name = _SEPARATORS.sub("-", package.name)
    return name.lower() if name.isascii() else name


def _version(package: Package, qualifiers: dict[str, str]) -> str:
    """Without the epoch where a qualifier says it."""
    if package.type == "rpm" and "epoch" in qualifiers:
        return _EPOCH.sub("", package.version, count=1) if _EPOCH.match(package.version) else package.version
    return package.version


def _upstream(written: str) -> tuple[str, str, str]:
    """Name and version out of ``glibc@2.36``, ``bash`` or ``bash-5.1.8-6.el9.src.rpm``."""
    if written.endswith(".src.rpm"):
        name, _, version = written.removesuffix(".src.rpm").rpartition("-")
        name, _, upstream_version = name.rpartition("-")
        return (name, "", f"{upstream_version}-{version}") if name else (written, "", "")
    return written.partition("@")
