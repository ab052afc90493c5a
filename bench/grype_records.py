"""Writes advisories as Grype's builder puts them into a database of its schema 6.

Languages have constraints; distributions a row for each problem, package and release; AlmaLinux lists what is not affected any more.
Source: https://github.com/anchore/grype (grype/db/v6) and https://github.com/anchore/vunnel.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from vulnerabilities.grype_database import GrypeDatabase

_LANGUAGES = {
    "Bitnami": ("bitnami", "bitnami"),
    "Go": ("go-module", "govulndb"),
    "PyPI": ("python", "github"),
    "crates.io": ("rust-crate", "github"),
}
_DISTRIBUTIONS = {
    "AlmaLinux": ("rpm", "almalinux", "alma"),
    "Alpine": ("apk", "alpine", "alpine"),
    "Debian": ("deb", "debian", "debian"),
    "Red Hat": ("rpm", "rhel", "rhel"),
    "SUSE": ("rpm", "sles", "sles"),
    "Ubuntu": ("deb", "ubuntu", "ubuntu"),
}
_STATES = {"wont fix": "wont-fix", "deferred": "wont-fix", "end of life": "wont-fix"}


def write_grype_database(advisories: Iterable[Advisory], path: Path) -> Path:
    made = GrypeDatabase(path)
    made.run("PRAGMA synchronous = OFF; CREATE INDEX by_name ON packages(ecosystem, name)")
    for _, provider in (*_LANGUAGES.values(), *((type, name) for type, _, name in _DISTRIBUTIONS.values())):
        made.run(f"INSERT OR IGNORE INTO providers VALUES('{provider}', '1', 'vunnel', '2026-06-30', '')")
    systems: dict[tuple[str, str, str], int] = {}
    made.run("BEGIN")
    for advisory in advisories:
        for affected in advisory.affected:
            if affected.state not in ("affected", *_STATES):
                continue
            if affected.ecosystem in _LANGUAGES:
                _write_language(made, advisory, affected)
            elif affected.ecosystem in _DISTRIBUTIONS:
                key = affected.ecosystem, affected.release, affected.channel
                if key not in systems:
                    systems[key] = _system(made, *key)
                _write_package(made, advisory, affected, systems[key])
    made.run("")  # which commits
    return made.close()


def _system(made: GrypeDatabase, ecosystem: str, release: str, channel: str) -> int:
    name = _DISTRIBUTIONS[ecosystem][1]
    if not release[:1].isdigit():
        return made.system(name, label="unstable" if release == "sid" else release, channel=channel)
    major, _, minor = release.partition(".")
    return made.system(name, major, minor, channel=channel)


def _write_language(made: GrypeDatabase, advisory: Advisory, affected: Affected) -> None:
    type, provider = _LANGUAGES[affected.ecosystem]
    ranges = [_range(span) for span in affected.ranges]
    ranges += [{"version": {"constraint": f"= {version}"}} for version in affected.versions]
    says: dict[str, Any] = {"ranges": ranges}
    if affected.imports:
        says["qualifiers"] = {
            "go_imports": [{"path": one.path, "symbols": list(one.symbols)} for one in affected.imports]
        }
    number = made.advisory(
        advisory.id, provider, aliases=list(advisory.aliases), withdrawn=advisory.withdrawn or None
    )
    made.affected(number, type, affected.package, **says)


def _write_package(made: GrypeDatabase, advisory: Advisory, affected: Affected, system: int) -> None:
    type, _, provider = _DISTRIBUTIONS[affected.ecosystem]
    qualifiers = {"rpm_modularity": affected.module} if affected.module else {}
    if affected.arches:
        qualifiers["architecture"] = affected.arches[0]
    withdrawn = advisory.withdrawn or None
    if provider == "alma":
        number = made.advisory(advisory.id, provider, aliases=list(advisory.covers), withdrawn=withdrawn)
        ranges = [
            {"version": {"constraint": f">= {span.fixed}"}, "fix": {"version": span.fixed, "state": "fixed"}}
            for span in affected.ranges
        ]
        made.unaffected(number, type, affected.package, system, ranges=ranges, qualifiers=qualifiers)
        return
    ranges = [_range(span, _STATES.get(affected.state, "")) for span in affected.ranges or (VersionRange(),)]
    for name in advisory.covers or (advisory.id,):
        aliases = [] if advisory.covers else list(advisory.aliases)
        number = made.advisory(name, provider, aliases=aliases, withdrawn=withdrawn)
        made.affected(number, type, affected.package, system, ranges=ranges, qualifiers=qualifiers)


def _range(span: VersionRange, state: str = "") -> dict[str, Any]:
    terms = [f"{'>' if span.after else '>='} {span.introduced}"] if span.introduced else []
    terms += [f"< {span.fixed}"] if span.fixed else []
    terms += [f"<= {span.last_affected}"] if span.last_affected else []
    fix = (
        {"version": span.fixed, "state": "fixed"}
        if span.fixed and span.is_fix
        else {"state": state or "not-fixed"}
    )
    return {"version": {"constraint": ", ".join(terms)}, "fix": fix}
