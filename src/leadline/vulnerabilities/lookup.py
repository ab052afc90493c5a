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

from leadline.model.package import DISTRIBUTION_TYPES, STATED, Distro, Package
from leadline.model.vulnerability import Coverage
from leadline.packages.late_pattern import late_pattern
from leadline.packages.root_io import CHANNEL, is_of_root_io, known_as
from leadline.vulnerabilities.builders import builders_beside, is_of_distribution
from leadline.vulnerabilities.database import Database, Stream, Wanted
from leadline.vulnerabilities.ecosystems import (
    CPE,
    ecosystem_of,
    normal_name,
    orderings,
    package_name,
    release_of,
)
from leadline.vulnerabilities.ordering import Ordering, Unorderable

_KUBERNETES = "k8s.io/kubernetes"
_STREAMS = 256
"""Ecosystems and releases whose feeds are remembered."""
_CPE_FIELDS = 6
"""As many as hold part, vendor, product and version."""
_ORDERING_OF = {"apk": "Alpine", "deb": "Debian", "rpm": "Red Hat", "alpm": "Arch Linux"}
_PLACEHOLDER = late_pattern(
    r"^(0\.0\.0|.*-development|unknown|unspecified|none|null)$|\$[({]|^@.*@$", re.IGNORECASE
)
"""What is where a build has not put the version: before every fix, so that it would match everything."""


class Plan(Struct):
    """What to ask the database, and the packages about which it cannot be asked."""

    wanted: list[Wanted]
    coverage: tuple[Coverage, ...]
    owners: dict[int, Package]
    """Of language packages that Alpine's packages brought: these, by the places of those."""
    installed_by: dict[int, str]
    """Of language packages for which the distribution's advisories speak: the name of the package that lists their files."""
    streams: dict[int, tuple[Stream, ...]]
    """Of the distribution of each package that has one, by the package's place; for what Root.io built those of its ecosystem."""


_Question = tuple[int, str, bool, str]
"""Place of the package, the name it may have in an advisory, whether that is a source package's, and the version."""


class _Answer(NamedTuple):
    """How a package counts in the coverage."""

    title: str
    feeds: tuple[str, ...] = ()
    why: str = ""
    is_gap: bool = True
    """Whether what ``why`` says leaves the package unjudged."""


class _Batch(NamedTuple):
    """What is asked about one stream."""

    stream: Stream
    ordered_as: str
    """The ecosystem by whose rules versions are compared."""
    has_placeholders: bool
    """Whether versions of its packages may be what a build has not filled in."""
    questions: list[_Question]


class _Way(NamedTuple):
    """How the packages of one type, or of one distribution, are looked up."""

    batches: tuple[_Batch, ...]
    """None where no feed speaks of them."""
    answer: _Answer
    lines: tuple[Stream, ...] = ()
    """The streams of a distribution, those of its minor releases too."""


class _Planner:
    def __init__(self, database: Database, packages: Sequence[Package], distro: Distro) -> None:
        self._database = database
        self._packages = packages
        self._distro = distro
        self._by_ecosystem: dict[tuple[str, str], tuple[Stream, ...]] = {}
        # What Root.io fixed is not an answer to what is open: it is of use beside the lists of others alone.
        for stream in sorted(database.streams, key=lambda stream: stream.channel == CHANNEL):
            key = stream.ecosystem, stream.release
            if stream.channel != CHANNEL or key in self._by_ecosystem:
                self._by_ecosystem[key] = (*self._by_ecosystem.get(key, ()), stream)
        self._languages: dict[str, _Way] = {}
        self._distributions: dict[tuple[str, Distro], _Way] = {}
        self._batches: list[_Batch] = []
        self._kubernetes = self._way("Kubernetes", "Kubernetes", has_placeholders=True)
        self._cpe = self._way(CPE, CPE)
        self._answers: list[_Answer] = []
        self._streams: dict[int, tuple[Stream, ...]] = {}
        self._owners: dict[int, Package] = {}
        self._installed_by: dict[int, str] = {}
        self._builders = builders_beside(packages)
        self._own = self._own_packages()
        self._listing_fixes = {
            package.name: package
            for package in packages
            if package.type == "apk"
            and package.found_by != STATED
            and package.name in self._own
            and self._of_release(distro)
        }
        """Packages of distributions whose lists have what is fixed, and nothing of what is open."""

    def plan(self) -> Plan:
        answers = self._answers
        by_distribution = _Answer("", why=_JUDGED_BY_DISTRIBUTION, is_gap=False)
        for place, package in enumerate(self._packages):
            if package.type in DISTRIBUTION_TYPES:
                answers.append(self._of_distribution(place, package))
            elif package.owned_by in self._listing_fixes:
                self._owners[place] = self._listing_fixes[package.owned_by]
                answers.append(self._of_language(place, package))
                self._streams[place] = self._of_release(self._distro)
            elif package.owned_by and package.owned_by in self._own:
                # What the list of the image says must not hide a match: that is asked for, and shown as suppressed.
                self._of_language(place, package)
                self._installed_by[place] = package.owned_by
                title = f"{package.type} in packages of {_named(self._distro)}"
                answers.append(by_distribution._replace(title=title))
            else:
                answers.append(self._of_language(place, package))
        wanted = self._wanted()
        coverage = tuple(
            Coverage(title, count, feeds, why, is_gap)
            for (title, feeds, why, is_gap), count in sorted(Counter(answers).items())
        )
        return Plan(wanted, coverage, self._owners, self._installed_by, self._streams)

    def _wanted(self) -> list[Wanted]:
        """Keys are made only for names that any advisory has: most of an image's packages have none."""
        wanted: list[Wanted] = []
        keys: dict[tuple[str, str, bool], bytes | str] = {}
        for stream, ordered_as, has_placeholders, questions in self._batches:
            known = (
                self._database.known(stream.id, {name for _, name, _, _ in questions}) if questions else {}
            )
            if not known:
                continue
            ordering = orderings()[ordered_as]
            for place, name, is_source, version in questions:
                package_number = known.get((name, is_source))
                if package_number is None:
                    continue
                wanting = ordering.name, version, has_placeholders
                key = keys.get(wanting)
                if key is None:
                    key = keys[wanting] = _key_or_why(version, ordering, has_placeholders=has_placeholders)
                if version.startswith("v0.0.0-") and _is_checkout(self._packages[place]):
                    key = "built from a checkout, not a release"
                if isinstance(key, bytes):
                    wanted.append(Wanted(place, stream, name, is_source, package_number, key))
                elif place not in self._installed_by:
                    self._answers[place] = _Answer(self._answers[place].title, why=key)
        return wanted

    def _own_packages(self) -> frozenset[str]:
        """Names of the packages that the distribution itself built, as far as that can be known."""
        own, others = set(), []
        for place, package in enumerate(self._packages):
            is_found = package.type in DISTRIBUTION_TYPES and package.found_by != STATED
            if is_found and place not in self._builders:
                builder = package.supplier
                if not builder or package.type == "apk" or is_of_distribution(builder):
                    own.add(package.name)
                else:
                    others.append(package)
        known = {
            name
            for stream in self._of_release(self._distro)
            for name, is_source in self._database.known(
                stream.id, {each.source or each.name for each in others}
            )
            if is_source
        }
        return frozenset(own | {each.name for each in others if (each.source or each.name) in known})

    def _of_release(self, distro: Distro) -> tuple[Stream, ...]:
        release = release_of(distro)
        return self._by_ecosystem.get((release.ecosystem, release.release), ()) if release else ()

    def _way(self, ecosystem: str, title: str, *, has_placeholders: bool = False) -> _Way:
        streams = self._by_ecosystem.get((ecosystem, ""), ()) if ecosystem else ()
        return self._way_of(streams, ecosystem, title, has_placeholders=has_placeholders)

    def _way_of(
        self, streams: Sequence[Stream], ecosystem: str, title: str, *, has_placeholders: bool = False
    ) -> _Way:
        ordered_as = ecosystem if ecosystem in orderings() else CPE
        batches = tuple(_Batch(stream, ordered_as, has_placeholders, []) for stream in streams)
        self._batches += batches
        return _Way(batches, _Answer(title, _feeds(tuple(streams))))

    def _of_distribution(self, place: int, package: Package) -> _Answer:
        distro = self._distro if self._distro.id and self._may_have(package.type) else _distro_of(package)
        way = self._distributions.get((package.type, distro))
        if way is None:
            way = self._distributions[package.type, distro] = self._way_of_distribution(package.type, distro)
        if not way.batches:
            return way.answer._replace(why="no feed of the database speaks of this release")
        if builder := self._builders.get(place):
            return _Answer(
                builder,
                why=f"not built by {way.answer.title}, by maintainer or version; follow the advisories of who built it",
            )
        self._streams[place] = way.lines
        if is_rebuilt := is_of_root_io(package):
            package = known_as(package)
        name, version = package.name, package.version
        source, source_version = package.source or name, package.source_version or version
        for batch in way.batches:
            batch.questions.append((place, source, True, source_version))
            batch.questions.append((place, name, False, version))
            if is_rebuilt and name != source and batch.stream.channel == CHANNEL:
                batch.questions.append((place, name, True, version))
        return way.answer

    def _may_have(self, type: str) -> bool:
        """Whether packages of ``type`` may be the image's own: a document in an image may state those of any distribution."""
        release = release_of(self._distro)
        if release is None or release.ecosystem not in orderings():
            return True
        of_type = orderings().get(_ORDERING_OF[type])
        return of_type is not None and orderings()[release.ecosystem].name == of_type.name

    def _way_of_distribution(self, type: str, distro: Distro) -> _Way:
        streams = self._of_release(distro)
        title = _named(distro) if distro.id else f"an unknown distribution ({type})"
        is_ordered = bool(streams) and streams[0].ecosystem in orderings()
        way = self._way_of(streams, streams[0].ecosystem if is_ordered else _ORDERING_OF[type], title)
        release = release_of(distro)
        minor = [
            stream
            for (ecosystem, number), found in self._by_ecosystem.items()
            if release and ecosystem == release.ecosystem and number.startswith(f"{release.release}.")
            for stream in found
        ]
        return way._replace(lines=(*streams, *minor))

    def _of_language(self, place: int, package: Package) -> _Answer:
        way = self._languages.get(package.type)
        if way is None:
            ecosystem = ecosystem_of(package)
            way = self._languages[package.type] = self._way(ecosystem, ecosystem, has_placeholders=True)
        if not way.batches:
            return self._by_cpe(place, package, way.answer.title)
        if is_of_root_io(package):
            package = known_as(package)
            self._streams[place] = tuple(batch.stream for batch in way.batches)
        if package.type == "maven" and not package.namespace:
            return way.answer._replace(feeds=(), why="the Maven group is not known")
        question = place, package_name(package), True, package.version
        for batch in way.batches:
            batch.questions.append(question)
        if question[1] == _KUBERNETES:
            self._components(place, package)
        return way.answer

    def _components(self, place: int, package: Package) -> None:
        """Kubernetes' own list speaks of programs, which are all built of one module."""
        program = package.found_in[0].rpartition("/")[2].removeprefix("kube-") if package.found_in else ""
        names = sorted({_KUBERNETES, f"k8s.io/{program}", f"k8s.io/kube-{program}"})
        for batch in self._kubernetes.batches:
            batch.questions.extend((place, name, True, package.version) for name in names)

    def _by_cpe(self, place: int, package: Package, ecosystem: str) -> _Answer:
        is_program = not ecosystem or (package.type == "golang" and package.name == "stdlib")
        title = ecosystem or ("other kinds" if package.type == "generic" else package.type)
        if not self._cpe.batches or not package.cpes or not is_program:
            return _Answer(title, why="no feed of the database speaks of them")
        version = package.version.removeprefix("go")
        names = dict.fromkeys(filter(None, map(_product, package.cpes)))
        for batch in self._cpe.batches:
            batch.questions.extend((place, name, True, version) for name in names)
        return self._cpe.answer._replace(title=f"{title} by CPE")


def plan_lookups(database: Database, packages: Sequence[Package], distro: Distro) -> Plan:
    """``packages`` by their places in the sequence; ``distro`` may be the empty one."""
    return _Planner(database, packages, distro).plan()


def _key_or_why(version: str, ordering: Ordering, *, has_placeholders: bool) -> bytes | str:
    """The key; or why the version says nothing about advisories: the ecosystem may not say where it is."""
    if has_placeholders and _PLACEHOLDER.search(version):
        return "the version is a placeholder"
    try:
        key = ordering.key(version)
    except Unorderable:
        return _NOT_COMPARABLE
    return _NOT_COMPARABLE if ordering.guess and key.startswith(ordering.guess) else key


def _is_checkout(package: Package) -> bool:
    return package.type == "golang" and package.arch != ""


_NOT_COMPARABLE = "the version cannot be compared"
_JUDGED_BY_DISTRIBUTION = "the distribution's advisories about the package they came in count"


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
