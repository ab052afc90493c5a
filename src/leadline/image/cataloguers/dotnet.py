""".NET packages of a published program: the ``*.deps.json`` beside it, and the lock file of a project.

https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md,
https://learn.microsoft.com/en-us/nuget/consume-packages/package-references-in-project-files#locking-dependencies
"""

from collections.abc import Mapping

from leadline.image.cataloguer import File, Package, Packages, cataloguer
from leadline.image.checksum import in_base64
from leadline.image.documents import fields, read_json, whole, word


@cataloguer("dotnet", suffixes=(".deps.json",))
def dotnet(dependencies: File) -> Packages:
    found = whole(read_json(dependencies))
    needs: dict[str, tuple[str, ...]] = {}
    for target in fields(found.get("targets")).values():
        for key, entry in fields(target).items():
            needs.setdefault(key, tuple(fields(fields(entry).get("dependencies"))))
    for key, value in fields(found.get("libraries")).items():
        name, _, version = key.partition("/")
        if name and version:
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
