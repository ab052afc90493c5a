"""All that a format of SBOMs imports. Apart from ``format`` so that scans of manifests start without it."""

import re
from collections.abc import Callable
from typing import IO, Any

from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.outputs.documents.document_template import Draft, MakeDraft
from leadline.outputs.format_registry import Format, Page
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import plain
from leadline.packages.package_url import package_url
from leadline.packages.reference import read_reference

_ESCAPED = re.compile(r"\\[bfnrtu]")
"""A control character in JSON; a backslash before such a letter is taken for one too, at no harm."""
_LONGEST_ADDRESS = 2_000
_NOT_IN_ADDRESSES = frozenset("<>\"{}|\\^`' []%")
_HOST = re.compile(
    r"https?://[a-z0-9]+(?:[-.][a-z0-9]+)*\.[a-z]{2,}(?::[0-9]{1,5})?(?:[/?#]|$)", re.IGNORECASE
)
"""Readers of SPDX take no other: neither names without a dot nor two dashes in a row."""


def document(name: str, *, suffix: str) -> Callable[[MakeDraft], Format]:
    """Makes a ``Format`` of ``draft(sbom, version of this program)``."""

    def make(draft: MakeDraft) -> Format:
        def write(sbom: Sbom, out: IO[str], page: Page) -> None:
            out.write(draft(sbom, page.version or "0").at(sbom.created or page.at).decode())

        return Format(name, suffix, Sbom, write, draft=draft, with_checksums=True)

    return make


def drafted(document: dict[str, Any], *, moments: tuple[str, ...], name: str = "") -> Draft:
    """``document`` with every text in it fit for a terminal, anyone who chose it."""
    return Draft(_clean_text(document).encode(), moments, name)


def _clean_text(document: dict[str, Any]) -> str:
    text = json_text(document)
    if text.isprintable() and _ESCAPED.search(text) is None:
        return text
    return json_text(_plain(document))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else plain(value, len(value))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def image_url(image: ImageIdentity) -> str:
    """The ``oci`` package URL of an image out of a registry; empty for all else."""
    reference = read_reference(image.name) if image.digest else None
    if reference is None or image.name.startswith((".", "/")):
        return ""
    architecture = image.platform.split("/")[1] if "/" in image.platform else ""
    facts = (("arch", architecture), ("repository_url", reference.name), ("tag", reference.tag))
    name = reference.repository.rpartition("/")[2]
    qualifiers = tuple(fact for fact in facts if fact[1])
    return package_url(Package("oci", name, image.digest, qualifiers=qualifiers))


def web_page(address: str) -> str:
    """``address`` where it is one of a web page and nothing else; otherwise empty."""
    address = address.strip()
    is_one = address.startswith(("http://", "https://")) and len(address) <= _LONGEST_ADDRESS
    if not is_one or not address.isascii() or not address.isprintable():
        return ""
    # Escapes and brackets are legal in places that no project page needs, and readers differ about them.
    return "" if _NOT_IN_ADDRESSES & set(address) or not re.match(_HOST, address) else address
