"""Alpine's secdb: source packages with the versions in which vulnerabilities were fixed.

JSON or YAML (https://secdb.alpinelinux.org), also written by Wolfi, Chainguard and others who build on apk.
A fix in version ``0`` says that the package was never affected.
"""

import re

import msgspec
from msgspec import Raw, Struct

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.packages.documents import read_yaml
from leadline.packages.file import File, Unreadable
from leadline.vulnerabilities.feed import HEAD_BYTES, Document, Facts
from leadline.vulnerabilities.feed_formats.values import LeftOut, decode, each, name, version

_IDS = re.compile(r"(CVE|GHSA|XSA|TROVE|ZBX|RUSTSEC|GO|PYSEC|OSV|CGA)[-_]([A-Za-z0-9-]+)")
_MARKS = (b"urlprefix", b"packages")


class Repository(Struct):
    """The head of a file."""

    packages: list[Raw] | dict[str, Raw]
    """What writes some of them has one notation for an empty list and an empty mapping."""
    distroversion: str = ""
    reponame: str = ""
    urlprefix: str = ""


class _Package(Struct, frozen=True):
    name: str
    secfixes: dict[str, list[str] | dict[str, Raw] | None] | list[Raw] | None = None


class _Entry(Struct, frozen=True):
    pkg: _Package


def is_secdb(document: Document, prefix: bytes) -> bool:
    """Whether a document is a secdb of the repository whose address holds ``prefix``.

    What is known of the repository is before the packages, or behind them.
    """
    ends = document.head + document.data[-HEAD_BYTES:]
    return all(mark in ends for mark in _MARKS) and prefix in ends and b"pkg" in ends


def read_repository(document: Document) -> Repository:
    """Raises ``Unreadable``."""
    if document.data.lstrip()[:1] in (b"{", b"<", b""):
        return decode(document.data, Repository, "the list")
    value = read_yaml(File(document.path, document.data))
    return decode(msgspec.json.encode(value), Repository, "the list")


def read_fixes(repository: Repository, ecosystem: str, release: str = "") -> Facts:
    """One advisory for each vulnerability of each package."""
    packages = repository.packages
    if isinstance(packages, dict):
        if packages:
            raise Unreadable("packages that are not a list")
        packages = []
    numbered = ((f"package {number}", entry) for number, entry in enumerate(packages, 1))
    yield from each(numbered, lambda entry: _fixes(entry, ecosystem, release))


def _fixes(entry: Raw, ecosystem: str, release: str) -> Facts:
    package = decode(entry, _Entry, "the package").pkg
    package_name = name(package.name)
    left_out = LeftOut()
    fixes = package.secfixes if isinstance(package.secfixes, dict) else {}
    for fix, problems in fixes.items():
        try:
            affected = _affected(Affected(ecosystem, package_name, release), fix)
        except Unreadable as error:
            left_out.add(package_name, error)
            continue
        for problem in problems if isinstance(problems, list) else ():
            # ``CVE-2018-3620 CVE-2018-3646 XSA-273``: each is a problem of its own, but XSA speaks of the same.
            ids = [f"{kind}-{rest}" for kind, rest in _IDS.findall(problem)]
            if not ids:
                left_out.add(package_name, f"no id of a vulnerability: {problem[:60]!r}")
            for own_id in ids:
                yield Advisory(own_id, (affected,))
    left_out.check()


def _affected(plain: Affected, fix: str) -> Affected:
    found = version(fix)
    if found == "0":
        return msgspec.structs.replace(plain, state="not affected")
    return msgspec.structs.replace(plain, ranges=(VersionRange(fixed=found),))
