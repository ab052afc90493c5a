"""JavaScript packages that a project pins by pnpm: ``pnpm-lock.yaml``, formats 5 to 9.

Keys are ``/name/1.2.3_peer@1`` in format 5, ``/name@1.2.3(peer@1)`` in 6 and ``name@1.2.3`` in 9, which keeps
the graph in ``snapshots`` (https://github.com/pnpm/spec/tree/master/lockfile).
"""

from collections.abc import Iterator, Mapping

from leadline.packages.documents import fields, read_yaml, whole, whole_name, word
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.dependency_graph import reachable
from leadline.sbom.parsers.npm import is_of_dependency, npm_package, split_name

_OLD_KEY = late_pattern(r"((?:@[^/]++/)?[^/@]++)/(\d[^_(/]*+)")


@cataloguer("pnpm-lock", names=("pnpm-lock.yaml",), lock=True, version=3)
def pnpm_lock(lock: File) -> Packages:
    if is_of_dependency(lock):
        return
    found = whole(read_yaml(lock))
    packages, snapshots = fields(found.get("packages")), fields(found.get("snapshots"))
    needed = _needed(found, snapshots) if snapshots else None
    seen: set[tuple[str, str]] = set()
    for key, value in packages.items():
        entry = fields(value)
        resolution = fields(entry.get("resolution"))
        if word(resolution.get("type")) == "directory":
            continue  # a folder of the project itself, which has its own package.json
        name, version = _coordinates(key)
        name, version = whole_name(entry.get("name")) or name, word(entry.get("version")) or version
        if not name or not version or (name, version) in seen:
            continue
        seen.add((name, version))
        is_dev = word(entry.get("dev")) == "true" if needed is None else key not in needed
        needs = {**entry, "integrity": resolution.get("integrity")}
        yield npm_package(name, version, needs, is_dev)


def _coordinates(key: str) -> tuple[str, str]:
    """Name and version; the version is empty, or an address, for what comes from no registry."""
    registry, _, rest = key.partition("/")
    is_named = "." in registry and "@" not in registry and bool(rest)
    old = _OLD_KEY.match(rest if is_named else key.removeprefix("/"))
    if old:
        return old[1], old[2]
    return split_name(_without_peers(key).lstrip("/"))


def _without_peers(key: str) -> str:
    """Without what is in brackets: the versions of peers that were chosen."""
    return key.partition("(")[0]


def _needed(lock: Mapping[str, object], snapshots: Mapping[str, object]) -> frozenset[str]:
    """Keys of all packages that a project needs when it runs."""
    roots = [
        _key(name, word(fields(wanted).get("version")))
        for project in fields(lock.get("importers")).values()
        for kind in ("dependencies", "optionalDependencies")
        for name, wanted in fields(fields(project).get(kind)).items()
    ]
    edges = {key: tuple(_needs(fields(value))) for key, value in snapshots.items()}
    return frozenset(map(_without_peers, reachable(roots, edges)))


def _needs(snapshot: Mapping[str, object]) -> Iterator[str]:
    for kind in ("dependencies", "optionalDependencies"):
        for name, version in fields(snapshot.get(kind)).items():
            yield _key(name, word(version))


def _key(name: str, version: str) -> str:
    """``name@1.2.3``; the version of an alias is written with the true name, ``real@1.2.3``."""
    return version if "@" in _without_peers(version)[1:] else f"{name}@{version}"
