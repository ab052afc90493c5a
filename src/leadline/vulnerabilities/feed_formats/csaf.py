"""CSAF 2.0 documents (https://docs.oasis-open.org/csaf/csaf/v2.0): an update, or with profile VEX the state of one CVE.

The product tree names systems (by CPE) and packages (by package URL), and pairs of both; a vulnerability lists pairs
by status. Here a pair becomes one ``Affected``; which system it is of is up to each publisher's feed.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal
from urllib.parse import unquote

from msgspec import Raw, Struct, structs

from leadline.model.vulnerability import Advisory, Affected, Cvss, Rating, State, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, rating
from leadline.vulnerabilities.feed_formats.releases import Release
from leadline.vulnerabilities.feed_formats.updates import by_stream
from leadline.vulnerabilities.feed_formats.values import (
    MOST_AFFECTED,
    LeftOut,
    date,
    decode,
    identifier,
    line,
    links,
    name,
    version,
    weaknesses,
)

DEEPEST = 16
MOST_PRODUCTS = 500_000
NOT_INSTALLED = ("-debuginfo", "-debugsource")
_NEVRA = re.compile(
    r"(.+?)-(?:(\d+):)?([^-:]+-[^-:]+?)(?:\.(src|noarch|x86_64|aarch64\w*|ppc64le|s390x|i[3-6]86|armv\w+))?"
)

Category = Literal["fixed", "known_affected", "known_not_affected", "under_investigation"]


class _Helper(Struct, frozen=True):
    cpe: str | None = None
    purl: str | None = None


class _Product(Struct, frozen=True):
    name: str = ""
    product_id: str = ""
    product_identification_helper: _Helper | None = None


class _Branch(Struct, frozen=True):
    category: str = ""
    name: str = ""
    product: _Product | None = None
    branches: list["_Branch"] | None = None


class _Relationship(Struct, frozen=True):
    product_reference: str = ""
    relates_to_product_reference: str = ""
    full_product_name: _Product = _Product()


class _Tree(Struct, frozen=True):
    branches: list[_Branch] | None = None
    relationships: list[_Relationship] | None = None
    full_product_names: list[_Product] | None = None


class _Score(Struct, frozen=True):
    cvss_v2: "_Vector | None" = None
    cvss_v3: "_Vector | None" = None
    cvss_v4: "_Vector | None" = None


class _Vector(Struct, frozen=True, rename="camel"):
    vector_string: str = ""
    base_score: float = 0.0


class _Remark(Struct, frozen=True):
    """A remediation, threat or flag."""

    category: str = ""
    label: str = ""
    details: str = ""
    url: str | None = None
    product_ids: list[str] | None = None


class _Weakness(Struct, frozen=True):
    id: str = ""


class _Status(Struct, frozen=True):
    fixed: list[str] | None = None
    recommended: list[str] | None = None
    known_affected: list[str] | None = None
    known_not_affected: list[str] | None = None
    under_investigation: list[str] | None = None


class _Vulnerability(Struct, frozen=True):
    cve: str | None = None
    title: str | None = None
    release_date: str | None = None
    cwe: _Weakness | None = None
    product_status: _Status | None = None
    remediations: list[_Remark] | None = None
    threats: list[_Remark] | None = None
    flags: list[_Remark] | None = None
    scores: list[_Score] | None = None


class _Text(Struct, frozen=True):
    text: str = ""


class _Tracking(Struct, frozen=True):
    id: str | None = None
    initial_release_date: str | None = None
    current_release_date: str | None = None


class _Link(Struct, frozen=True):
    url: str | None = None
    category: str = ""


class _Head(Struct, frozen=True):
    category: str = ""
    title: str | None = None
    tracking: _Tracking = _Tracking()
    aggregate_severity: _Text | None = None
    references: list[_Link] | None = None


class _Csaf(Struct, frozen=True):
    document: _Head
    product_tree: _Tree = _Tree()
    vulnerabilities: list[Raw] = []


class Component(Struct, frozen=True):
    """One side of a pair, or both: a package in a system."""

    system_cpe: str = ""
    system: str = ""
    """The system's name in words."""
    package: str = ""
    version: str = ""
    """With its epoch; empty where every version is meant."""
    arch: str = ""
    module: str = ""


ReleaseOf = Callable[[Component], Release | None]
"""``None`` for systems other than distributions: appliances, images, layered products of other kinds."""


class _Products:
    """Every product of a tree by its id, pairs put together."""

    def __init__(self, tree: _Tree) -> None:
        self._single: dict[str, Component] = {}
        self._pairs: dict[str, tuple[str, str]] = {}
        for branch in tree.branches or []:
            self._add(branch, 0)
        for product in tree.full_product_names or []:
            self._single[product.product_id] = _component(product)
        for one in tree.relationships or []:
            pair = (one.product_reference, one.relates_to_product_reference)
            self._pairs[one.full_product_name.product_id] = pair
        if len(self._single) + len(self._pairs) > MOST_PRODUCTS:
            raise Unreadable("too many products")

    def _add(self, branch: _Branch, depth: int) -> None:
        if depth > DEEPEST:
            raise Unreadable("products that are nested too deeply")
        if branch.product is not None:
            self._single[branch.product.product_id] = _component(branch.product)
        for child in branch.branches or []:
            self._add(child, depth + 1)

    def find(self, product_id: str, depth: int = 0) -> Component:
        """What an id represents. Raises ``Unreadable`` where the tree does not say."""
        if depth > DEEPEST:
            raise Unreadable("pairs of products that refer to each other")
        if product_id not in self._pairs:
            if product_id in self._single:
                return self._single[product_id]
            raise Unreadable(f"a product that the document does not describe: {product_id[:80]!r}")
        inner, outer = self._pairs[product_id]
        package, system = self.find(inner, depth + 1), self.find(outer, depth + 1)
        return structs.replace(
            package,
            system_cpe=system.system_cpe,
            system=system.system,
            module=package.module or system.module,
        )


def _component(product: _Product) -> Component:
    helper = product.product_identification_helper or _Helper()
    if helper.purl and helper.purl.startswith("pkg:"):
        return _of_purl(helper.purl)
    if helper.cpe:
        return Component(helper.cpe, product.name)
    found = _NEVRA.fullmatch(product.product_id)
    if found and found[3][:1].isdigit() is not None and re.search(r"\d", found[3]):
        evr = f"{found[2]}:{found[3]}" if found[2] and found[2] != "0" else found[3]
        return Component("", product.name, found[1], evr, found[4] or "")
    return Component("", product.name, product.product_id)


def _of_purl(purl: str) -> Component:
    head, _, query = purl.partition("#")[0].partition("?")
    kind, _, path = head.removeprefix("pkg:").partition("/")
    path, _, release = path.rpartition("@") if "@" in path else (path, "", "")
    qualifiers = dict(pair.partition("=")[::2] for pair in query.split("&"))
    package = unquote(path.rpartition("/")[2])
    if kind == "rpmmod":
        return Component(module=f"{package}:{unquote(release).partition(':')[0]}")
    epoch = qualifiers.get("epoch", "")
    evr = unquote(release)
    if evr and epoch not in ("", "0"):
        evr = f"{epoch}:{evr}"
    if kind != "rpm":
        # Images and archives of other products: nothing that a package database would name.
        return Component(package="", version=evr, arch=kind)
    module = ":".join(unquote(qualifiers.get("rpmmod", "")).split(":")[:2])
    return Component("", "", package, evr, qualifiers.get("arch", ""), module)


def is_csaf(document: Document, publisher: bytes) -> bool:
    """Whether a document is CSAF of ``publisher``, whose address is near the beginning."""
    head = document.head
    is_one = b'"csaf_version"' in head or (b'"document"' in head and b'"csaf_' in head)
    return is_one and publisher in head


def read_update(document: Document, release_of: ReleaseOf) -> Iterator[Advisory]:
    """An update as one advisory under its own id, that covers the CVEs which it fixes."""
    csaf = decode(document.data, _Csaf, "the document")
    own_id = identifier(csaf.document.tracking.id)
    products, left_out = _Products(csaf.product_tree), LeftOut()
    affected: dict[Affected, None] = {}
    covers: list[str] = []
    scores: list[Cvss] = []
    for raw in csaf.vulnerabilities:
        try:
            found = decode(raw, _Vulnerability, "a vulnerability")
            cve = identifier(found.cve)
        except Unreadable as error:
            left_out.add(own_id, error)
            continue
        fixed = _fixed_by(found, products, release_of, left_out)
        if fixed:
            covers.append(cve)
            scores += _cvss(found)
            affected.update(dict.fromkeys(fixed))
    _bound(own_id, affected)
    severity = csaf.document.aggregate_severity or _Text()
    yield Advisory(
        own_id,
        tuple(affected),
        covers=tuple(dict.fromkeys(covers)),
        severity=rating(severity.text),
        cvss=tuple(dict.fromkeys(scores))[:1] if len(covers) == 1 else (),
        summary=line(csaf.document.title),
        published=date(csaf.document.tracking.initial_release_date),
        modified=date(csaf.document.tracking.current_release_date),
        references=links(one.url for one in _own_first(csaf.document.references)),
    )
    left_out.check()


def read_vex(document: Document, release_of: ReleaseOf) -> Iterator[Advisory]:
    """The state of each CVE in every product."""
    csaf = decode(document.data, _Csaf, "the document")
    products, left_out = _Products(csaf.product_tree), LeftOut()
    for raw in csaf.vulnerabilities:
        try:
            found = decode(raw, _Vulnerability, "a vulnerability")
            cve = identifier(found.cve or csaf.document.tracking.id)
        except Unreadable as error:
            left_out.add(csaf.document.tracking.id or "a document", error)
            continue
        affected = dict.fromkeys(_states(found, products, release_of, left_out))
        _bound(cve, affected)
        yield Advisory(
            cve,
            tuple(affected),
            severity=_impact(found, csaf.document),
            cvss=_cvss(found),
            summary=line(found.title or csaf.document.title),
            published=date(found.release_date or csaf.document.tracking.initial_release_date),
            modified=date(csaf.document.tracking.current_release_date),
            references=links(one.url for one in _own_first(csaf.document.references)),
            weaknesses=weaknesses((found.cwe.id,) if found.cwe else ()),
        )
    left_out.check()


def _bound(own_id: str, affected: dict[Affected, None]) -> None:
    if len(affected) > MOST_AFFECTED:
        raise Unreadable(f"{own_id} names {len(affected):,} packages")


def _own_first(references: list[_Link] | None) -> list[_Link]:
    return sorted(references or [], key=lambda one: one.category != "self")


def _impact(found: _Vulnerability, head: _Head) -> Rating:
    impacts = [rating(one.details) for one in found.threats or [] if one.category == "impact"]
    known = [one for one in impacts if one != "unknown"]
    return known[0] if known else rating((head.aggregate_severity or _Text()).text)


def _cvss(found: _Vulnerability) -> tuple[Cvss, ...]:
    vectors = [
        vector for score in found.scores or [] for vector in (score.cvss_v4, score.cvss_v3, score.cvss_v2)
    ]
    usable = (one for one in vectors if one and one.vector_string and len(one.vector_string) <= 256)
    return tuple(dict.fromkeys(Cvss(one.vector_string, one.base_score) for one in usable))


def _packages(
    ids: list[str] | None, products: _Products, release_of: ReleaseOf, left_out: LeftOut
) -> Iterator[tuple[str, Component, Affected]]:
    """Pairs that are packages of a distribution, without the rebuilds of them that no image has."""
    for product_id in ids or []:
        try:
            component = products.find(product_id)
            if not component.package or component.package.endswith(NOT_INSTALLED):
                continue
            release = release_of(component)
            if release is None:
                continue
            plain = Affected(
                release.ecosystem,
                name(component.package),
                release.number,
                release.channel,
                is_source=component.arch == "src",
                module=component.module,
            )
        except Unreadable as error:
            left_out.add(product_id, error)
            continue
        yield product_id, component, plain


def _fixed_by(
    found: _Vulnerability, products: _Products, release_of: ReleaseOf, left_out: LeftOut
) -> list[Affected]:
    status = found.product_status or _Status()
    fixed = [*(status.fixed or []), *(status.recommended or [])]
    listed: list[Affected] = []
    for product_id, component, plain in _packages(fixed, products, release_of, left_out):
        try:
            fix = (VersionRange(fixed=version(component.version)),)
        except Unreadable as error:
            left_out.add(product_id, error)
            continue
        listed.append(structs.replace(plain, ranges=fix))
    return _without_sources(by_stream(listed))


def _without_sources(listed: Sequence[Affected]) -> list[Affected]:
    """Without source packages where the binaries that were built of them are listed too, release by release."""
    with_binaries = {(one.release, one.channel) for one in listed if not one.is_source}
    return [one for one in listed if not one.is_source or (one.release, one.channel) not in with_binaries]


def _states(
    found: _Vulnerability, products: _Products, release_of: ReleaseOf, left_out: LeftOut
) -> Iterator[Affected]:
    fixed = _fixed_by(found, products, release_of, left_out)
    yield from fixed
    has_fix = {structs.replace(one, ranges=()) for one in fixed}
    status = found.product_status or _Status()
    why = _reasons(found)
    for product_id, _, plain in _packages(status.known_affected, products, release_of, left_out):
        if plain in has_fix:
            continue  # SUSE lists a source package as affected where what is built of it is fixed
        state, reason = why.get(product_id, ("affected", ""))
        yield structs.replace(plain, ranges=(VersionRange(),), state=state, reason=reason)
    for _, _, plain in _packages(status.under_investigation, products, release_of, left_out):
        yield structs.replace(plain, ranges=(VersionRange(),), state="under investigation")
    labels = {one: flag.label for flag in found.flags or [] for one in flag.product_ids or []}
    for product_id, _, plain in _packages(status.known_not_affected, products, release_of, left_out):
        yield structs.replace(plain, state="not affected", reason=line(labels.get(product_id)))


def _reasons(found: _Vulnerability) -> dict[str, tuple[State, str]]:
    """Why there is no fix, by product, in the words of Red Hat and SUSE."""
    why: dict[str, tuple[State, str]] = {}
    for remark in found.remediations or []:
        words = remark.details.strip().lower()
        state: State = "affected"
        if remark.category == "no_fix_planned":
            state = "end of life" if "out of support" in words else "wont fix"
        elif remark.category == "none_available":
            state = "deferred" if "defer" in words else "affected"
        else:
            continue
        for product_id in remark.product_ids or []:
            why[product_id] = (state, line(remark.details))
    return why
