"""Which packages of an image its distribution did not build: those of a vendor's repository that is made for it.

Their names are often the distribution's, their versions and fixes are not: nginx.org's ``nginx 1.27.4-1~bookworm`` is not what Debian's
tracker means by ``nginx``.
"""

from collections import Counter
from collections.abc import Sequence

from leadline.model.package import STATED, Package
from leadline.packages.late_pattern import late_pattern

DISTRIBUTIONS = (
    "debian",
    "ubuntu",
    "canonical",
    "red hat",
    "suse",
    "amazon",
    "alma",
    "rocky",
    "oracle",
    "fedora",
    "centos",
)
"""Words in the name of who built a package that say it is the distribution's own."""
_NAMED = 10
_VENDORS = ("@f5.com>", "@nginx.com>")
"""Addresses of those who use the distribution's names and versions of its form: nginx.org's packages for Alpine."""
_MARKS = late_pattern(r"\.pgdg\d|nodesource|\+maria~|\dppa\d|-\d+rl\d+~|\+0~20\d{6}\.")
"""In versions of PostgreSQL's, NodeSource's, MariaDB's, Launchpad's, Redis' and Sury's, who may keep Debian's maintainer."""
_RELEASE = late_pattern(
    r"-[^-]*[~+](?!ubuntu|dfsg|bpo|deb\d|snapshot|sarge|etch|lenny|squeeze)[a-z]{4,}\d*(?:\+\d+)?$"
)
"""A revision that ends with the name of a release, ``-1~bookworm``, ``-1+jammy1``: Ubuntu writes its number, and Debian does
since its seventh release."""


def builders_beside(packages: Sequence[Package]) -> dict[int, str]:
    """By their places in ``packages``, who built those that are another's, with the names of some of these.

    Maintainer, vendor and version say so; where they do not, a package counts as the distribution's.
    """
    vendors = Counter(
        one.supplier for one in packages if one.type == "rpm" and one.supplier and one.found_by != STATED
    )
    # A distribution that is not listed here builds most of what is in its images.
    usual = max(vendors, key=lambda vendor: vendors[vendor], default="")
    places: dict[str, list[int]] = {}
    for place, one in enumerate(packages):
        if _is_anothers(one, usual):
            name = "" if is_of_distribution(one.supplier) else one.supplier.partition("<")[0].strip()
            places.setdefault(name or "other repositories", []).append(place)
    return {
        place: f"{builder} ({_some([packages[i].name for i in theirs])})"
        for builder, theirs in places.items()
        for place in theirs
    }


def _some(names: list[str]) -> str:
    names = sorted(set(names))
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def is_of_distribution(supplier: str) -> bool:
    """Whether the name says so; that of a person says nothing."""
    folded = supplier.lower()
    return any(word in folded for word in DISTRIBUTIONS)


def _is_anothers(package: Package, usual_vendor: str) -> bool:
    supplier = package.supplier
    if package.type in ("deb", "apk", "rpm") and supplier.lower().endswith(_VENDORS):
        return True
    if package.type == "rpm":
        return bool(supplier) and supplier != usual_vendor and not is_of_distribution(supplier)
    if package.type != "deb":
        return False
    if _MARKS.search(package.version):
        return True
    return bool(supplier) and not is_of_distribution(supplier) and bool(_RELEASE.search(package.version))
