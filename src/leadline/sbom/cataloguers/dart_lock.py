"""Dart packages that a project pins: ``pubspec.lock`` (https://dart.dev/tools/pub/glossary#lockfile)."""

from leadline.model.package import Package
from leadline.packages.documents import fields, read_yaml, whole, word
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.identity.address import public_address
from leadline.sbom.parsers.checksum import hexadecimal

OFFICIAL_PREFIX = "pub."
"""Both names that the public registry has had begin so; it is the default of the package URL type."""


@cataloguer("dart", names=("pubspec.lock",), lock=True)
def dart(lock: File) -> Packages:
    for name, value in fields(whole(read_yaml(lock)).get("packages")).items():
        entry = fields(value)
        version, origin = word(entry.get("version")), fields(entry.get("description"))
        if not version:
            continue
        host = public_address(word(origin.get("url"))).partition("://")[2]
        address, checksum = word(origin.get("url")), word(origin.get("sha256"))
        qualifiers: tuple[tuple[str, str], ...] = ()
        if word(entry.get("source")) == "git":
            qualifiers = (("vcs_url", f"{public_address(address)}@{word(origin.get('resolved-ref'))}"),)
        elif host and not host.startswith(OFFICIAL_PREFIX):
            qualifiers = (("hosted_url", host),)
        yield Package(
            "pub",
            name,
            version,
            qualifiers=qualifiers,
            digests=hexadecimal("sha256", checksum),
            is_dev=word(entry.get("dependency")) == "direct dev",
        )
