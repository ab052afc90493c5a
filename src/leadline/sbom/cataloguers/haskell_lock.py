"""Haskell packages that a project pins: ``stack.yaml``, ``stack.yaml.lock`` and ``cabal.project.freeze``.

https://docs.haskellstack.org/en/stable/topics/lock_files/,
https://cabal.readthedocs.io/en/stable/cabal-commands.html#cabal-freeze
"""

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, read_yaml, whole, word
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer

FILE_BYTES = 4 << 20

_HACKAGE = late_pattern(
    r"(?P<name>[A-Za-z0-9]++(?:-[0-9]*+[A-Za-z][A-Za-z0-9]*+)*+)-(?P<version>[\d.]++)(?:@|$)"
)
_FROZEN = late_pattern(r"any\.(?P<name>[\w-]++) ==(?P<version>[\d.]++)")


@cataloguer("haskell-stack", names=("stack.yaml.lock", "stack.yaml"), lock=True)
def haskell_stack(lock: File) -> Packages:
    found = whole(read_yaml(lock))
    for entry in (*entries(found.get("packages")), *entries(found.get("extra-deps"))):
        completed = fields(fields(entry).get("completed"))
        written = word(completed.get("hackage")) or word(entry)
        package = _HACKAGE.match(written[:500])
        if package:
            yield Package("hackage", package["name"], package["version"])


@cataloguer("haskell-cabal", names=("cabal.project.freeze",), lock=True)
def haskell_cabal(lock: File) -> Packages:
    if len(lock.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    if lock.data.strip() and "constraints:" not in lock.text:
        raise Unreadable("constrains nothing")
    for package in _FROZEN.finditer(lock.text):
        yield Package("hackage", package["name"], package["version"])
