"""What is found in one file of a layer on its own."""

from hashlib import sha1, sha256

from leadline.model.package import Package
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.layers.facts import PathFacts
from leadline.sbom.layers.file_selector import FileInterest
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.parsers.content_sums import is_summed_at_once, sums_of
from leadline.sbom.parsers.executable_excerpt import Excerpt
from leadline.sbom.parsers.unlisted import unlisted_program
from leadline.sbom.run_cataloguers import read
from leadline.sbom.secrets.content import tokens_in
from leadline.sbom.secrets.scan import secrets_in

SPECIAL_BITS = 0o6000
"""Set-uid and set-gid."""


def extract_facts(
    scan_options: LayerScanOptions,
    file: File,
    interest: FileInterest,
    *,
    may_hold_secrets: bool = False,
    is_searched: bool = False,
) -> PathFacts | None:
    """What ``file`` says on its own; ``None`` where that is nothing worth a note.

    ``may_hold_secrets``: its name announces credentials; ``is_searched``: it is searched for them all the same.
    """
    packages: list[Package] = []
    unread: list[Unread] = []
    for position in interest.readers:
        one = scan_options.selector.cataloguers[position]
        if not one.takes_tree:
            reading = read(one, file, None, scan_options.budget.packages_left(scan_options.limits))
            scan_options.budget.count(packages=len(reading.packages))
            packages += reading.packages
            unread += reading.unread
    search = secrets_in if may_hold_secrets else tokens_in if is_searched else None
    secrets = tuple(search(file.path, file.data)) if search is not None else ()
    content = file.data if interest.is_kept else None
    is_program = not (packages or unread) and not set(scan_options.selector.executables).isdisjoint(
        interest.readers
    )
    unlisted = unlisted_program(file) if is_program else ""
    if not (packages or unread or secrets or unlisted or interest.is_kept or file.mode & SPECIAL_BITS):
        return None
    digests = _digests(file.data) if scan_options.with_digests and (packages or interest.is_kept) else None
    return PathFacts(
        file.mode,
        content,
        tuple(packages),
        tuple(unread),
        secrets,
        digests=digests,
        unlisted=unlisted,
        sums=_sums(scan_options, file) if (packages or unlisted) and content is None else b"",
    )


def _sums(scan_options: LayerScanOptions, file: File) -> bytes:
    if isinstance(file.data, Excerpt):
        return file.data.sums
    if not is_summed_at_once(file.path, len(file.data)):
        return b""
    return sums_of(file.data, is_for_dpkg=scan_options.distribution.has_apt)


def _digests(content: bytes) -> tuple[str, str]:
    return sha1(content, usedforsecurity=False).hexdigest(), sha256(content).hexdigest()
