"""PHP packages that Composer installed: ``vendor/composer/installed.json``.

A list of packages from Composer 1, an object that holds the list from Composer 2.
"""

from leadline.packages.documents import entries, fields, read_json, word, words
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.composer import composer_package


@cataloguer("php", names=("installed.json",))
def php(installed: File) -> Packages:
    if not f"/{installed.folder}".endswith("/composer"):
        return
    found = read_json(installed)
    for_development = frozenset(words(fields(found).get("dev-package-names")))
    for value in entries(found) or entries(fields(found).get("packages")):
        entry = fields(value)
        package = composer_package(entry, is_dev=word(entry.get("name")) in for_development)
        if package is None:
            raise Unreadable("lists a package without name or version")
        yield package
