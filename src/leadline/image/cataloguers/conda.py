"""Conda packages that are installed: one JSON file each in ``conda-meta`` of an environment.

https://docs.conda.io/projects/conda/en/stable/dev-guide/api/conda/models/records/index.html; the qualifiers are
those of the package URL type ``conda``.
"""

from posixpath import join

from leadline.image.cataloguer import Digest, File, Package, Packages, Unreadable, cataloguer
from leadline.image.documents import fields, read_json, word, words
from leadline.image.licences import spdx_all


@cataloguer("conda", folders=("*/conda-meta",))
def conda(record: File) -> Packages:
    if not record.name.endswith(".json"):
        return
    found = fields(read_json(record))
    name, version = word(found.get("name")), word(found.get("version"))
    if not name or not version:
        raise Unreadable("has no name or no version")
    kinds = {"build": "build", "channel": "channel", "subdir": "subdir"}
    prefix = record.folder.rpartition("/")[0]
    yield Package(
        "conda",
        name,
        version,
        qualifiers=tuple(
            (key, word(found.get(field))) for key, field in kinds.items() if word(found.get(field))
        ),
        licenses=spdx_all((word(found.get("license")),)),
        digests=tuple(Digest(key, word(found.get(key))) for key in ("sha256", "md5") if word(found.get(key))),
        depends=tuple(need.partition(" ")[0] for need in words(found.get("depends"))),
        files=tuple(join(prefix, path) for path in words(found.get("files")) if ".." not in path),
    )
