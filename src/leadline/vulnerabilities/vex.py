"""Statements of those who know (VEX), held against the matches of an image."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import unquote

from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import Match, Matched, Suppressed, VexStatement
from leadline.packages.package_url import read_package_url
from leadline.packages.reference import read_reference
from leadline.vulnerabilities.ecosystems import ecosystem_of, normal_name

_IMAGES = "oci"
_CLOSED = ("not affected", "fixed")
_ENTRIES = 4096


def apply_vex(matched: Matched, statements: Sequence[VexStatement], sbom: Sbom) -> Matched:
    """``matched`` without what the statements say is fixed or not affected. Of several on one match the latest counts."""
    kept: list[Match] = []
    suppressed = list(matched.suppressed)
    for match in matched.matches:
        statement = _latest(statement for statement in statements if is_about(statement, match, sbom))
        if statement is None or statement.status not in _CLOSED:
            kept.append(match)
        else:
            why = statement.justification or statement.detail
            text = f"{statement.status}{f' ({why})' if why else ''}, {statement.author or statement.document}"
            suppressed.append(Suppressed(match, "VEX", text, is_fixed=statement.status == "fixed"))
    return Matched(tuple(kept), tuple(suppressed), matched.coverage)


def _latest(statements: Iterable[VexStatement]) -> VexStatement | None:
    """By time, and of the same time by place: a document's later statement takes back its earlier."""
    latest: VexStatement | None = None
    for statement in statements:
        if latest is None or statement.timestamp >= latest.timestamp:
            latest = statement
    return latest


def is_about(statement: VexStatement, match: Match, sbom: Sbom) -> bool:
    """Whether the statement speaks of this problem, in this image, of this package."""
    names = {name.upper() for name in (match.id, *match.aliases)}
    if not names.intersection(name.upper() for name in statement.vulnerabilities):
        return False
    if any(_is_image(product, sbom.image) for product in statement.products):
        parts = statement.components
        return not parts or any(_is_package(part, match.package) for part in parts)
    if not statement.components:
        return any(_is_package(product, match.package) for product in statement.products)
    return any(_is_package(part, match.package) for part in statement.components) and any(
        _is_package(product, package) for product in statement.products for package in sbom.packages
    )


def _is_image(product: str, image: ImageIdentity) -> bool:
    """By name as it was asked for, by tag, digest, or the package URL of an image."""
    if product in (image.name, image.digest, image.id, *image.repo_tags) and product:
        return True
    url = _read(product)
    if url is None or url.type != _IMAGES:
        return False
    digest = unquote(url.version)
    if digest and digest not in (image.digest, image.id):
        return False
    qualifiers = dict(url.qualifiers)
    references = [read_reference(name) for name in (image.name, *image.repo_tags)]
    for reference in filter(None, references):
        repository = qualifiers.get("repository_url", "")
        is_named = reference.repository.rpartition("/")[2] == url.name
        is_there = not repository or repository.removesuffix(f"/{url.name}") in (
            reference.name,
            reference.name.rpartition("/")[0],
        )
        tag = qualifiers.get("tag", "")
        if is_named and is_there and (not tag or tag == reference.tag):
            return True
    return bool(digest)


def _is_package(product: str, package: Package) -> bool:
    """The same type and name; what the statement says beyond that, and the package does too, has to be the same."""
    if product.startswith("cpe:"):
        return product in package.cpes
    url = _read(product)
    if url is None or url.type != package.type:
        return False
    ecosystem = ecosystem_of(package)
    if normal_name(ecosystem, url.name) != normal_name(ecosystem, package.name):
        return False
    if url.namespace != package.namespace and (url.namespace or ecosystem):
        return False
    if url.version and _bare(url.version) != _bare(package.version):
        return False
    own = dict(package.qualifiers)
    is_arch = not url.arch or not package.arch or url.arch == package.arch
    return is_arch and all(
        own.get(name, value) == value for name, value in url.qualifiers if name != "upstream"
    )


def _bare(version: str) -> str:
    """Go's versions are written with and without their letter."""
    return version.removeprefix("v")


@lru_cache(_ENTRIES)
def _read(url: str) -> Package | None:
    return read_package_url(url) if url.startswith("pkg:") else None
