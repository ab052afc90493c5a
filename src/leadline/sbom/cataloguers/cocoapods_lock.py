"""Pods that a project pins: ``Podfile.lock`` (https://guides.cocoapods.org/using/using-cocoapods.html).

An entry is ``Name/Part (1.2.3)``, or a mapping from that to what it needs; the part becomes the subpath of the
package URL.
"""

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, read_yaml, whole, word
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.checksum import hexadecimal

_POD = late_pattern(r"(?P<name>[^\s/(]+)(?:/(?P<part>[^\s(]+))?\s+\((?P<version>[^()\s]+)\)")


@cataloguer("cocoapods", names=("Podfile.lock",), lock=True)
def cocoapods(lock: File) -> Packages:
    found = whole(read_yaml(lock))
    checksums = fields(found.get("SPEC CHECKSUMS"))
    for entry in entries(found.get("PODS")):
        for written in (word(entry),) if isinstance(entry, str) else fields(entry):
            pod = _POD.match(written[:1000])
            if pod:
                digests = hexadecimal("sha1", word(checksums.get(pod["name"])))
                yield Package(
                    "cocoapods", pod["name"], pod["version"], subpath=pod["part"] or "", digests=digests
                )
