"""PHP packages as Composer writes them, in its lock file and in its list of what is installed."""

from collections.abc import Mapping

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, whole_name, word, words
from leadline.sbom.licences.expressions import any_of
from leadline.sbom.parsers.checksum import hexadecimal


def composer_package(entry: Mapping[str, object], is_dev: bool) -> Package | None:
    """``None`` for an entry without name or version (https://getcomposer.org/doc/04-schema.md)."""
    name, version = whole_name(entry.get("name")), word(entry.get("version"))
    if not name or not version:
        return None
    namespace, _, base_name = name.rpartition("/")
    checksum = word(fields(entry.get("dist")).get("shasum"))
    authors = (word(fields(author).get("name")) for author in entries(entry.get("authors")))
    return Package(
        "composer",
        base_name,
        version,
        namespace=namespace,
        licenses=any_of(words(entry.get("license"))),  # a list is a choice there
        digests=hexadecimal("sha1", checksum),
        supplier=", ".join(filter(None, authors)),
        home=word(entry.get("homepage")),
        description=word(entry.get("description")),
        depends=tuple(need for need in fields(entry.get("require")) if "/" in need),
        is_dev=is_dev,
    )
