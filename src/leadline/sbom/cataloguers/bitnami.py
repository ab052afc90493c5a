"""Components of Bitnami's images, which list each of them in an SPDX document beside it.

``/opt/bitnami/redis/.spdx-redis.spdx``, SPDX 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/): the component itself, by its
package URL ``pkg:bitnami/…``, and what it was built of.
"""

from urllib.parse import unquote

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, read_json, whole, word
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer

_SCHEME = "pkg:bitnami/"
_FOLDER = "opt/bitnami/"


@cataloguer("bitnami", names=(".spdx-*.spdx",))
def bitnami(document: File) -> Packages:
    """The component alone: what is in it is found where it lies."""
    if not document.path.startswith(_FOLDER):
        return
    for entry in entries(whole(read_json(document)).get("packages")):
        package = fields(entry)
        named = next(filter(None, map(_named, entries(package.get("externalRefs")))), None)
        if named is not None:
            licence = word(package.get("licenseDeclared")) or word(package.get("licenseConcluded"))
            known = () if licence in ("", "NOASSERTION", "NONE") else (licence,)
            yield Package("bitnami", *named, licenses=known)


def _named(reference: object) -> tuple[str, str] | None:
    """Name and version of ``pkg:bitnami/redis@7.0.5-1?arch=amd64``; ``None`` for any other reference."""
    url = word(fields(reference).get("referenceLocator"))
    if not url.startswith(_SCHEME):
        return None
    name, mark, version = url.removeprefix(_SCHEME).partition("?")[0].partition("@")
    return (unquote(name), unquote(version)) if mark and name and version else None
