"""Java runtimes by the file ``release`` in their folder, which says more than the program does.

Format: ``KEY="value"`` lines (https://openjdk.org/jeps/223 names the parts of a version).
"""

import re

from leadline.model.package import Package
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer

LONGEST = 1 << 16
"""Bytes; GraalVM's, the longest, have some 10,000."""

_FIELD = late_pattern(r'^(\w+)="([^"\n]{0,200})"', re.MULTILINE)
_VERSION = late_pattern(r"\d{1,3}(?:[._]\d{1,5}){0,5}[\w.+-]{0,40}")
_MAKERS = {
    "Oracle Corporation": ("jdk", "oracle:jdk"),
    "GraalVM Community": ("graalvm", "oracle:graalvm"),
    "Azul Systems, Inc.": ("zulu", "azul:zulu"),
}
"""Name, and vendor and product as CPE has them, by ``IMPLEMENTOR``; all others build OpenJDK under that name."""
_OPENJDK = ("openjdk", "oracle:openjdk")


@cataloguer("java-runtime", names=("release",))
def java_runtime(release: File) -> Packages:
    fields = dict(_FIELD.findall(release.data[:LONGEST].decode("utf-8", "replace")))
    version = fields.get("JAVA_RUNTIME_VERSION") or fields.get("JAVA_VERSION", "")
    if not _VERSION.fullmatch(version):
        return
    implementor = fields.get("IMPLEMENTOR", "")
    name, product = _MAKERS.get(implementor, _OPENJDK)
    escaped = re.sub(r"([^\w.-])", r"\\\1", version)
    yield Package(
        type="generic",
        name=name,
        version=version,
        found_in=(release.path,),
        cpes=tuple(
            f"cpe:2.3:a:{product}:{escaped}:*:*:*:*:*:*:*"
            for product in dict.fromkeys((product, _OPENJDK[1]))
        ),
        supplier=implementor,
    )
