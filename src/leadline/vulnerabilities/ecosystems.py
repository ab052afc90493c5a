"""The names of ecosystems and distributions: how advisories, package URLs and ``os-release`` call the same thing."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

from msgspec import Struct

from leadline.model.package import Distro, Package
from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities import versions
from leadline.vulnerabilities.ordering import Ordering

CPE = "CPE"

_OF_TYPE = {
    "bitnami": "Bitnami",
    "cargo": "crates.io",
    "composer": "Packagist",
    "conan": "ConanCenter",
    "cran": "CRAN",
    "gem": "RubyGems",
    "github": "GitHub Actions",
    "golang": "Go",
    "hackage": "Hackage",
    "hex": "Hex",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
    "swift": "SwiftURL",
}
"""Package URL types of which advisories speak, as OSV names them."""

_ORDERED_BY = {
    "apk": ("Alpine", "Wolfi", "Chainguard", "MinimOS", "Alpaquita", "BellSoft Hardened Containers"),
    "bitnami": ("Bitnami",),
    "composer": ("Packagist",),
    "deb": ("Debian", "Ubuntu", "Echo"),
    "dotted": ("CRAN", "Hackage", "Bioconductor", "GHC"),
    "gem": ("RubyGems",),
    "generic": ("CPE",),
    "golang": ("Go",),
    "maven": ("Maven",),
    "nuget": ("NuGet",),
    "pep440": ("PyPI",),
    "pub": ("Pub",),
    "rpm": (
        "Red Hat",
        "AlmaLinux",
        "Rocky Linux",
        "Oracle",
        "SUSE",
        "openSUSE",
        "Amazon",
        "Photon OS",
        "Azure Linux",
        "Fedora",
        "Mageia",
        "openEuler",
    ),
    "semver": (
        "npm",
        "crates.io",
        "Hex",
        "SwiftURL",
        "GitHub Actions",
        "Kubernetes",
        "ConanCenter",
        "Julia",
        "opam",
    ),
}
"""Files of ``versions``, and whose versions each of them orders."""

_WITHOUT_CASE = frozenset(("Bitnami", "GitHub Actions", "Go", "Hex", "NuGet", "Packagist", "SwiftURL", CPE))
"""Go distinguishes cases, but package URLs of modules have small letters only, and no two modules differ in case alone."""
_SERVICE_PACK = late_pattern(r"LTS(?:-SP\d+)?")
_SEPARATORS = late_pattern(r"[-_.]+")


def orderings() -> Mapping[str, Ordering]:
    """By ecosystem, as OSV names them without a release. Imports the file of one that is asked for, and no other."""
    return _ORDERINGS


class _Orderings(Mapping[str, Ordering]):
    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._imported: dict[str, Ordering] = {}

    def __getitem__(self, ecosystem: str) -> Ordering:
        found = self._imported.get(ecosystem)
        if found is None:
            name = self._files[ecosystem]
            found = getattr(import_module(f"{versions.__name__}.{name}"), name)
            self._imported[ecosystem] = found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __contains__(self, ecosystem: object) -> bool:
        return ecosystem in self._files

    def __len__(self) -> int:
        return len(self._files)


_ORDERINGS = _Orderings({ecosystem: file for file, found in _ORDERED_BY.items() for ecosystem in found})


def ecosystem_of(package: Package) -> str:
    """The ecosystem of a language package; empty where no advisories know its type."""
    return _OF_TYPE.get(package.type, "")


def package_name(package: Package) -> str:
    """The name under which advisories of its ecosystem speak of a language package, normalised."""
    name = package.name
    if (
        package.namespace and package.type != "conan"
    ):  # there it says who wrote the recipe, not whose code it is
        joint = ":" if package.type == "maven" else "/"
        name = f"{package.namespace}{joint}{name}"
    return normal_name(ecosystem_of(package), name)


def normal_name(ecosystem: str, name: str) -> str:
    """One spelling of names that the ecosystem takes for the same."""
    name = name.strip()
    if ecosystem == "PyPI":
        return _SEPARATORS.sub("-", name).lower()
    if ecosystem == "SwiftURL":
        name = name.removeprefix("https://").removesuffix(".git")
    if ecosystem in _WITHOUT_CASE:
        return name.lower()
    return name


class Release(Struct, frozen=True):
    """A release of a distribution as advisories name it."""

    ecosystem: str
    release: str = ""

    @property
    def name(self) -> str:
        """``Debian:12``."""
        return f"{self.ecosystem}:{self.release}" if self.release else self.ecosystem


def release_of(distro: Distro) -> Release | None:
    """Whose advisories speak of this distribution's packages; ``None`` where none are known to."""
    row = _DISTRIBUTIONS.get(distro.id.lower())
    if row is None:
        return None
    ecosystem, shorten = row
    return Release(ecosystem, shorten(distro))


def _major(distro: Distro) -> str:
    return distro.version.partition(".")[0]


def _amazon(distro: Distro) -> str:
    """The first, long without a number, has that of its last repository: ``2018.03``."""
    return "1" if distro.version.startswith("201") else _major(distro)


def _minor(distro: Distro) -> str:
    """``3.18`` of ``3.18.4``; what is not a number stays."""
    return ".".join(distro.version.split(".")[:2])


def _none(distro: Distro) -> str:
    return ""


def _debian(distro: Distro) -> str:
    """The number; for testing and sid, which have none, the codename's branch (``trixie/sid`` is ``sid``)."""
    return "sid" if distro.version.endswith("/sid") else _major(distro)


def _alpine(distro: Distro) -> str:
    is_edge = "_alpha" in distro.version or distro.version == "edge"
    return "edge" if is_edge else _minor(distro)


def _tumbleweed(distro: Distro) -> str:
    return "Tumbleweed"


def _open_euler(distro: Distro) -> str:
    """``24.03-LTS-SP1``: the service pack is in the name alone."""
    number = distro.version.partition(" ")[0].partition("-")[0]
    pack = _SERVICE_PACK.search(f"{distro.version} {distro.name}".upper())
    return f"{number}-{pack[0]}" if pack else number


def _micro(distro: Distro) -> str:
    return f"Micro {_minor(distro)}"


def _azure(distro: Distro) -> str:
    """Releases are ``2.0`` and ``3.0``; ``VERSION_ID`` may hold the date of the build behind them."""
    return _minor(distro)


_DISTRIBUTIONS: dict[str, tuple[str, Callable[[Distro], str]]] = {
    "almalinux": ("AlmaLinux", _major),
    "alpine": ("Alpine", _alpine),
    "amzn": ("Amazon", _amazon),
    "azurelinux": ("Azure Linux", _azure),
    "centos": ("Red Hat", _major),
    "chainguard": ("Chainguard", _none),
    "debian": ("Debian", _debian),
    "echo": ("Echo", _none),
    "fedora": ("Fedora", _major),
    "mageia": ("Mageia", _major),
    "mariner": ("Azure Linux", _azure),
    "minimos": ("MinimOS", _none),
    "ol": ("Oracle", _major),
    "openeuler": ("openEuler", _open_euler),
    "opensuse-leap": ("openSUSE", _minor),
    "opensuse-tumbleweed": ("openSUSE", _tumbleweed),
    "photon": ("Photon OS", _minor),
    "raspbian": ("Debian", _debian),
    "redhat": ("Red Hat", _major),
    "rhel": ("Red Hat", _major),
    "rocky": ("Rocky Linux", _major),
    "sl-micro": ("SUSE", _micro),
    "sle-micro": ("SUSE", _micro),
    "sled": ("SUSE", _minor),
    "sles": ("SUSE", _minor),
    "sles_sap": ("SUSE", _minor),
    "ubuntu": ("Ubuntu", _minor),
    "wolfi": ("Wolfi", _none),
}
