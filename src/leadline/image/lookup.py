"""Under which names, and in whose advisories, each package is looked up; and what no feed speaks of.

Packages of a distribution are looked up in its release by source package (with the source's version) and by binary
package; language packages by the name of their ecosystem. A language package that a distribution's package brought is
the distribution's to speak of: its version has fixes that the number does not show. A CPE serves where nothing
better exists: programs without a package.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from leadline.image.database import Database, Stream, Wanted
from leadline.image.ecosystems import CPE, ecosystem_of, normal_name, orderings, package_name, release_of
from leadline.image.ordering import Unorderable
from leadline.image.ownership import DISTRIBUTION_TYPES
from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Coverage

CPE_TYPES = frozenset(("generic", ""))
_KUBERNETES = "k8s.io/kubernetes"
_CPE_FIELDS = 6
"""As many as hold part, vendor, product and version."""
_ORDERING_OF = {"apk": "Alpine", "deb": "Debian", "rpm": "Red Hat", "alpm": "Arch Linux"}
_PLACEHOLDER = re.compile(
    r"^(0\.0\.0|.*-development|unknown|unspecified|none|null)$|\$[({]|^@.*@$", re.IGNORECASE
)
"""What stands where a build has not put the version: before every fix, so that it would match everything."""
_THEIR_OWN = (
    "debian",
    "ubuntu",
    "canonical",
    "red hat",
    "suse",
    "amazon",
    "alma",
    "rocky",
    "oracle",
    "fedora",
    "centos",
)
"""Words in the name of who built a package that say it is the distribution's own."""


class Plan(Struct):
    """What to ask the database, and the packages about which it cannot be asked."""

    wanted: list[Wanted]
    coverage: tuple[Coverage, ...]
    streams: dict[int, tuple[Stream, ...]]
    """Of the distribution of each package that has one, by the package's place."""


class _Planner:
    def __init__(self, database: Database, packages: Sequence[Package], distro: Distro) -> None:
        self._database = database
        self._packages = packages
        self._distro = distro
        self._by_ecosystem: dict[tuple[str, str], tuple[Stream, ...]] = {}
        for stream in database.streams:
            key = stream.ecosystem, stream.release
            self._by_ecosystem[key] = (*self._by_ecosystem.get(key, ()), stream)
        self._wanted: list[Wanted] = []
        self._seen: Counter[tuple[str, tuple[str, ...], str]] = Counter()
        self._streams: dict[int, tuple[Stream, ...]] = {}
        self._own = self._own_packages()

    def plan(self) -> Plan:
        for place, package in enumerate(self._packages):
            if package.type in DISTRIBUTION_TYPES:
                self._of_distribution(place, package)
            elif package.owned_by and package.owned_by in self._own:
                self._count(
                    f"{package.type} in packages of {_named(self._distro)}", (), _JUDGED_BY_DISTRIBUTION
                )
            else:
                self._of_language(place, package)
        coverage = tuple(
            Coverage(ecosystem, count, feeds, why, why != _JUDGED_BY_DISTRIBUTION)
            for (ecosystem, feeds, why), count in sorted(self._seen.items())
        )
        return Plan(self._wanted, coverage, self._streams)

    def _own_packages(self) -> frozenset[str]:
        """Names of the packages that the distribution itself built, as far as that can be known."""
        release = release_of(self._distro)
        streams = self._by_ecosystem.get((release.ecosystem, release.release), ()) if release else ()
        own, others = set(), []
        for package in self._packages:
            if package.type in DISTRIBUTION_TYPES:
                builder = package.supplier.lower()
                if not builder or package.type == "apk" or any(word in builder for word in _THEIR_OWN):
                    own.add(package.name)
                else:
                    others.append(package)
        asked = [(stream.id, each.source or each.name) for each in others for stream in streams]
        known = {name for _, name in self._database.knows(asked)}
        return frozenset(own | {each.name for each in others if (each.source or each.name) in known})

    def _of_distribution(self, place: int, package: Package) -> None:
        distro = self._distro if self._distro.id else _distro_of(package)
        release = release_of(distro)
        streams = self._by_ecosystem.get((release.ecosystem, release.release), ()) if release else ()
        title = _named(distro) if distro.id else f"{package.type} packages of an unknown distribution"
        if not streams:
            self._count(title, (), "no feed of the database speaks of this release")
            return
        ordering = orderings().get(streams[0].ecosystem) or orderings()[_ORDERING_OF[package.type]]
        try:
            key = ordering.key(package.version)
            source_key = ordering.key(package.source_version) if package.source_version else key
        except Unorderable:
            self._count(title, (), "the version cannot be compared")
            return
        self._streams[place] = streams
        for stream in streams:
            self._wanted.append(Wanted(place, stream.id, package.source or package.name, True, source_key))
            self._wanted.append(Wanted(place, stream.id, package.name, False, key))
        self._count(title, _feeds(streams), "")

    def _of_language(self, place: int, package: Package) -> None:
        ecosystem = ecosystem_of(package)
        streams = self._by_ecosystem.get((ecosystem, ""), ()) if ecosystem else ()
        if not streams:
            self._by_cpe(place, package, ecosystem)
            return
        why = _not_comparable(package)
        if why:
            self._count(ecosystem, (), why)
            return
        try:
            key = orderings()[ecosystem].key(package.version)
        except Unorderable:
            self._count(ecosystem, (), "the version cannot be compared")
            return
        name = package_name(package)
        for stream in streams:
            self._wanted.append(Wanted(place, stream.id, name, True, key))
        for wanted in self._components(place, package, name):
            self._wanted.append(wanted)
        self._count(ecosystem, _feeds(streams), "")

    def _components(self, place: int, package: Package, name: str) -> Iterator[Wanted]:
        """Kubernetes' own list speaks of programs, which are all built of one module."""
        if name != _KUBERNETES:
            return
        program = package.found_in[0].rpartition("/")[2].removeprefix("kube-") if package.found_in else ""
        names = {_KUBERNETES, f"k8s.io/{program}", f"k8s.io/kube-{program}"}
        for stream in self._by_ecosystem.get(("Kubernetes", ""), ()):
            key = orderings()["Kubernetes"].key(package.version)
            for each in sorted(names):
                yield Wanted(place, stream.id, each, True, key)

    def _by_cpe(self, place: int, package: Package, ecosystem: str) -> None:
        streams = self._by_ecosystem.get((CPE, ""), ())
        is_program = not ecosystem or (package.type == "golang" and package.name == "stdlib")
        title = ecosystem or f"{package.type} packages"
        if not streams or not package.cpes or not is_program:
            self._count(title, (), "no feed of the database speaks of them")
            return
        try:
            key = orderings()[CPE].key(package.version.removeprefix("go"))
        except Unorderable:
            self._count(title, (), "the version cannot be compared")
            return
        for name in dict.fromkeys(filter(None, map(_product, package.cpes))):
            for stream in streams:
                self._wanted.append(Wanted(place, stream.id, name, True, key))
        self._count(f"{title} by CPE", _feeds(streams), "")

    def _count(self, title: str, feeds: tuple[str, ...], why: str) -> None:
        self._seen[title, feeds, why] += 1


def plan_lookups(database: Database, packages: Sequence[Package], distro: Distro) -> Plan:
    """``packages`` by their places in the sequence; ``distro`` may be the empty one."""
    return _Planner(database, packages, distro).plan()


_JUDGED_BY_DISTRIBUTION = "the distribution's advisories about the package they came in count"


def _not_comparable(package: Package) -> str:
    """Why a language package's version says nothing about advisories; empty where it does."""
    if package.type == "maven" and not package.namespace:
        return "the Maven group is not known"
    if _PLACEHOLDER.search(package.version):
        return "the version is a placeholder"
    if package.type == "golang" and package.arch and package.version.startswith("v0.0.0-"):
        return "built from a checkout, not a release"
    return ""


def _feeds(streams: Sequence[Stream]) -> tuple[str, ...]:
    return tuple(sorted({feed for stream in streams for feed in stream.feeds}))


def _named(distro: Distro) -> str:
    release = release_of(distro)
    return release.name.replace(":", " ") if release else f"{distro.id} {distro.version}".strip()


def _distro_of(package: Package) -> Distro:
    """From the package URL's qualifier ``distro``, ``debian-12`` or a codename alone, and its namespace."""
    value = dict(package.qualifiers).get("distro", "")
    id, _, version = value.rpartition("-")
    if id and version[:1].isdigit():
        return Distro(id, version)
    return Distro(package.namespace if value else "", value)


def _product(cpe: str) -> str:
    """``vendor:product`` of a CPE 2.3 name."""
    fields = cpe.replace("\\:", "%3a").split(":")
    if len(fields) < _CPE_FIELDS:
        return ""
    return normal_name(CPE, f"{fields[3]}:{fields[4]}".replace("%3a", "\\:"))
