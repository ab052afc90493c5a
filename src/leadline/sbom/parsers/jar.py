"""What a Java archive says about itself: its manifest, the Maven coordinates packed into it, its file name.

https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html,
https://maven.apache.org/shared/maven-archiver/
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from leadline.packages.documents import Element
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.parsers.maven_groups import EARLIER_GROUPS, GROUPS, UMBRELLAS

ATTRIBUTE_CHARACTERS = 4096
DOTS = 12

_GROUP_FIRST = ("lib/main", "lib/boot", "lib/deployment")
"""Folders of Quarkus, which calls each archive ``group.artifact-version.jar`` in them."""
_STATED_GROUP_KEYS = ("Group-Id", "Implementation-Vendor-Id")
_GROUP_KEYS = (
    "Bundle-SymbolicName",
    "Extension-Name",
    "Specification-Vendor",
    "Implementation-Vendor",
    "Implementation-Title",
    "Automatic-Module-Name",
)
_SECTION_KEYS = ("Implementation-", "Specification-")
_VERSION_AFTER_DASH = late_pattern(r"-(?=v?\d)")
_VERSION_AFTER_MARK = late_pattern(r"[_.](?=v?\d)")
_SCALA = late_pattern(r"_(?:2\.1\d|3)$")
_NAME_GOES_ON = late_pattern(
    r"-(?!(?:alpha|android|beta|build|final|incubating|jre|milestone|redhat|snapshot)-)[a-z]{3,}-\d", re.I
)
_CLAUSE = late_pattern(r"(?:\"[^\"]*\"|[^,\"])+")
_QUOTED_OR_PLAIN = late_pattern(r"(?:\"[^\"]*\"|[^;\"])+")
_NOISE = late_pattern(
    r"(?<=\d)\.v\d{8}-\d{6}-VFINAL-\w+$|(?:-release-\d+)? \([^()]*\)$|(?<=\w) .*$", re.DOTALL
)
"""Of Scala, of Kotlin, and of those that name the commit and who built it: ``8.8.0 b10659f - noble - 2021-01-21``."""
_NO_VERSIONS = frozenset(
    (
        "unspecified",
        "noversion",
        "no-version",
        "unknown",
        "undefined",
        "unset",
        "none",
        "null",
        "n/a",
        "version",
    )
)
_CLASSIFIER = late_pattern(
    r"-(?:sources|javadoc|tests|shaded|all|jar-with-dependencies|no_?aop"
    r"|(?:natives-)?(?:linux|windows|win|mac|macos|macosx|osx|android)(?:[-_](?:x86_64|x86|arm64|arm|aarch_?64|amd64|aarch64-?fx))?)$"
)
_DOTTED = late_pattern(r"[a-z][\w-]*(?:\.[\w-]+)+")
_CLASS = late_pattern(r"(?:\.[A-Z]\w*)+$")
_REVERSED_DOMAIN = late_pattern(r"(?:com|org|net|io|dev|edu|gov|info|biz|javax?|jakarta|[a-z]{2})\.")


class Coordinates(Struct, frozen=True):
    """What Maven calls an artifact by."""

    group: str
    artifact: str
    version: str


def coordinates_in_properties(text: str) -> Coordinates:
    """From a ``pom.properties``; parts that are missing or not filled in are empty."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        key, _, value = line.replace(":", "=", 1).partition("=") if "=" not in line else line.partition("=")
        found[key.strip()] = value.strip()
    return _filled_in(*(found.get(key, "") for key in ("groupId", "artifactId", "version")))


def coordinates_in_pom(project: Element) -> Coordinates:
    """From a ``pom.xml``; group and version may be those of the parent."""
    parent = project.child("parent")
    return _filled_in(
        project.value("groupId") or parent.value("groupId"),
        project.value("artifactId"),
        project.value("version") or parent.value("version"),
    )


def _filled_in(group: str, artifact: str, version: str) -> Coordinates:
    return Coordinates(*("" if "${" in part else part for part in (group, artifact, stated_version(version))))


def stated_version(text: str) -> str:
    """``text`` where it is a version, without what builds write behind it; empty for what they write that were given none."""
    text = _NOISE.sub("", text)
    is_one = text.lower() not in _NO_VERSIONS and not text.startswith(("${", "@", "%")) and "${" not in text
    return text if is_one else ""


def manifest_attributes(text: str) -> dict[str, str]:
    """The main section of a ``MANIFEST.MF``; what it lacks of title, version and vendor comes from later ones.

    Lines are wrapped at 72 bytes and continue after one blank.
    """
    found: dict[str, str] = {}
    name = ""
    is_main = True
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith(" "):
            if name and len(found[name]) < ATTRIBUTE_CHARACTERS:
                found[name] += line[1:]
            continue
        name, _, value = line.partition(":")
        name = name.strip()
        is_main = is_main and name != "Name"
        if name in found or not (name and (is_main or name.startswith(_SECTION_KEYS))):
            name = ""
        else:
            found[name] = value.lstrip()
    return {name: value.strip() for name, value in found.items()}


def bundle_licences(header: str) -> tuple[str, ...]:
    """The licences of a ``Bundle-License``, of which a user may choose: names, or addresses where no name is.

    https://docs.osgi.org/specification/osgi.core/8.0.0/framework.module.html
    """
    clauses = (_QUOTED_OR_PLAIN.findall(clause) for clause in _CLAUSE.findall(header))
    named = (words[0].strip().strip('"').strip() for words in clauses if words)
    return tuple(name for name in named if name and name != "<<EXTERNAL>>")


def split_file_name(name: str) -> tuple[str, str]:
    """Artifact and version of ``log4j-core-2.14.1.jar``; the version is empty where the name has none."""
    stem = name.rpartition(".")[0] or name
    marks = (*_VERSION_AFTER_DASH.finditer(stem[:255]), *_VERSION_AFTER_MARK.finditer(stem[:255]))
    for found in marks if not _SCALA.search(stem) else ():
        version = stem[found.end() :]
        if found.start() and not re.match(r"\d+[a-zA-Z]{2}", version) and not _NAME_GOES_ON.search(version):
            # ``4.10.x`` is a link's name for whatever 4.10 is installed
            return stem[: found.start()], "" if version.endswith(".x") else _CLASSIFIER.sub("", version)
    return stem, ""


def named_by(attributes: Mapping[str, str], place: str) -> Coordinates:
    """The best guess for an archive that carries no coordinates."""
    folder, _, file_name = place.rpartition(":")[2].rpartition("/")
    stem, version = split_file_name(file_name)
    group, artifact = _split_group(stem, attributes, folder.endswith(_GROUP_FIRST))
    for key in ("Implementation-Version", "Bundle-Version", "Specification-Version", "Plugin-Version"):
        stated = stated_version(attributes.get(key, ""))
        # Debian's log4j-1.2-1.2.17 has a series in its name, and then the version that the manifest states
        is_behind_series = bool(stated) and version.endswith(f"-{stated}")
        if is_behind_series or not version:
            version = stated
    return Coordinates(group or _group(attributes, artifact, version), artifact, version)


def _split_group(stem: str, attributes: Mapping[str, str], leads_with_group: bool) -> tuple[str, str]:
    """Group and artifact of ``com.squareup.okio.okio-jvm``; the group is empty where dots are part of the artifact.

    Bundles are called by a dotted name, and say it.
    """
    scala = _SCALA.search(stem)
    bare = stem[: scala.start()] if scala else stem
    group, _, artifact = bare.rpartition(".")
    artifact += stem[len(bare) :]
    bundle = attributes.get("Bundle-SymbolicName", "").partition(";")[0].strip()
    if not group or stem.count(".") > DOTS:
        return "", stem
    if leads_with_group and bundle and stem.endswith(f".{bundle}"):
        return stem[: -len(bundle) - 1], bundle
    # Bundles of known artifacts are called by group and artifact too: ``io.projectreactor.reactor-core``.
    for dot in re.finditer(r"\.", stem):
        words = _known_words(stem[dot.end() :])
        if words and stem[: dot.start()] in (GROUPS[words], EARLIER_GROUPS.get(words, (0, ""))[1]):
            return stem[: dot.start()], stem[dot.end() :]
    # sbt writes the group first. No bundle is called by the end of its group twice, or for a Scala.
    for dot in re.finditer(r"\.", stem):
        first, rest = stem[: dot.start()], stem[dot.end() :]
        if rest == first or ("." in first and rest.startswith(f"{first}.")):
            return first, rest
    if scala or f".{group}".endswith(f".{artifact}"):
        return group, artifact
    if bundle == stem and not leads_with_group:
        # Many bundles are called by group and artifact (``org.mongodb.bson``), and say that they are named ``bson``.
        named = attributes.get("Bundle-Name", "").strip()
        first = stem.removesuffix(f".{named}")
        return (first, named) if named and first != stem and "." in first else ("", stem)
    is_split = leads_with_group or ("." in group and "-" in artifact and not _known_words(stem))
    return (group, artifact) if is_split else ("", stem)


def _known_words(artifact: str) -> str:
    """The longest key of ``GROUPS`` that ``artifact`` begins with; empty for none."""
    return max(
        (words for words in GROUPS if f"{artifact}-".startswith((f"{words}-", f"{words}_", f"{words}."))),
        key=len,
        default="",
    )


def _group(attributes: Mapping[str, str], artifact: str, version: str) -> str:
    """The group; empty where nothing names one. A guess would be looked up, and found to be someone else's."""
    title, mark, _ = attributes.get("Implementation-Title", "").partition("#")
    if mark and _DOTTED.fullmatch(title):  # Gradle's ``group#artifact;version``
        return title
    known = _known_words(artifact)
    if known:
        return _listed_group(known, version)
    for key in _STATED_GROUP_KEYS:
        value = attributes.get(key, "").strip()
        # The oldest artifacts are their own groups.
        if (_DOTTED.fullmatch(value) and value not in UMBRELLAS) or (value and value == artifact):
            return value
    for key in _GROUP_KEYS:
        value = _CLASS.sub("", attributes.get(key, "").partition(";")[0].strip())
        if _DOTTED.fullmatch(value):
            return _without_artifact(value, artifact)
    return ""


def _listed_group(words: str, version: str) -> str:
    first_version, earlier = EARLIER_GROUPS.get(words, (0, ""))
    major = re.match(r"\d{1,6}", version)
    return earlier if major and int(major[0]) < first_version else GROUPS[words]


def _without_artifact(name: str, artifact: str) -> str:
    """``org.freemarker.freemarker`` → ``org.freemarker``; empty for what many groups have in common."""
    if "." in artifact and name == artifact:
        parts = name.split(".")
        return ".".join(parts[: 3 if ".".join(parts[:2]) in UMBRELLAS else 2])
    bare = _SCALA.sub("", artifact)
    for ending in (artifact, bare, bare.replace("-", "."), bare.rpartition("-")[2]):
        group = name.removesuffix(f".{ending}")
        if group != name and "." in group and group not in UMBRELLAS:
            return group
    is_whole = name.count(".") > 1 or _REVERSED_DOMAIN.match(name)
    return name if is_whole and name not in UMBRELLAS else ""
