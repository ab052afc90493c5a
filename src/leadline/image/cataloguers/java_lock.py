"""Java artifacts that a project declares: ``pom.xml`` of Maven, ``gradle.lockfile`` of Gradle.

https://maven.apache.org/pom.html, https://docs.gradle.org/current/userguide/dependency_locking.html
"""

import re
from collections.abc import Mapping

from leadline.image.cataloguer import File, Package, Packages, Unreadable, cataloguer
from leadline.image.documents import Element, read_xml
from leadline.image.jar import coordinates_in_pom

FILE_BYTES = 8 << 20
SUBSTITUTIONS = 10
PROPERTY_CHARACTERS = 200

_PROPERTY = re.compile(r"\$\{([^{}]{1,200})\}")


@cataloguer("java-pom", names=("pom.xml",), lock=True, may_lack_version=True)
def java_pom(pom: File) -> Packages:
    """The project and what it depends on; a dependency whose version comes from a parent elsewhere has none."""
    project = read_xml(pom.data)
    if project.name != "project":
        return
    own, properties = coordinates_in_pom(project), _properties(project)
    if own.group and own.artifact and own.version:
        yield Package("maven", own.artifact, own.version, namespace=own.group)
    managed = {
        _key(dependency, properties): dependency.value("version")
        for dependency in project.child("dependencyManagement").child("dependencies").children
    }
    for dependency in project.child("dependencies").children:
        group, artifact = _key(dependency, properties)
        version = _resolved(dependency.value("version") or managed.get((group, artifact), ""), properties)
        if artifact:
            is_dev = dependency.value("scope") == "test"
            yield Package(
                "maven", artifact, "" if "${" in version else version, namespace=group, is_dev=is_dev
            )


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


def _key(dependency: Element, properties: Mapping[str, str]) -> tuple[str, str]:
    return (
        _resolved(dependency.value("groupId"), properties),
        _resolved(dependency.value("artifactId"), properties),
    )


def _properties(project: Element) -> dict[str, str]:
    found = {
        one.name: one.text.strip()
        for one in project.child("properties").children
        if len(one.text) <= PROPERTY_CHARACTERS
    }
    own = coordinates_in_pom(project)
    for prefix in ("project.", "pom.", ""):
        found |= {
            f"{prefix}groupId": own.group,
            f"{prefix}artifactId": own.artifact,
            f"{prefix}version": own.version,
        }
    parent = project.child("parent")
    found |= {f"project.parent.{key}": parent.value(key) for key in ("groupId", "version")}
    return found


def _resolved(text: str, properties: Mapping[str, str]) -> str:
    """``${name}`` filled in as far as this file tells; what refers to itself stays as it is."""
    for _ in range(SUBSTITUTIONS if len(text) <= PROPERTY_CHARACTERS else 0):
        filled = _PROPERTY.sub(lambda found: properties.get(found[1]) or found[0], text)
        if filled == text or len(filled) > PROPERTY_CHARACTERS:
            break
        text = filled
    return text if len(text) <= PROPERTY_CHARACTERS else ""
