"""JavaScript packages that a project pins: ``package-lock.json`` and ``npm-shrinkwrap.json``, and Bun's ``bun.lock``.

https://docs.npmjs.com/cli/v10/configuring-npm/package-lock-json, https://bun.sh/docs/install/lockfile
"""

from collections.abc import Iterator, Mapping, Sequence

from leadline.packages.documents import (
    entries,
    fields,
    read_json,
    read_json_with_comments,
    whole,
    whole_name,
    word,
)
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.parsers.dependency_graph import reachable
from leadline.sbom.parsers.npm import is_of_dependency, npm_package, split_name

DEPTH = 200


@cataloguer("npm-lock", names=("package-lock.json", "npm-shrinkwrap.json"), lock=True, version=3)
def npm_lock(lock: File) -> Packages:
    if is_of_dependency(lock):
        return
    found = whole(read_json(lock))
    if "packages" in found:
        yield from _flat(fields(found.get("packages")), found)
    else:
        yield from _nested(found)


def _flat(packages: Mapping[str, object], lock: Mapping[str, object]) -> Packages:
    """Formats 2 and 3: every path below the project, ``node_modules/a/node_modules/@s/b``."""
    for path, value in packages.items():
        entry = fields(value)
        name = whole_name(word(entry.get("name")) or _name_of_folder(path) or lock.get("name"))
        version = word(entry.get("version"))
        if not name or not version or entry.get("link") is True:
            continue
        is_dev = entry.get("dev") is True or entry.get("devOptional") is True
        yield npm_package(name, version, entry, is_dev)


def _name_of_folder(path: str) -> str:
    """``@scope/name`` or ``name`` at the end, also for a member of a workspace, ``packages/name``; empty for the root."""
    parent, _, name = path.rpartition("/")
    scope = parent.rpartition("/")[2]
    return f"{scope}/{name}" if scope.startswith("@") else name


def _nested(lock: Mapping[str, object]) -> Packages:
    """Format 1: each package holds those that are placed below it."""
    waiting = [(fields(lock.get("dependencies")), 0)]
    if whole_name(lock.get("name")) and word(lock.get("version")):
        yield npm_package(whole_name(lock.get("name")), word(lock.get("version")), {}, False)
    while waiting:
        packages, depth = waiting.pop()
        if depth > DEPTH:
            raise Unreadable(f"nests packages more than {DEPTH} deep")
        for name, value in packages.items():
            entry = fields(value)
            version = word(entry.get("version"))
            if version.startswith("npm:"):  # installed under another name
                name, _, version = version.removeprefix("npm:").rpartition("@")
            is_folder = version.startswith("file:") and not version.endswith((".tgz", ".tar.gz"))
            if whole_name(name) and version and not is_folder:
                yield npm_package(whole_name(name), version, entry, entry.get("dev") is True)
            if fields(entry.get("dependencies")):
                waiting.append((fields(entry.get("dependencies")), depth + 1))


@cataloguer("bun-lock", names=("bun.lock",), lock=True, version=3)
def bun_lock(lock: File) -> Packages:
    """Each package is a list: ``name@version``, registry, what it needs, checksum."""
    if is_of_dependency(lock):
        return
    found = whole(read_json_with_comments(lock))
    packages = {key: entries(value) for key, value in fields(found.get("packages")).items()}
    workspaces = [fields(value) for value in fields(found.get("workspaces")).values()]
    roots = [name for workspace in workspaces for name in _needs(workspace, "")]
    edges = {key: tuple(_bun_edges(key, row, packages)) for key, row in packages.items()}
    needed = reachable(roots, edges)
    for key, row in packages.items():
        name, version = split_name(word(row[0]) if row else "")
        if not name or version.startswith(("workspace:", "root:", "file:", "link:")):
            continue
        checksum = word(row[-1]) if len(row) > 1 else ""
        yield npm_package(name, version, {"integrity": checksum}, key not in needed)


@cataloguer("bun-lock-binary", names=("bun.lockb",), lock=True)
def bun_lock_binary(lock: File, tree: Tree) -> Packages:
    """Bun's own notation of old, which no other tool reads; newer projects keep it beside the text for a while."""
    if not is_of_dependency(lock) and not tree.exists(f"{lock.folder}/bun.lock".lstrip("/")):
        raise Unreadable("is binary; bun install --save-text-lockfile writes the same as bun.lock")
    yield from ()


def _bun_edges(key: str, row: Sequence[object], packages: Mapping[str, Sequence[object]]) -> Iterator[str]:
    """Keys of what a package needs: ``key/name`` where a version of its own is placed below it, else ``name``."""
    for part in row:
        for name in _needs(fields(part), key):
            yield name if name in packages else name.removeprefix(f"{key}/")


def _needs(entry: Mapping[str, object], key: str) -> Iterator[str]:
    for kind in ("dependencies", "optionalDependencies", "peerDependencies"):
        for name in fields(entry.get(kind)):
            yield f"{key}/{name}" if key else name
