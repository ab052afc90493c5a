"""Photon OS's list of vulnerabilities, one file per release (https://packages.vmware.com/photon/photon_cve_metadata).

``cve_data_photon5.0.json``: entries with ``cve_id``, ``pkg`` (the source package), ``res_ver`` (``NA`` where nothing is fixed),
``aff_ver`` in words, and ``status``.
"""

import re

from msgspec import Raw, Struct

from leadline.model.vulnerability import Advisory, Affected, Rating, State, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.values import decode, each, identifier, name, version

_NAME = re.compile(r"cve_data_photon(\d+(?:\.\d+)?)\.json")
_BEFORE = re.compile(r"all versions before (\S+) are vulnerable")


class _Entry(Struct, frozen=True):
    cve_id: str | None = None
    pkg: str | None = None
    cve_score: float | None = None
    aff_ver: str | None = None
    res_ver: str | None = None
    status: str | None = None


def _is_photon(document: Document) -> bool:
    head = document.head
    return b'"cve_id"' in head and b'"aff_ver"' in head and b'"res_ver"' in head


@feed("photon", "Photon OS CVE metadata", recognises=_is_photon, licence="not stated")
def photon(document: Document) -> Facts:
    found = _NAME.search(document.path)
    if found is None:
        raise Unreadable("the name of the file does not say the release, as cve_data_photon5.0.json does")
    entries = decode(document.data, list[Raw], "the list")
    numbered = ((f"entry {number}", entry) for number, entry in enumerate(entries, 1))
    yield from each(numbered, lambda entry: _advisory(entry, found[1]))


def _advisory(content: Raw, release: str) -> Facts:
    entry = decode(content, _Entry, "the entry")
    own_id, package = identifier(entry.cve_id), name(entry.pkg)
    is_fixed = (entry.res_ver or "NA").strip() != "NA"
    status = (entry.status or "fixed").strip().lower()  # lists of older releases have no states
    if status == "not affected":
        affected = Affected("Photon OS", package, release, state="not affected")
    elif status == "fixed":
        before = _BEFORE.fullmatch((entry.aff_ver or "").strip())
        fix = entry.res_ver if is_fixed else before[1] if before else None
        if fix is None:
            raise Unreadable("neither affected nor fixed in a version")
        affected = Affected("Photon OS", package, release, ranges=(VersionRange(fixed=version(fix)),))
    elif status in ("not fixed", "unfixed", "open", "under investigation"):
        state: State = "under investigation" if status == "under investigation" else "affected"
        affected = Affected("Photon OS", package, release, ranges=(VersionRange(),), state=state)
    else:
        raise Unreadable(f"a status that is not known: {status[:40]!r}")
    # The score is NVD's, without its vector.
    yield Advisory(own_id, (affected,), severity=_rating(entry.cve_score or 0.0))


def _rating(score: float) -> Rating:
    """By the scale of CVSS 3 (https://www.first.org/cvss/v3.1/specification-document, section 5)."""
    if score >= 9:
        return "critical"
    if score >= 7:
        return "high"
    if score >= 4:
        return "medium"
    return "low" if score > 0 else "unknown"
