"""SBOM documents in place of an image: in a file, or on standard input."""

from pathlib import Path

from leadline.errors import SourceError
from leadline.model.package import Sbom
from leadline.sbom.layers.stream import is_compressed
from leadline.scans.options import ImageOptions

LARGEST_DOCUMENT = 512 << 20
TAR_HEADER_BYTES = 512
TAR_MARK_AT = 257
STDIN = "-"
SCHEME = "sbom:"
_HEAD_BYTES = 4096
_ARCHIVES = (".tar", ".tar.gz", ".tar.zst")
_MARKS = (b'"bomFormat"', b'"spdxVersion"', b"SPDXVersion:", b"http://cyclonedx.org/schema/bom/")


def sbom_input(name: str) -> Path | None:
    """The file that holds an SBOM; ``None`` where ``name`` is something else."""
    if name == STDIN:
        return Path(STDIN)
    if name.startswith(SCHEME):
        return Path(name.removeprefix(SCHEME))
    path = Path(name)
    if not (exists(path) and path.is_file()):
        return None
    from leadline.sbom.documents.sniff import begins_like_sbom  # of a file alone

    return path if begins_like_sbom(path) else None


def is_for_images(name: str) -> bool:
    """Whether what lies at ``name`` looks like an SBOM, an OCI layout or an archive of an image, and like no manifest."""
    path = Path(name)
    try:
        if path.is_dir():
            return (path / "oci-layout").is_file()
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return False
    is_tar = head[TAR_MARK_AT:].startswith(b"ustar")
    return is_tar or path.name.endswith(_ARCHIVES) or any(mark in head for mark in _MARKS)


def exists(path: Path) -> bool:
    """Whether there is such a path; what can be none is not there."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_sbom_input(path: Path, options: ImageOptions) -> Sbom:
    """The SBOM in the file at ``path``, or on standard input.

    Raises: ``SourceError`` where there is none.
    """
    if str(path) == STDIN:
        read = options.standard_input or _nothing
        name = "standard input"
        content = read(TAR_HEADER_BYTES)
        if is_compressed(content) or content[TAR_MARK_AT:].startswith(b"ustar"):
            raise SourceError(
                f"{name} is an archive; an image must be in a file",
                hint="save it first: docker save IMAGE -o image.tar",
            )
        content += read(LARGEST_DOCUMENT + 1 - len(content))
    else:
        name = str(path)
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST_DOCUMENT + 1)
        except OSError as error:
            raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    from leadline.sbom.documents.reader import read_sbom_document

    if len(content) > LARGEST_DOCUMENT:
        raise SourceError(f"{name} is larger than {LARGEST_DOCUMENT >> 20} MiB")
    return read_sbom_document(content, name, options.created)


def _nothing(most: int) -> bytes:
    del most
    return b""
