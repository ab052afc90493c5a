"""Under which names, and in whose advisories, each package is looked up; and what no feed speaks of.

Packages of a distribution are looked up in its release by source package (with the source's version) and by binary
package; language packages by the name of their ecosystem. A language package that a distribution's package brought is
the distribution's to speak of: its version has fixes that the number does not show. A CPE serves where nothing
better exists: programs without a package.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from leadline.image.database import Database, Stream, Wanted
from leadline.image.ecosystems import CPE, ecosystem_of, normal_name, orderings, package_name, release_of
from leadline.image.ordering import Ordering, Unorderable
from leadline.image.ownership import DISTRIBUTION_TYPES
from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Coverage

_KUBERNETES = "k8s.io/kubernetes"
_STREAMS = 256
"""Ecosystems and releases whose feeds are remembered."""
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


class _Question(NamedTuple):
    """Whether a version of a name is meant by any advisory of a stream."""

    place: int
    stream: int
    name: str
    is_source: bool
    version: str
    ordering: Ordering


class _Answer(NamedTuple):
    """How a package counts in the coverage."""

    title: str
    feeds: tuple[str, ...] = ()
    why: str = ""
    is_gap: bool = True
    """Whether what ``why`` says leaves the package unjudged."""


class _Planner:
    def __init__(self, database: Database, packages: Sequence[Package], distro: Distro) -> None:
        self._database = database
        self._packages = packages
        self._distro = distro
        self._by_ecosystem: dict[tuple[str, str], tuple[Stream, ...]] = {}
        for stream in database.streams:
            key = stream.ecosystem, stream.release
            self._by_ecosystem[key] = (*self._by_ecosystem.get(key, ()), stream)
        self._questions: list[_Question] = []
        self._answers: list[_Answer] = []
        self._streams: dict[int, tuple[Stream, ...]] = {}
        self._own = self._own_packages()

    def plan(self) -> Plan:
        for place, package in enumerate(self._packages):
            if package.type in DISTRIBUTION_TYPES:
                answer = self._of_distribution(place, package)
            elif package.owned_by and package.owned_by in self._own:
                title = f"{package.type} in packages of {_named(self._distro)}"
                answer = _Answer(title, why=_JUDGED_BY_DISTRIBUTION, is_gap=False)
            else:
                answer = self._of_language(place, package)
            self._answers.append(answer)
        wanted = self._wanted()
        coverage = tuple(
            Coverage(title, count, feeds, why, is_gap)
            for (title, feeds, why, is_gap), count in sorted(Counter(self._answers).items())
        )
        return Plan(wanted, coverage, self._streams)

    def _wanted(self) -> list[Wanted]:
        """Keys are made only for names that any advisory has: most of an image's packages have none."""
        known = self._database.known({question[1:4] for question in self._questions})
        keys: dict[tuple[str, str], bytes] = {}
        wanted: list[Wanted] = []
        for place, stream, name, is_source, version, ordering in self._questions:
            if (stream, name, is_source) not in known:
                continue
            key = keys.get((ordering.name, version))
            if key is None:
                try:
                    key = keys[ordering.name, version] = _certain_key(ordering, version)
                except Unorderable:
                    title = self._answers[place].title
                    self._answers[place] = _Answer(title, why="the version cannot be compared")
                    continue
            wanted.append(Wanted(place, stream, name, is_source, key))
        return wanted

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
        asked = {(stream.id, each.source or each.name, True) for each in others for stream in streams}
        known = {name for _, name, _ in self._database.known(asked)}
        return frozenset(own | {each.name for each in others if (each.source or each.name) in known})

    def _of_distribution(self, place: int, package: Package) -> _Answer:
        distro = self._distro if self._distro.id else _distro_of(package)
        release = release_of(distro)
        streams = self._by_ecosystem.get((release.ecosystem, release.release), ()) if release else ()
        title = _named(distro) if distro.id else f"{package.type} packages of an unknown distribution"
        if not streams:
            return _Answer(title, why="no feed of the database speaks of this release")
        ordering = orderings().get(streams[0].ecosystem) or orderings()[_ORDERING_OF[package.type]]
        source, version = package.source or package.name, package.source_version or package.version
        self._streams[place] = streams
        for stream in streams:
            self._questions.append(_Question(place, stream.id, source, True, version, ordering))
            self._questions.append(
                _Question(place, stream.id, package.name, False, package.version, ordering)
            )
        return _Answer(title, _feeds(streams))

    def _of_language(self, place: int, package: Package) -> _Answer:
        ecosystem = ecosystem_of(package)
        streams = self._by_ecosystem.get((ecosystem, ""), ()) if ecosystem else ()
        if not streams:
            return self._by_cpe(place, package, ecosystem)
        if why := _not_comparable(package):
            return _Answer(ecosystem, why=why)
        name = package_name(package)
        for stream in streams:
            question = _Question(place, stream.id, name, True, package.version, orderings()[ecosystem])
            self._questions.append(question)
        if name == _KUBERNETES:
            self._components(place, package)
        return _Answer(ecosystem, _feeds(streams))

    def _components(self, place: int, package: Package) -> None:
        """Kubernetes' own list speaks of programs, which are all built of one module."""
        program = package.found_in[0].rpartition("/")[2].removeprefix("kube-") if package.found_in else ""
        ordering = orderings()["Kubernetes"]
        for stream in self._by_ecosystem.get(("Kubernetes", ""), ()):
            for name in sorted({_KUBERNETES, f"k8s.io/{program}", f"k8s.io/kube-{program}"}):
                self._questions.append(_Question(place, stream.id, name, True, package.version, ordering))

    def _by_cpe(self, place: int, package: Package, ecosystem: str) -> _Answer:
        streams = self._by_ecosystem.get((CPE, ""), ())
        is_program = not ecosystem or (package.type == "golang" and package.name == "stdlib")
        title = ecosystem or f"{package.type} packages"
        if not streams or not package.cpes or not is_program:
            return _Answer(title, why="no feed of the database speaks of them")
        version = package.version.removeprefix("go")
        for name in dict.fromkeys(filter(None, map(_product, package.cpes))):
            for stream in streams:
                self._questions.append(_Question(place, stream.id, name, True, version, orderings()[CPE]))
        return _Answer(f"{title} by CPE", _feeds(streams))


def plan_lookups(database: Database, packages: Sequence[Package], distro: Distro) -> Plan:
    """``packages`` by their places in the sequence; ``distro`` may be the empty one."""
    return _Planner(database, packages, distro).plan()


def _certain_key(ordering: Ordering, version: str) -> bytes:
    """Raises ``Unorderable`` for a version of which the ecosystem does not say where it stands."""
    key = ordering.key(version)
    if ordering.guess and key.startswith(ordering.guess):
        raise Unorderable(version)
    return key


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


@lru_cache(_STREAMS)
def _feeds(streams: tuple[Stream, ...]) -> tuple[str, ...]:
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
