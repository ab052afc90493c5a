"""What all kinds of SBOM documents share: careful access to values, and packages put together from parts."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from leadline.model.package import Digest, Distro, Package
from leadline.model.unread import Unread
from leadline.packages.package_url import package_url, read_package_url
from leadline.sbom.licences.expressions import spdx

MOST_ENTRIES = 2_000_000
MOST_UNREAD = 1_000
LONGEST_TEXT = 16_384
_LONGEST_PLACE = 120
_WHOLES = ("pkg:docker/", "pkg:git", "pkg:bitbucket/", "pkg:oci/")
_SEPARATORS = re.compile(r"[-_.]+")
_OTHER_BEGINNINGS = {
    "pkg:alpine": "pkg:apk/alpine",
    "pkg:dotnet": "pkg:nuget",
    "pkg:dotnet-core": "pkg:nuget",
    "pkg:githubactions": "pkg:github",
}
"""What Syft and Trivy wrote before a type had its present name, and GitHub writes to this day."""


class Entries:
    """Packages by the key their document knows them by, and what of it made no sense."""

    def __init__(self) -> None:
        self.packages: dict[str, Package] = {}
        self.unread: list[Unread] = []
        self._left_out = 0

    def keep(self, key: str, package: Package) -> None:
        """Under a key of its own: an empty or repeated one must not hide another package."""
        while not key or key in self.packages:
            key = f"{key} {len(self.packages)}"
        self.packages[key] = package

    def listed(self, document: Mapping[str, Any], key: str) -> Sequence[Any]:
        """The list under ``key``; what is something else, or beyond the limit, is noted."""
        value = document.get(key)
        if value is not None and not isinstance(value, list):
            self.lose(key, "is not a list")
        found = entries(value)
        if isinstance(value, list) and len(value) > len(found):
            self.lose(key, f"{len(value) - len(found):,} entries beyond the first {MOST_ENTRIES:,}")
        return found

    def version(self, where: str, name: str, value: object) -> str:
        """The version that ``value`` says; a number is none, since how it was written is not known."""
        if value is not None and not isinstance(value, str):
            self.lose(f"{where} {name}".rstrip(), "its version is not text")
        return text(value)

    def doubt(self, where: str, url: str, package: Package) -> None:
        """Notes a package that cannot be identified: nothing will be found about it."""
        if package.type != "generic" or url.startswith("pkg:generic/"):
            return
        if url:
            self.lose(f"{where} {package.name}", f"{url[:200]} is not a package URL")
        elif not package.cpes:
            self.lose(f"{where} {package.name}", "has no package URL, so its kind is unknown")

    def system(self, where: str, known: Distro, further: Distro) -> Distro:
        """The distribution that counts: the first. Another one beside it is noted."""
        if not known.id:
            return further
        if (further.id, further.version) != (known.id, known.version):
            what = f"a second distribution, {further.id} {further.version}"
            self.lose(where, f"is {what}; all is reported as of {known.id} {known.version}")
        return known

    def has_name(self, where: str, name: str, url: str) -> bool:
        """Whether name or package URL names it; notes what neither does."""
        if name or (url and read_package_url(url) is not None):
            return True
        self.lose(where, "has no name")
        return False

    def lose(self, where: str, why: str) -> None:
        """Notes what cannot be taken. Of a place deep down both ends are kept: the line has to hold the reason too."""
        if len(self.unread) < MOST_UNREAD:
            if len(where) > _LONGEST_PLACE:
                where = f"{where[: _LONGEST_PLACE // 2]}…{where[-_LONGEST_PLACE // 2 :]}"
            self.unread.append(Unread(where, why, "malformed"))
        else:
            self._left_out += 1

    def all_unread(self) -> tuple[Unread, ...]:
        more = (
            (Unread("further entries", f"{self._left_out:,} make no sense", "malformed"),)
            if self._left_out
            else ()
        )
        return (*self.unread, *more)

    def relate(self, needs: Mapping[str, Sequence[str]], owners: Mapping[str, str]) -> tuple[Package, ...]:
        """The packages, with names of what they need and of who owns them.

        The package URL represents a name that fits several versions, or one of another type.
        """
        once = {(one.type, full_name(one), one.version) for one in self.packages.values()}
        fitting = Counter((type, name) for type, name, _ in once)
        urls: dict[str, str] = {}

        def name(type: str, key: str) -> str:
            needed = self.packages[key]
            short = full_name(needed)
            if needed.type == type and fitting[type, short] == 1:
                return short
            if key not in urls:
                urls[key] = package_url(needed) or short
            return urls[key]

        def related(key: str, package: Package) -> Package:
            known = (needed for needed in needs.get(key, ()) if needed in self.packages)
            depends = tuple(dict.fromkeys(name(package.type, needed) for needed in known))
            owner = self.packages.get(owners.get(key, ""))
            if not depends and owner is None:
                return package
            owned_by = owner.name if owner is not None else package.owned_by
            return replace(package, depends=depends or package.depends, owned_by=owned_by)

        return tuple(related(key, package) for key, package in self.packages.items())


def full_name(package: Package) -> str:
    """As other packages of its type write it when they need it."""
    if package.namespace and package.type in ("composer", "golang", "npm", "swift"):
        return f"{package.namespace}/{package.name}"
    if package.namespace and package.type == "maven":
        return f"{package.namespace}:{package.name}"
    return package.name


def text(value: object) -> str:
    """``value`` where it is a text of bearable length; otherwise empty."""
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def fields(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def entries(value: object) -> Sequence[Any]:
    return value[:MOST_ENTRIES] if isinstance(value, list) else ()


def path(value: object) -> str:
    return text(value).lstrip("/")


def is_software(url: str) -> bool:
    """Whether what a document is about is itself a package: a library has its own URL, an image only one as an image."""
    return url.startswith("pkg:") and not url.startswith(_WHOLES)


def identified(url: str, name: str, version: str) -> Package:
    """The package that ``url`` means; of the type ``generic`` where it is not a URL. The name keeps its capitals."""
    beginning, slash, rest = url.partition("/")
    url = _OTHER_BEGINNINGS.get(beginning, beginning) + slash + rest
    package = read_package_url(url) if url else None
    if package is None:
        return Package("generic", name, version)
    if package.type == "generic" and name == f"{package.namespace}/{package.name}":
        # Such a name has no parts; only its URL cannot do without.
        package = replace(package, name=name, namespace="")
    written = name.rpartition("/")[2]
    if _folded(written) == _folded(package.name):
        package = replace(package, name=written)
    return package if package.version else replace(package, version=version)


def _folded(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()


def digests(pairs: Iterator[tuple[str, str]]) -> tuple[Digest, ...]:
    """Algorithms are written ``SHA256`` or ``SHA-256``."""
    return tuple(
        Digest(algorithm.replace("-", "").lower(), value.lower())
        for algorithm, value in pairs
        if algorithm and value
    )


def licences(expression: str, texts: Mapping[str, str]) -> tuple[str, ...]:
    """What ``expression`` joins with ``AND``, each by itself; ``texts`` says what its own references mean."""
    parts = (licence(texts.get(part) or part) for part in _joined(expression))
    return tuple(dict.fromkeys(filter(None, parts)))


def _joined(expression: str) -> list[str]:
    words = expression.replace("(", " ( ").replace(")", " ) ").split()
    parts: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if depth < 0 or (depth == 0 and word == "OR"):
            return [expression]
        if depth == 0 and word == "AND":
            parts.append([])
        else:
            parts[-1].append(word)
    if depth or not all(parts):
        return [expression]
    return [_without_brackets(part) for part in parts]


def _without_brackets(words: list[str]) -> str:
    is_wrapped = words[0] == "(" and words[-1] == ")" and words.count("(") == 1
    return " ".join(words[1:-1] if is_wrapped else words).replace("( ", "(").replace(" )", ")")


def licence(written: str) -> str:
    """Empty for the words that mean that nothing is known."""
    return "" if written in ("", "NOASSERTION", "NONE") else spdx(written)
