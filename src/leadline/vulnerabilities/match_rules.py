"""Whether a range that holds a version is meant for the package at all, and what takes a match away again."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from leadline.model.package import DISTRIBUTION_TYPES, Package
from leadline.model.vulnerability import Import, Match
from leadline.packages.late_pattern import late_pattern
from leadline.packages.root_io import CHANNEL, is_of_root_io, known_as
from leadline.vulnerabilities.database import Database, Hit, Stream
from leadline.vulnerabilities.ecosystems import CPE, orderings, package_name

_ANY_ARCHITECTURE = frozenset(("", "all", "any", "noarch", "src"))
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "i386": "x86", "i586": "x86", "i686": "x86"}
_FLAVOURS = ("ksplice", "fips")
"""Marks in versions of packages that are built and fixed apart from the usual ones."""
_SUBSCRIPTION = ("esm", "pro", "ltss", "espos", "els")
"""Beginnings of channels for subscribers: of Ubuntu, SUSE and Red Hat."""
_SUBSCRIBED = "esm"
"""Mark in versions of packages that came through such a channel."""
_NUMBER_AT_END = late_pattern(r"[0-9]+(\.[0-9]+)*$")
_MODULE_MARK = ".module"
_MINOR_RELEASE = late_pattern(r"\.el(\d+)_(\d+)|\.module[+_]el(\d+)\.(\d+)\.")
_HEADERS = late_pattern(
    r"kernel(-.+)?-headers|kernel-doc|linux-libc-dev.*|linux-(.+-)?headers(-.+)?|linux-doc"
)
_TARGET = 10
"""Place of the target software among the fields of a CPE 2.3 name."""


def is_meant(hit: Hit, package: Package) -> bool:
    """Whether module stream, architecture, channel, flavour, epoch and target fit."""
    says = hit.extra
    if not _fits_architecture(package.arch, says.arches):
        return False
    if hit.stream.ecosystem == CPE:
        return _fits_target(says.cpe, package)
    if package.type == "rpm":
        return _fits_rpm(hit, package)
    return _fits_channel(hit.stream, package)


def _fits_architecture(arch: str, arches: Sequence[str]) -> bool:
    if not arches or arch in _ANY_ARCHITECTURE:
        return True
    return _architecture(arch) in map(_architecture, arches)


def _architecture(name: str) -> str:
    return _ARCHITECTURES.get(name, name)


def _fits_target(cpe: str, package: Package) -> bool:
    """A plugin of WordPress is not a program of the same name."""
    target = _target(cpe)
    return not target or any(_target(own) in ("", target) and _target(own) == target for own in package.cpes)


def _target(cpe: str) -> str:
    fields = cpe.replace("\\:", "%3a").split(":")
    target = fields[_TARGET] if len(fields) > _TARGET else ""
    return "" if target in ("*", "-") else target


def _fits_channel(stream: Stream, package: Package) -> bool:
    channel, version = stream.channel, package.version
    if not channel or channel.startswith(_SUBSCRIPTION):
        return True
    if channel == CHANNEL:
        return is_of_root_io(package)
    if stream.ecosystem == "Amazon":
        # Topics of Amazon's extras are named for what they bring, many with its version: kernel-5.10, postgresql14.
        number = _NUMBER_AT_END.search(channel)
        return (
            number is None or version.partition(":")[2].startswith(number[0]) or version.startswith(number[0])
        )
    return any(flavour in channel and flavour in version for flavour in _FLAVOURS)


def is_for_all(stream: Stream, package: Package) -> bool:
    """Whether fixes of this stream are there for anyone who has the package: not those that a subscription brings."""
    return not stream.channel.startswith(_SUBSCRIPTION) or _SUBSCRIBED in package.version


def _fits_rpm(hit: Hit, package: Package) -> bool:
    says = hit.extra
    return (
        _fits_channel(hit.stream, package)
        and _flavour(says.fixed) in ("", _flavour(package.version))
        and (
            not _flavour(package.version)
            or not says.fixed
            or _flavour(says.fixed) == _flavour(package.version)
        )
        and _fits_module(hit, package)
        and _is_within_with_epoch(hit, package)
    )


def _flavour(version: str) -> str:
    return next((flavour for flavour in _FLAVOURS if flavour in version), "")


def _fits_module(hit: Hit, package: Package) -> bool:
    """By stream where the record names one, else by the mark that modular builds carry in their releases."""
    if hit.extra.module:
        return _fits_module_stream(hit.extra.module, package) or _may_be_of(hit.extra.module, package)
    is_modular = bool(_module_label(package)) or _MODULE_MARK in package.version
    if hit.extra.fixed:
        return is_modular == (_MODULE_MARK in hit.extra.fixed)
    return not is_modular


def _fits_module_stream(module: str, package: Package) -> bool:
    return not module or f"{_module_label(package)}:".startswith(f"{module}:")


def _may_be_of(module: str, package: Package) -> bool:
    """Documents often leave the label out: then the mark of modular builds counts, and the stream's number, as in ``nodejs:18``."""
    if _module_label(package) or _MODULE_MARK not in package.version:
        return False
    stream = module.partition(":")[2]
    return not stream[:1].isdigit() or package.version.rpartition(":")[2].startswith(f"{stream}.")


def _module_label(package: Package) -> str:
    return dict(package.qualifiers).get("modularitylabel", "")


def _is_within_with_epoch(hit: Hit, package: Package) -> bool:
    version = package.source_version if hit.is_source and package.source_version else package.version
    with_epoch = _with_epoch(package, version, hit.extra.fixed)
    if with_epoch == version:
        return True
    key = orderings()["Red Hat"].key
    return key(with_epoch) < key(hit.extra.fixed)


def _with_epoch(package: Package, version: str, fixed: str) -> str:
    """``version``, of the package or its source, with the epoch that it is meant with.

    A source package is written without the one that it shares with its packages. Who read a database of RPM has left out
    none but 0, and so has a package URL that names it; lists made by hand often leave it out, so the record's counts.
    """
    if ":" in version:
        return version
    epoch, colon, _ = package.version.partition(":")
    if not colon:
        if package.found_by or "epoch" in dict(package.qualifiers):
            return version
        epoch, colon, _ = fixed.partition(":")
    return f"{epoch}:{version}" if colon else version


def holds_fix_of_line(
    package: Package, streams: Sequence[Stream], hits: Sequence[Hit], database: Database
) -> frozenset[int]:
    """Numbers of the problems that the line of updates has fixed which the package's version comes from.

    A subscriber's channel of Ubuntu is such a line, and so is a minor release of Red Hat: what RHEL 9.4 got fixed in
    ``-427.40.1.el9_4`` is fixed there, though RHEL 9.5 got it in ``-503.11.1.el9_5``. ``hits`` are what is open.
    """
    if is_of_root_io(package):
        return _fixed_in_rebuild(known_as(package), streams, database)
    if package.type == "deb" and _SUBSCRIBED in package.version:
        channels = [stream for stream in streams if stream.channel.startswith(_SUBSCRIPTION)]
        return _fixed_in(package, channels, "", database)
    line = _minor_release(package.version) if package.type == "rpm" else ""
    if not line or all(_minor_release(hit.extra.fixed) == line for hit in hits):
        return frozenset()
    return _fixed_in(package, streams, line, database)


def _fixed_in(package: Package, streams: Sequence[Stream], line: str, database: Database) -> frozenset[int]:
    """Problems whose last fix in the line is the package's version or one before it."""
    ordering = orderings()["Red Hat" if line else "Debian"]
    names = {(package.source or package.name, True): package.source_version or package.version}
    if line:
        names[package.name, False] = package.version
    holds: dict[int, bool] = {}
    for stream in streams:
        for (name, is_source), version in names.items():
            for advisory, says in database.rows_of(stream.id, name, is_source=is_source):
                if not says.fixed or says.state != "affected" or _minor_release(says.fixed) != line:
                    continue
                # Which stream a build belongs to is not always known; that of another says nothing.
                if not line or (
                    _fits_module_stream(says.module, package)
                    and bool(says.module) == bool(_module_label(package))
                ):
                    installed = ordering.key(_with_epoch(package, version, says.fixed))
                    is_held = ordering.key(says.fixed) <= installed
                    holds[advisory] = holds.get(advisory, True) and is_held
    return _problems_held(holds, database)


def _fixed_in_rebuild(package: Package, streams: Sequence[Stream], database: Database) -> frozenset[int]:
    """Problems that Root.io fixed in the package's version or one before it; ``package`` as everybody else calls it."""
    language = "" if package.type in DISTRIBUTION_TYPES else package_name(package)
    names = {language or package.name: package.version}
    if not language and package.source:
        names[package.source] = package.source_version or package.version
    holds: dict[int, bool] = {}
    for stream in streams:
        ordering = orderings().get(stream.ecosystem) if stream.channel == CHANNEL else None
        for name, version in names.items() if ordering else ():
            for advisory, says in database.rows_of(stream.id, name, is_source=True):
                if says.fixed and says.state == "affected" and ordering:
                    is_held = ordering.key(says.fixed) <= ordering.key(version)
                    holds[advisory] = holds.get(advisory, False) or is_held
    return _problems_held(holds, database)


def _problems_held(holds: Mapping[int, bool], database: Database) -> frozenset[int]:
    """Numbers of the problems of which every advisory is held."""
    fixed: dict[int, bool] = {}
    for advisory, problems in database.problems(holds).items():
        for problem in problems:
            fixed[problem.id] = fixed.get(problem.id, True) and holds[advisory]
    return frozenset(number for number, is_fixed in fixed.items() if is_fixed)


def spoken_of(owner: Package, streams: Sequence[Stream], database: Database) -> frozenset[int]:
    """Numbers of the problems about which the distribution has said something, for the package of its that is ``owner``."""
    advisories = {
        advisory
        for stream in streams
        for advisory, _ in database.rows_of(stream.id, owner.source or owner.name, is_source=True)
    }
    return frozenset(
        problem.id for problems in database.problems(advisories).values() for problem in problems
    )


def _minor_release(version: str) -> str:
    """``9.4`` of ``el9_4`` and ``module+el9.4.0+``; empty where the version is of none."""
    found = _MINOR_RELEASE.search(version)
    return f"{found[1] or found[3]}.{found[2] or found[4]}" if found else ""


def suppression(
    match: Match, hits: Sequence[Hit], closed: Collection[str]
) -> tuple[Literal["publisher", "rule", "linker"] | None, str]:
    """Who takes the match away, and why; empty where it remains."""
    for hit in hits:
        if hit.extra.state in closed:
            reason = f" ({hit.extra.reason})" if hit.extra.reason else ""
            return "publisher", f"{hit.stream.name}: {hit.extra.state}{reason}"
    if all(one.how == "source package" for one in match.evidence) and _HEADERS.fullmatch(match.package.name):
        return "rule", "headers hold none of the kernel's code"
    if absent := _absent(match.package, hits):
        return "linker", absent
    return None, ""


def _absent(package: Package, hits: Sequence[Hit]) -> str:
    """Why the Go program has no code of the packages in which the problem lies; empty where it has, or none is named.

    One advisory that names packages speaks for those about the same problem that do not.
    """
    if package.linked is None and not package.built_for:
        return ""
    named = dict.fromkeys(each for hit in hits for each in hit.extra.imports)
    here = [each for each in named if _is_for(each, package.built_for)]
    if not named or any(package.linked is None or each.path in package.linked for each in here):
        return ""
    if not here:
        places = sorted({place for each in named for place in (*each.systems, *each.architectures)})
        return f"the problem is on {', '.join(places)} alone, the program is built for {package.built_for.strip('/')}"
    first, *others = dict.fromkeys(each.path for each in here)
    return f"no code of {f'{first} and {len(others)} more' if others else first} is in the program"


def _is_for(each: Import, built_for: str) -> bool:
    """Whether the package is there on the program's system and architecture, as far as these are known."""
    system, _, architecture = built_for.partition("/")
    is_for_system = not system or not each.systems or system in each.systems
    return is_for_system and (
        not architecture or not each.architectures or architecture in each.architectures
    )
