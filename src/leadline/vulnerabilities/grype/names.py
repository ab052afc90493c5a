"""What Grype's database calls ecosystems and distributions, and what advisories of OSV call them."""

from msgspec import Struct

_LANGUAGES = {
    "bitnami": "Bitnami",
    "cargo": "crates.io",
    "dart-pub": "Pub",
    "dotnet": "NuGet",
    "gem": "RubyGems",
    "github-action": "GitHub Actions",
    "go-module": "Go",
    "hackage": "Hackage",
    "hex": "Hex",
    "java-archive": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "php-composer": "Packagist",
    "pypi": "PyPI",
    "python": "PyPI",
    "rust": "crates.io",
    "rust-crate": "crates.io",
    "swift": "SwiftURL",
}
"""Package types of Syft (https://github.com/anchore/syft, ``syft/pkg/type.go``)."""
_SYSTEMS = {
    "alma": "AlmaLinux",
    "almalinux": "AlmaLinux",
    "alpine": "Alpine",
    "amazon": "Amazon",
    "amazonlinux": "Amazon",
    "amzn": "Amazon",
    "azurelinux": "Azure Linux",
    "chainguard": "Chainguard",
    "debian": "Debian",
    "echo": "Echo",
    "fedora": "Fedora",
    "mariner": "Azure Linux",
    "minimos": "MinimOS",
    "ol": "Oracle",
    "opensuse": "openSUSE",
    "oracle": "Oracle",
    "oraclelinux": "Oracle",
    "photon": "Photon OS",
    "redhat": "Red Hat",
    "rhel": "Red Hat",
    "rocky": "Rocky Linux",
    "rockylinux": "Rocky Linux",
    "sles": "SUSE",
    "suse": "SUSE",
    "ubuntu": "Ubuntu",
    "wolfi": "Wolfi",
}
"""By the ``ID`` of ``os-release``."""
NAMING_SOURCES = frozenset(
    ("Alpine", "Chainguard", "Debian", "Echo", "MinimOS", "Photon OS", "Ubuntu", "Wolfi")
)
"""Whose advisories name source packages. Of the other distributions the database does not say which kind a name is."""
_BY_MAJOR = frozenset(("AlmaLinux", "Amazon", "Debian", "Fedora", "Oracle", "Rocky Linux"))
_ROLLING = frozenset(("Chainguard", "Echo", "MinimOS", "Wolfi"))


class System(Struct, frozen=True):
    """A row of ``operating_systems``."""

    name: str
    major: str = ""
    minor: str = ""
    label: str = ""
    channel: str = ""


class Where(Struct, frozen=True):
    """Which ecosystem, release and channel a row speaks of."""

    ecosystem: str
    release: str = ""
    channel: str = ""


def of_language(type: str) -> Where | None:
    """``None`` where no advisories of ours know the package type."""
    found = _LANGUAGES.get(type.lower())
    return Where(found) if found else None


def of_system(system: System) -> Where | None:
    """``None`` for a distribution that is not known."""
    ecosystem = _SYSTEMS.get(system.name.lower())
    if ecosystem is None:
        return None
    return Where(ecosystem, _release(ecosystem, system), system.channel)


def is_minor_of_red_hat(system: System) -> bool:
    """Whether the row is of a minor release of Red Hat's usual channel."""
    return _SYSTEMS.get(system.name.lower()) == "Red Hat" and system.minor != "" and not system.channel


def _release(ecosystem: str, system: System) -> str:
    if ecosystem in _ROLLING:
        return ""
    if not system.major:
        return "sid" if system.label == "unstable" else system.label
    if ecosystem == "Amazon" and system.major.startswith("201"):
        return "1"  # the first Amazon Linux, named after its last repository
    if not system.minor or ecosystem in _BY_MAJOR:
        return system.major
    minor = system.minor.zfill(2) if ecosystem == "Ubuntu" else system.minor
    return f"{system.major}.{minor}"
