"""JavaScript packages that a project pins by Yarn, in the notation of version 1 and in that of later versions.

https://classic.yarnpkg.com/lang/en/docs/yarn-lock/, https://yarnpkg.com/configuration/yarnrc
"""

from collections.abc import Iterator

from leadline.packages.documents import YAML_BYTES, fields, read_yaml, whole, word
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.npm import is_of_dependency, npm_package, split_name


@cataloguer("yarn-lock", names=("yarn.lock",), lock=True, version=2)
def yarn_lock(lock: File) -> Packages:
    if is_of_dependency(lock):
        return
    if len(lock.data) > YAML_BYTES:
        raise Unreadable(f"larger than {YAML_BYTES >> 20} MiB")
    yield from _later(lock) if "\n__metadata:" in lock.text else _first(lock.text)


def _later(lock: File) -> Packages:
    """YAML; ``resolution`` has the true name, members of the project itself are left out."""
    for key, value in whole(read_yaml(lock)).items():
        entry = fields(value)
        name, reference = split_name(word(entry.get("resolution")))
        version = word(entry.get("version"))
        if key == "__metadata" or "workspace:" in reference or not name or not version:
            continue
        yield npm_package(name, version, {"dependencies": entry.get("dependencies")}, is_dev=False)


def _first(text: str) -> Packages:
    """One block per package; what it is asked for by, then its fields, indented by two blanks."""
    seen: set[tuple[str, str]] = set()
    for name, found in _blocks(text):
        version = found.get("version", "")
        if not version:
            raise Unreadable(f"{name} has no version")
        if (name, version) not in seen:
            seen.add((name, version))
            yield npm_package(name, version, found, is_dev=False)


def _blocks(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    name, found = "", dict[str, str]()
    for line in text.split("\n"):
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if name:
                yield name, found
            name, found = _asked_name(line), {}
        elif line.startswith("  ") and line[2:3] not in (" ", ""):
            key, _, value = line.strip().partition(" ")
            found[key.strip('"')] = value.strip().strip('"')
    if name:
        yield name, found


def _asked_name(line: str) -> str:
    """The name in ``"a@^1", "a@^2":``; of ``alias@npm:real@^1`` the real one."""
    name, wanted = split_name(line.rstrip(":").split(",", 1)[0].strip().strip('"'))
    return split_name(wanted.removeprefix("npm:"))[0] if wanted.startswith("npm:") else name
