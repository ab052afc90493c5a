"""What an SBOM document says that lies in an image: beside programs, or in a Java archive.

It is believed in addition to what is found: see ``sbom/stated.py``.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.model.package import STATED, Package
from leadline.packages.file import Unreadable

LARGEST_BYTES = 64 << 20
MOST_VALUES = 1_000_000
"""Each takes up to 160 bytes in memory; a document of 10,000 packages has some 300,000."""
_WHOLES = frozenset(("bitbucket", "docker", "git", "github", "gitlab", "oci"))
"""Types of what a package was built of: sources and images, of which nothing is installed."""


def carried_packages(content: bytes) -> Iterator[Package]:
    """Packages alone: who owns them, what of them is linked and where they lie is for the image itself to say.

    Raises:
        Unreadable: it cannot be read; after its packages, parts of it cannot.
    """
    # Seldom is there one.
    from leadline.sbom.documents.fields import MOST_UNREAD
    from leadline.sbom.documents.reader import read_sbom_document

    if len(content) > LARGEST_BYTES:
        raise Unreadable(f"larger than {LARGEST_BYTES >> 20} MiB")
    try:
        sbom = read_sbom_document(content, "the document", "", MOST_VALUES)
    except SourceError as error:
        raise Unreadable(str(error)) from error
    for package in sbom.packages:
        if package.type not in _WHOLES:
            yield replace(
                package,
                found_in=(),
                found_by=STATED,
                layer="",
                owned_by="",
                linked=None,
                built_for="",
                files=(),
            )
    if sbom.unread:
        first = sbom.unread[0]
        others = min(len(sbom.unread), MOST_UNREAD) - 1
        # What is beyond is one entry, which says how many.
        at_least = "more than " if len(sbom.unread) > MOST_UNREAD else ""
        more = f"; and {at_least}{others:,} more" if others else ""
        raise Unreadable(f"{first.where}: {first.why}{more}")
