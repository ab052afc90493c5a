"""Dart packages that a project pins: ``pubspec.lock`` (https://dart.dev/tools/pub/glossary#lockfile)."""

from leadline.image.cataloguer import File, Package, Packages, cataloguer
from leadline.image.identity.address import public_address
from leadline.image.parsers.checksum import hexadecimal
from leadline.image.parsers.documents import fields, read_yaml, whole, word

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
