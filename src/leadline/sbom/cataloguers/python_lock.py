"""Python packages that a project pins: requirements files and the lock files of pip, Poetry, Pipenv, uv and PDM.

https://pip.pypa.io/en/stable/reference/requirements-file-format/,
https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

import re
from collections.abc import Iterator, Mapping

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, read_json, read_toml, whole, word, words
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.identity.address import public_address
from leadline.sbom.parsers.dependency_graph import reachable

REQUIREMENTS_BYTES = 8 << 20

_PIN = late_pattern(
    r"(?P<name>[A-Za-z0-9][\w.-]*+)\s*+(?:\[[^\]]*+\])?\s*+\(?\s*+={2,3}\s*+(?P<version>[\w.!+-]++)(?=[)\s;#]|$)"
)
_DIRECT = late_pattern(r"(?P<name>[A-Za-z0-9][\w.-]*+)\s*+(?:\[[^\]]*+\])?\s*+@\s*+(?P<address>\S++)")
_DEVELOPMENT_NAME = late_pattern(
    r"(?:^|[-_.])(?:dev|devel|develop|development|tests?|testing|lint|docs?|ci)(?:[-_.]|$)"
)
_MAIN_GROUPS = frozenset(("main", "default"))


@cataloguer(
    "python-requirements",
    suffixes=("requirements.txt",),
    folders=("*/requirements",),
    names=("requirements*.txt", "requirements*.lock"),
    lock=True,
    version=3,
)
def python_requirements(requirements: File) -> Packages:
    if not requirements.name.endswith((".txt", ".lock")):
        return
    is_dev = bool(_DEVELOPMENT_NAME.search(requirements.name))
    text = requirements.text[:REQUIREMENTS_BYTES]
    if "\0" in text[:1024]:
        raise Unreadable("is not text")
    text = text.replace("\\\r\n", " ").replace("\\\n", " ")
    for line in text.split("\n"):
        line = line.strip()[:4096]
        if pin := _PIN.match(line):
            yield Package("pypi", pin["name"], pin["version"], is_dev=is_dev)
        elif direct := _DIRECT.match(line):
            name, version = direct["name"], _version_in_address(direct["name"], direct["address"])
            qualifier = "vcs_url" if "+" in direct["address"].partition(":")[0] else "download_url"
            if version:
                qualifiers = ((qualifier, public_address(direct["address"])),)
                yield Package("pypi", name, version, qualifiers=qualifiers, is_dev=is_dev)
    if len(requirements.data) > REQUIREMENTS_BYTES:
        raise Unreadable(f"larger than {REQUIREMENTS_BYTES >> 20} MiB, the rest was left out")


def _version_in_address(name: str, address: str) -> str:
    """The version of ``…/name-1.2.tar.gz``, or a repository's ``@1.2`` or commit; empty where the address has none."""
    file_name = address.partition("#")[0].rpartition("/")[2]
    pattern = re.sub(r"[-_.]+", "[-_.]+", name)
    found = re.match(rf"{pattern}-(\d[\w.!+]*?)(?:-|\.tar|\.zip|$)", file_name, re.IGNORECASE)
    if found:
        return found[1]
    tag = re.search(r"@(?:v?(?P<tag>\d[\w.]*)|(?P<commit>[0-9a-f]{40}))(?:#|$)", address)
    return (tag["commit"] or tag["tag"]) if tag else ""


@cataloguer("python-poetry", names=("poetry.lock",), lock=True)
def python_poetry(lock: File) -> Packages:
    for package in map(fields, entries(read_toml(lock).get("package"))):
        groups = words(package.get("groups")) or (word(package.get("category")) or "main",)
        yield from _package(package, is_dev=_MAIN_GROUPS.isdisjoint(groups))


@cataloguer("python-pdm", names=("pdm.lock",), lock=True)
def python_pdm(lock: File) -> Packages:
    for package in map(fields, entries(read_toml(lock).get("package"))):
        groups = words(package.get("groups")) or ("default",)
        yield from _package(package, is_dev=_MAIN_GROUPS.isdisjoint(groups))


@cataloguer("python-pylock", names=("pylock.toml", "pylock.*.toml"), lock=True)
def python_pylock(lock: File) -> Packages:
    for package in map(fields, entries(read_toml(lock).get("packages"))):
        yield from _package(package, is_dev=False)


@cataloguer("python-pipenv", names=("Pipfile.lock",), lock=True, version=2)
def python_pipenv(lock: File) -> Packages:
    """What comes out of a repository has its commit for a version; a folder of the project has none."""
    found = whole(read_json(lock))
    default = fields(found.get("default"))
    for group in ("default", "develop"):
        for name, entry in fields(found.get(group)).items():
            address, commit = word(fields(entry).get("git")), word(fields(entry).get("ref"))
            version = word(fields(entry).get("version")).lstrip("=") or commit
            if version and (group == "default" or name not in default):
                origin = (_repository("git", address, commit),) if address else ()
                yield Package("pypi", name, version, qualifiers=origin, is_dev=group == "develop")


@cataloguer("python-uv", names=("uv.lock",), lock=True)
def python_uv(lock: File) -> Packages:
    packages = [fields(entry) for entry in entries(read_toml(lock).get("package"))]
    projects = [package for package in packages if _is_project(package)]
    edges = {word(package.get("name")): tuple(_needs(package)) for package in packages}
    needed = reachable((word(project.get("name")) for project in projects), edges)
    for package in packages:
        if not _is_project(package):
            is_dev = bool(projects) and word(package.get("name")) not in needed
            yield from _package(package, is_dev)


def _is_project(package: Mapping[str, object]) -> bool:
    """Whether it is the project itself or a member of its workspace."""
    return not fields(package.get("source")).keys().isdisjoint(("editable", "virtual", "directory"))


def _needs(package: Mapping[str, object]) -> Iterator[str]:
    for entry in entries(package.get("dependencies")):
        yield word(fields(entry).get("name"))
    for extra in fields(package.get("optional-dependencies")).values():
        for entry in entries(extra):
            yield word(fields(entry).get("name"))


def _package(package: Mapping[str, object], is_dev: bool) -> Packages:
    """Nothing for an entry without a version: it is a folder or a repository of the project."""
    name, version = word(package.get("name")), word(package.get("version"))
    if name and version:
        yield Package("pypi", name, version, is_dev=is_dev, qualifiers=tuple(_origin(package)))


def _origin(package: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Where a package from no index comes from, as uv, Poetry, PDM and pylock each write it."""
    source, vcs = fields(package.get("source")), fields(package.get("vcs"))
    if repository := word(source.get("git")):
        address, _, commit = repository.partition("#")
        yield _repository("git", address, commit)
    elif word(source.get("type")) == "git":
        yield _repository("git", word(source.get("url")), word(source.get("resolved_reference")))
    elif vcs:
        yield _repository(word(vcs.get("type")), word(vcs.get("url")), word(vcs.get("commit-id")))
    elif repository := word(package.get("git")):
        yield _repository("git", repository, word(package.get("revision")))
    elif word(source.get("url")) and word(source.get("type")) not in ("legacy", "directory", "file"):
        yield "download_url", public_address(word(source.get("url")))


def _repository(kind: str, address: str, commit: str) -> tuple[str, str]:
    return "vcs_url", f"{kind}+{public_address(address)}" + (f"@{commit}" if commit else "")
