"""Dart packages that a project pins: ``pubspec.lock`` (https://dart.dev/tools/pub/glossary#lockfile)."""

from leadline.image.cataloguer import Digest, File, Package, Packages, cataloguer
from leadline.image.documents import fields, read_yaml, word

REGISTRIES = ("https://pub.dev", "https://pub.dartlang.org")


@cataloguer("dart", names=("pubspec.lock",), lock=True)
def dart(lock: File) -> Packages:
    for name, value in fields(fields(read_yaml(lock)).get("packages")).items():
        entry = fields(value)
        version, origin = word(entry.get("version")), fields(entry.get("description"))
        if not version:
            continue
        address, checksum = word(origin.get("url")), word(origin.get("sha256"))
        qualifiers: tuple[tuple[str, str], ...] = ()
        if word(entry.get("source")) == "git":
            qualifiers = (("vcs_url", f"{address}@{word(origin.get('resolved-ref'))}"),)
        elif address and address not in REGISTRIES:
            qualifiers = (("hosted_url", address.partition("://")[2] or address),)
        yield Package(
            "pub",
            name,
            version,
            qualifiers=qualifiers,
            digests=(Digest("sha256", checksum),) if checksum else (),
            is_dev=word(entry.get("dependency")) == "direct dev",
        )
