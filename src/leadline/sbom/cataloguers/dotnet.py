""".NET packages of a published program: the ``*.deps.json`` beside it, and the lists that a project keeps.

https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md,
https://learn.microsoft.com/en-us/nuget/consume-packages/package-references-in-project-files#locking-dependencies,
https://learn.microsoft.com/en-us/nuget/reference/packages-config,
https://learn.microsoft.com/en-us/nuget/consume-packages/central-package-management
"""

from collections.abc import Mapping

from leadline.model.package import Package
from leadline.packages.documents import fields, read_json, read_xml, whole, word
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.checksum import in_base64

_FILES = ("runtime", "native", "runtimeTargets", "resources")
"""What a package gives to the folder of the program."""
_PLAIN_VERSION = late_pattern(r"\d[\w.+-]{0,100}")


@cataloguer("dotnet", suffixes=(".deps.json",), version=2)
def dotnet(dependencies: File) -> Packages:
    """The program's own projects are not packages of NuGet, even where NuGet has one of that name. A package that gives the program no file, as those that only build it or bring others, is not in the image."""
    found = whole(read_json(dependencies))
    needs: dict[str, tuple[str, ...]] = {}
    without_files: set[str] = set()
    with_files: set[str] = set()
    for target in fields(found.get("targets")).values():
        for key, value in fields(target).items():
            entry = fields(value)
            needs.setdefault(key, tuple(fields(entry.get("dependencies"))))
            (with_files if any(entry.get(kind) for kind in _FILES) else without_files).add(key)
    for key, value in fields(found.get("libraries")).items():
        name, _, version = key.partition("/")
        kind = word(fields(value).get("type"))
        is_package = kind == "package"
        if name and version and kind != "project" and not (is_package and key in without_files - with_files):
            checksum = word(fields(value).get("sha512")).removeprefix("sha512-")
            yield Package(
                "nuget", name, version, digests=in_base64("sha512", checksum), depends=needs.get(key, ())
            )


@cataloguer("dotnet-lock", names=("packages.lock.json",), lock=True)
def dotnet_lock(lock: File) -> Packages:
    """The same package for several frameworks is one package."""
    seen: dict[tuple[str, str], Mapping[str, object]] = {}
    for framework in fields(whole(read_json(lock)).get("dependencies")).values():
        for name, value in fields(framework).items():
            entry = fields(value)
            version = word(entry.get("resolved"))
            if version and word(entry.get("type")).lower() != "project":
                seen.setdefault((name, version), entry)
    for (name, version), entry in seen.items():
        digests = in_base64("sha512", word(entry.get("contentHash")))
        yield Package(
            "nuget", name, version, digests=digests, depends=tuple(fields(entry.get("dependencies")))
        )


@cataloguer("dotnet-config", names=("packages.config", "Packages.config"), lock=True)
def dotnet_config(config: File) -> Packages:
    """``<package id="…" version="…"/>``, as projects had it before they referred to packages themselves."""
    root = read_xml(config.data)
    for package in root.children if root.name == "packages" else ():
        name, version = package.attributes.get("id", ""), package.attributes.get("version", "")
        is_dev = package.attributes.get("developmentDependency", "").lower() == "true"
        yield Package("nuget", name.strip(), version.strip(), is_dev=is_dev)


@cataloguer("dotnet-central", names=("Directory.Packages.props",), lock=True)
def dotnet_central(properties: File) -> Packages:
    """Versions for all projects of a tree; what is a range or a property is not a version."""
    for group in read_xml(properties.data).children:
        for package in group.children:
            name, version = (package.attributes.get(key, "").strip() for key in ("Include", "Version"))
            version = (version or package.value("Version")).strip("[]")
            is_global = package.name == "GlobalPackageReference"
            if (is_global or package.name == "PackageVersion") and _PLAIN_VERSION.fullmatch(version):
                yield Package("nuget", name, version, is_dev=is_global)
