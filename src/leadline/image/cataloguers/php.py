"""PHP packages that Composer installed: ``vendor/composer/installed.json``.

A list of packages from Composer 1, an object that holds the list from Composer 2.
"""

from leadline.image.cataloguer import File, Packages, Unreadable, cataloguer
from leadline.image.parsers.composer import composer_package
from leadline.image.parsers.documents import entries, fields, read_json, word, words


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
