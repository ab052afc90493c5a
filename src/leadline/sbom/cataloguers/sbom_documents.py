"""SBOM documents that lie in an image: SPDX, CycloneDX and Syft as JSON.

Bitnami lists each component beside it (``/opt/bitnami/redis/.spdx-redis.spdx``), wheels what they carry in ``*.dist-info/sboms``
(https://peps.python.org/pep-0770/), Wolfi each package in ``/var/lib/db/sbom``; builds put theirs into ``/sbom`` or ``/usr/share/sbom``.
What they say is believed in addition to what is found: see ``sbom/stated.py``.
"""

import orjson
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.model.package import STATED
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.documents.sniff import in_utf_8

LARGEST_BYTES = 64 << 20
MOST_VALUES = 1_000_000
"""Each takes up to 160 bytes in memory; a document of 10,000 packages has some 300,000."""
_ENDINGS = (".cdx.json", ".cyclonedx.json", ".spdx", ".spdx.json", ".syft.json", ".sbom.json", ".bom.json")
_NAMES = ("sbom.json", "bom.json")
_FOLDERS = ("sbom", "usr/share/sbom", "usr/local/share/sbom", "var/lib/db/sbom", "*/sboms")
_MARKS = (
    *(b'"bomFormat"', b'"spdxVersion"', b'"artifacts"'),
    *(b'"payloadType"', b"spdx.org/rdf/3", b"cyclonedx.org/schema/bom"),
)
"""One of them is in every document, in those in envelopes and those that cannot be read as well; other files have such names and lie in such
folders too."""
_WHOLES = frozenset(("bitbucket", "docker", "git", "github", "gitlab", "oci"))
"""Types of what a package was built of: sources and images, of which nothing is installed."""


@cataloguer(STATED, names=_NAMES, suffixes=_ENDINGS, folders=_FOLDERS)
def sbom_documents(document: File) -> Packages:
    """Packages alone: who owns them, what of them is linked and where they lie is for the image itself to say."""
    if not document.name.endswith(_ENDINGS) and not _may_be_one(document):
        return
    from leadline.sbom.documents.reader import read_sbom_document  # seldom is there one

    if len(document.data) > LARGEST_BYTES:
        raise Unreadable(f"larger than {LARGEST_BYTES >> 20} MiB")
    try:
        sbom = read_sbom_document(document.data, "the document", "", MOST_VALUES)
    except SourceError as error:
        raise Unreadable(str(error)) from error
    for package in sbom.packages:
        if package.type not in _WHOLES:
            yield replace(
                package, found_in=(), found_by="", layer="", owned_by="", linked=None, built_for="", files=()
            )
    if sbom.unread:
        first = sbom.unread[0]
        more = f"; and {len(sbom.unread) - 1:,} more" if len(sbom.unread) > 1 else ""
        raise Unreadable(f"{first.where}: {first.why}{more}")


def _may_be_one(document: File) -> bool:
    """Of its name alone a file that is broken may have been one."""
    text = in_utf_8(document.data)
    if any(mark in text for mark in _MARKS):
        return True
    if document.name not in _NAMES:
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    return False
