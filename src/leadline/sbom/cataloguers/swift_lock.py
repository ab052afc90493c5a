"""Swift packages that a project pins: ``Package.resolved``, format 1 (below ``object``) and later ones.

https://github.com/swiftlang/swift-package-manager/blob/main/Documentation/PackageDescription.md; the package URL
has the repository's host and owner as its namespace.
"""

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, read_json, whole, word
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer

_ADDRESS = late_pattern(r"^(?:[\w+]+://)?(?:[^/@]+@)?(?P<host>[^/:]+)[/:](?P<path>.+?)(?:\.git)?/?$")


@cataloguer("swift", names=("Package.resolved", ".package.resolved"), lock=True)
def swift(lock: File) -> Packages:
    found = whole(read_json(lock))
    for value in entries(found.get("pins")) or entries(fields(found.get("object")).get("pins")):
        pin = fields(value)
        state = fields(pin.get("state"))
        name = word(pin.get("identity")) or word(pin.get("package"))
        version = word(state.get("version")) or word(state.get("revision"))
        address = _ADDRESS.match((word(pin.get("location")) or word(pin.get("repositoryURL")))[:1000])
        namespace = ""
        if address:
            owner, _, name = address["path"].rpartition("/")
            namespace = f"{address['host']}/{owner}".rstrip("/")
        if name and version:
            yield Package("swift", name, version, namespace=namespace)
