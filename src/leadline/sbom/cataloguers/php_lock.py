"""PHP packages that a project pins: ``composer.lock``."""

from leadline.packages.documents import entries, fields, read_json, whole
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.composer import composer_package


@cataloguer("php-lock", names=("composer.lock",), lock=True)
def php_lock(lock: File) -> Packages:
    found = whole(read_json(lock))
    for key in ("packages", "packages-dev"):
        for entry in entries(found.get(key)):
            package = composer_package(fields(entry), is_dev=key == "packages-dev")
            if package is None:
                raise Unreadable("lists a package without name or version")
            yield package
