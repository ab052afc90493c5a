"""SBOM documents that lie in an image: SPDX and Syft as JSON, CycloneDX as JSON and XML.

Bitnami lists each component beside it (``/opt/bitnami/redis/.spdx-redis.spdx``), wheels what they carry in ``*.dist-info/sboms``
(https://peps.python.org/pep-0770/), Wolfi each package in ``/var/lib/db/sbom``; builds put theirs into ``/sbom`` or ``/usr/share/sbom``.
What they say is believed in addition to what is found: see ``sbom/stated.py``.
"""

from leadline.model.package import STATED
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.documents.carried import carried_packages
from leadline.sbom.documents.sniff import in_utf_8

_ENDINGS = (
    ".cdx.json",
    ".cdx.xml",
    ".cyclonedx.json",
    ".cyclonedx.xml",
    ".spdx",
    ".spdx.json",
    ".syft.json",
    ".sbom.json",
    ".bom.json",
)
_NAMES = ("sbom.json", "bom.json", "sbom.xml", "bom.xml")
_FOLDERS = ("sbom", "usr/share/sbom", "usr/local/share/sbom", "var/lib/db/sbom", "*/sboms")
_MARKS = (
    *(b'"bomFormat"', b'"spdxVersion"', b'"artifacts"'),
    *(b'"payloadType"', b"spdx.org/rdf/3", b"cyclonedx.org/schema/bom"),
)
"""One of them is in every document, in those in envelopes and those that cannot be read as well; other files have such names and lie in such
folders too."""


@cataloguer(STATED, names=_NAMES, suffixes=_ENDINGS, folders=_FOLDERS, version=2)
def sbom_documents(document: File) -> Packages:
    if document.name.endswith(_ENDINGS) or _may_be_one(document):
        yield from carried_packages(document.data)


def _may_be_one(document: File) -> bool:
    """Of its name alone a file that is broken may have been one."""
    text = in_utf_8(document.data)
    if any(mark in text for mark in _MARKS):
        return True
    if document.name not in _NAMES or document.name.endswith(".xml"):
        return False
    import orjson  # as for other documents

    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    return False
