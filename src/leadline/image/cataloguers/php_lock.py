"""PHP packages that a project pins: ``composer.lock``."""

from leadline.image.cataloguer import File, Packages, Unreadable, cataloguer
from leadline.image.parsers.composer import composer_package
from leadline.image.parsers.documents import entries, fields, read_json, whole


@cataloguer("php-lock", names=("composer.lock",), lock=True)
def php_lock(lock: File) -> Packages:
    found = whole(read_json(lock))
    for key in ("packages", "packages-dev"):
        for entry in entries(found.get(key)):
            package = composer_package(fields(entry), is_dev=key == "packages-dev")
            if package is None:
                raise Unreadable("lists a package without name or version")
            yield package
