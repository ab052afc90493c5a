"""Java artifacts that a project declares: ``pom.xml`` of Maven, ``gradle.lockfile`` of Gradle.

https://maven.apache.org/pom.html, https://docs.gradle.org/current/userguide/dependency_locking.html
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from posixpath import join, normpath

from msgspec import Struct

from leadline.model.package import Package
from leadline.packages.documents import Element, read_xml
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, Tree, cataloguer

FILE_BYTES = 8 << 20
PARENT_BYTES = 512 << 10
PARENTS = 8
PARENTS_REMEMBERED = 64
SUBSTITUTIONS = 10
PROPERTY_CHARACTERS = 200

_PROPERTY = late_pattern(r"\$\{([^{}]{1,200})\}")


class _Dependency(Struct, frozen=True):
    """As written: any of it may be ``${a property}``."""

    group: str
    artifact: str
    version: str
    scope: str


class _Project(Struct, frozen=True):
    """What counts of a ``pom.xml``, for itself and for those that name it as their parent."""

    group: str
    artifact: str
    version: str
    properties: Mapping[str, str]
    managed: tuple[_Dependency, ...]
    depends: tuple[_Dependency, ...]
    parent: tuple[str, str]
    """Artifact and path of the parent; without an artifact there is none, without a path it lies elsewhere."""


@cataloguer("java-pom", names=("pom.xml",), lock=True, may_lack_version=True, version=2)
def java_pom(pom: File, tree: Tree) -> Packages:
    """The project and what it depends on; versions and properties come from its parents, where those lie in the tree.

    A dependency whose version is given elsewhere has none. Those of profiles count: which of them is in use depends on
    who builds.
    """
    root = read_xml(pom.data)
    if root.name != "project":
        return
    project = _project(root)
    lineage = (*reversed(tuple(_parents(project, pom.folder, tree))), project)
    properties: dict[str, str] = {}
    for one in lineage:
        properties |= one.properties
    own = [_resolved(text, properties) for text in (project.group, project.artifact, project.version)]
    if all(own) and "${" not in "".join(own):
        yield Package("maven", own[1], own[2], namespace=own[0])
    managed = {_key(one, properties): one.version for ancestor in lineage for one in ancestor.managed}
    for dependency in dict.fromkeys(project.depends):
        group, artifact = _key(dependency, properties)
        version = _resolved(dependency.version or managed.get((group, artifact), ""), properties)
        if artifact:
            known = "" if "${" in version else version
            yield Package("maven", artifact, known, namespace=group, is_dev=dependency.scope == "test")


@cataloguer("java-gradle", names=("gradle.lockfile", "buildscript-gradle.lockfile"), lock=True)
def java_gradle(lock: File) -> Packages:
    """Lines of ``group:artifact:version=configuration,configuration``."""
    if len(lock.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    is_lock = not lock.data.strip()
    for line in lock.text.split("\n"):
        coordinates, equals, configurations = line.strip().partition("=")
        is_lock |= bool(equals) or line.startswith("#")
        parts = coordinates.split(":")
        if len(parts) == 3 and not line.startswith("#"):
            is_dev = all(name.startswith("test") for name in configurations.split(","))
            yield Package("maven", parts[1], parts[2], namespace=parts[0], is_dev=is_dev)
    if not is_lock:
        raise Unreadable("assigns nothing to a configuration")


def _project(root: Element) -> _Project:
    parent = root.child("parent")
    group = root.value("groupId") or parent.value("groupId")
    version = root.value("version") or parent.value("version")
    properties = {
        one.name: one.text.strip()
        for one in root.child("properties").children
        if len(one.text) <= PROPERTY_CHARACTERS
    }
    own = {"groupId": group, "artifactId": root.value("artifactId"), "version": version}
    for prefix in ("project.", "pom.", ""):
        properties |= {f"{prefix}{key}": value for key, value in own.items()}
    properties |= {f"project.parent.{key}": parent.value(key) for key in ("groupId", "version")}
    profiles = root.child("profiles").children
    stated = [one.text.strip() for one in parent.children if one.name == "relativePath"]
    return _Project(
        group,
        own["artifactId"],
        version,
        properties,
        tuple(map(_dependency, root.child("dependencyManagement").child("dependencies").children)),
        tuple(_dependency(one) for part in (root, *profiles) for one in part.child("dependencies").children),
        (parent.value("artifactId"), stated[0] if stated else "../pom.xml"),
    )


def _dependency(element: Element) -> _Dependency:
    return _Dependency(*(element.value(key) for key in ("groupId", "artifactId", "version", "scope")))


def _parents(project: _Project, folder: str, tree: Tree) -> Iterator[_Project]:
    """Parents in the tree, the nearest first; Maven takes one by its path only where it has the name it is asked by."""
    for _ in range(PARENTS):
        artifact, written = project.parent
        path = normpath(join("/", folder, written)).lstrip("/")
        file = tree.get(path) or tree.get(f"{path}/pom.xml") if artifact and written else None
        if file is None or len(file.data) > PARENT_BYTES:
            return
        parent = _remembered(file.data)
        if parent is None or parent.artifact != artifact:
            return
        yield parent
        project, folder = parent, file.folder


@lru_cache(maxsize=PARENTS_REMEMBERED)
def _remembered(content: bytes) -> _Project | None:
    """A parent, read once for all the modules that name it; ``None`` where it is none, which is reported for the file itself."""
    try:
        root = read_xml(content)
    except Unreadable:
        return None
    return _project(root) if root.name == "project" else None


def _key(dependency: _Dependency, properties: Mapping[str, str]) -> tuple[str, str]:
    return _resolved(dependency.group, properties), _resolved(dependency.artifact, properties)


def _resolved(text: str, properties: Mapping[str, str]) -> str:
    """``${name}`` filled in as far as this file says; what refers to itself stays as it is."""
    for _ in range(SUBSTITUTIONS if len(text) <= PROPERTY_CHARACTERS else 0):
        filled = _PROPERTY.sub(lambda found: properties.get(found[1]) or found[0], text)
        if filled == text or len(filled) > PROPERTY_CHARACTERS:
            break
        text = filled
    return text if len(text) <= PROPERTY_CHARACTERS else ""
