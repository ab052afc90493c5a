"""Packages that SBOM documents inside an image state, joined with those that were found.

A document is the word of who wrote it: it adds packages and licences, and takes nothing away. A package that was found too, in the
same version, is one package. Of what a distribution installed its own database knows the version, so that a document
that is older than an upgrade does not bring the old one back.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from leadline.model.package import DISTRIBUTION_TYPES, STATED, Package
from leadline.packages.package_url import package_url

_VERSION_MARK = re.compile(r"^(?:v|go)(?=\d)")
"""Go writes ``v1.2.3``, and ``go1.22`` for itself; not all who list its modules do."""


def joined(packages: Iterable[Package]) -> Iterator[Package]:
    """``packages`` in order, each that only documents state once, with the licences of all of them where none was found."""
    packages = tuple(packages)
    stated = [one for one in packages if one.found_by == STATED]
    if not stated:
        yield from packages
        return
    by_key: dict[str, Package] = {}
    for one in stated:
        first = by_key.setdefault(_key(one), one)
        if first is not one and not {*one.licenses} <= {*first.licenses}:
            by_key[_key(one)] = replace(
                first, licenses=tuple(dict.fromkeys((*first.licenses, *one.licenses)))
            )
    found = [one for one in packages if one.found_by != STATED]
    installed = {(one.type, one.name) for one in found if one.type in DISTRIBUTION_TYPES}
    met = set()
    for one in found:
        key = _key(one)
        met.add(key)
        licences = by_key[key].licenses if key in by_key else ()
        yield replace(one, licenses=licences) if licences and not one.licenses else one
    for key, one in by_key.items():
        if key not in met and (one.type, one.name) not in installed:
            yield one


def _key(package: Package) -> str:
    version = _VERSION_MARK.sub("", package.version)
    bare = replace(package, version=version, qualifiers=(), arch="", subpath="")
    return (package_url(bare) or f"{package.type} {package.namespace} {package.name} {version}").lower()
