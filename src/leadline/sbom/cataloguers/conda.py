"""Conda packages that are installed: one JSON file each in ``conda-meta`` of an environment.

https://docs.conda.io/projects/conda/en/stable/dev-guide/api/conda/models/records/index.html; the qualifiers are
those of the package URL type ``conda``.
"""

from posixpath import join

from leadline.model.package import Package
from leadline.packages.documents import fields, read_json, word, words
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.identity.address import public_address
from leadline.sbom.licences.expressions import spdx_all
from leadline.sbom.parsers.checksum import hexadecimal

_TOKEN = late_pattern(r"/t/[^/]+/")
"""Where a channel that asks for an account has its token."""


@cataloguer("conda", folders=("*/conda-meta",), version=2)
def conda(record: File) -> Packages:
    if not record.name.endswith(".json"):
        return
    found = fields(read_json(record))
    name, version = word(found.get("name")), word(found.get("version"))
    if not name or not version:
        raise Unreadable("has no name or no version")
    origin = {key: word(found.get(key)) for key in ("build", "channel", "subdir")}
    origin["channel"] = _TOKEN.sub("/", public_address(origin["channel"]))
    prefix = record.folder.rpartition("/")[0]
    yield Package(
        "conda",
        name,
        version,
        qualifiers=tuple((key, value) for key, value in origin.items() if value),
        licenses=spdx_all((word(found.get("license")),)),
        digests=hexadecimal("sha256", word(found.get("sha256"))) + hexadecimal("md5", word(found.get("md5"))),
        depends=tuple(need.partition(" ")[0] for need in words(found.get("depends"))),
        files=tuple(join(prefix, path) for path in words(found.get("files")) if ".." not in path),
    )
