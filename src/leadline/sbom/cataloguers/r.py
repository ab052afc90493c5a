"""R packages that are installed: the ``DESCRIPTION`` of each.

https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
"""

import re

from leadline.model.package import Package
from leadline.packages.documents import read_headers
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.licences.expressions import spdx_all


@cataloguer("r", names=("DESCRIPTION",))
def r(description: File) -> Packages:
    """Nothing for a ``DESCRIPTION`` of something else: every field of R's is there or it is none."""
    headers = read_headers(description.text[: 1 << 20])
    name, version = ("".join(headers.get(key, ())[:1]) for key in ("package", "version"))
    if not name or not version:
        return
    needs = ",".join(value for key in ("depends", "imports") for value in headers.get(key, ()))
    names = (re.split(r"[\s(]", need.strip(), maxsplit=1)[0] for need in needs.split(","))
    yield Package(
        "cran",
        name,
        version,
        licenses=spdx_all(part.split("+ file")[0] for part in headers.get("license", ())),
        supplier="".join(headers.get("maintainer", ())[:1]),
        home="".join(headers.get("url", ())[:1]),
        description="".join(headers.get("title", ())[:1]),
        depends=tuple(need for need in names if need and need != "R"),
    )
