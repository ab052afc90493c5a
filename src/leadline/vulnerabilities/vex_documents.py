"""VEX documents as statements: OpenVEX, CSAF and CycloneDX.

https://github.com/openvex/spec, https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html (profile 5),
https://cyclonedx.org/docs/1.6/json/#vulnerabilities_items_analysis
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from leadline.errors import UsageError
from leadline.foreign_errors import in_words
from leadline.model.vulnerability import VexStatement, VexStatus

T = TypeVar("T")

_OPEN_VEX: dict[str, VexStatus] = {
    "not_affected": "not affected",
    "affected": "affected",
    "fixed": "fixed",
    "under_investigation": "under investigation",
}
_CSAF: dict[str, VexStatus] = {
    "known_not_affected": "not affected",
    "known_affected": "affected",
    "first_affected": "affected",
    "last_affected": "affected",
    "fixed": "fixed",
    "first_fixed": "fixed",
    "under_investigation": "under investigation",
}
_CYCLONE: dict[str, VexStatus] = {
    "not_affected": "not affected",
    "false_positive": "not affected",
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "exploitable": "affected",
    "in_triage": "under investigation",
}
_DEEPEST = 40
"""Branches of a product tree within each other."""


class _Kind(Struct):
    """The fields by which the formats are recognised."""

    context: str | list[str] = field(name="@context", default="")
    bom_format: str = field(name="bomFormat", default="")
    document: msgspec.Raw = msgspec.Raw(b"")


def read_vex(name: str, data: bytes) -> tuple[VexStatement, ...]:
    """The statements of the document ``data``, which is called ``name`` in messages, in its order.

    Raises:
        UsageError: it is not VEX document that can be read.
    """
    kind = _decoded(name, data, _Kind)
    context = kind.context if isinstance(kind.context, str) else " ".join(kind.context)
    if "openvex" in context:
        return tuple(_open_vex(name, _decoded(name, data, _OpenVex)))
    if kind.bom_format == "CycloneDX":
        return tuple(_cyclone(name, _decoded(name, data, _Cyclone)))
    if bytes(kind.document):
        return tuple(_csaf(name, _decoded(name, data, _Csaf)))
    raise UsageError(f"{name}: not a VEX document", hint="OpenVEX, CSAF and CycloneDX are read")


def _decoded(name: str, data: bytes, type: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=type)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: not a VEX document that can be read ({in_words(error)[:160]})") from error


class _Identified(Struct):
    id: str = field(name="@id", default="")
    identifiers: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, (self.id, *self.identifiers.values()))))


class _Product(_Identified):
    subcomponents: list[_Identified] = []


class _Vulnerability(Struct):
    name: str = ""
    aliases: list[str] = []


class _Statement(Struct):
    status: str
    vulnerability: _Vulnerability | str = ""
    products: list[_Product | str] = []
    justification: str = ""
    impact_statement: str = ""
    status_notes: str = ""
    action_statement: str = ""
    timestamp: str = ""
    last_updated: str = ""


class _OpenVex(Struct):
    statements: list[_Statement]
    id: str = field(name="@id", default="")
    author: str = ""
    timestamp: str = ""
    last_updated: str = ""


def _open_vex(name: str, document: _OpenVex) -> Iterator[VexStatement]:
    """Version 0.0 of the format wrote vulnerability and products as mere texts."""
    for one in document.statements:
        status = _OPEN_VEX.get(one.status)
        if status is None:
            raise UsageError(f"{name}: an unknown status ({one.status[:40]})")
        problem = one.vulnerability
        names = (problem,) if isinstance(problem, str) else (problem.name, *problem.aliases)
        for product in one.products:
            is_text = isinstance(product, str)
            parts = () if isinstance(product, str) else product.subcomponents
            yield VexStatement(
                tuple(filter(None, names)),
                (product,) if is_text else product.names,  # type: ignore[arg-type, union-attr]
                status,
                tuple(part_name for part in parts for part_name in part.names),
                one.justification,
                one.impact_statement or one.status_notes,
                one.action_statement,
                document.author,
                document.id or name,
                one.last_updated or one.timestamp or document.last_updated or document.timestamp,
            )


class _Helper(Struct):
    purl: str = ""
    cpe: str = ""


class _FullName(Struct):
    product_id: str = ""
    product_identification_helper: _Helper = field(default_factory=_Helper)


class _Branch(Struct):
    branches: list["_Branch"] = []
    product: _FullName | None = None


class _Relationship(Struct):
    full_product_name: _FullName
    product_reference: str = ""
    relates_to_product_reference: str = ""


class _Tree(Struct):
    branches: list[_Branch] = []
    full_product_names: list[_FullName] = []
    relationships: list[_Relationship] = []


class _Flag(Struct):
    label: str = ""
    product_ids: list[str] = []


class _Id(Struct):
    text: str = ""


class _CsafProblem(Struct):
    cve: str = ""
    ids: list[_Id] = []
    product_status: dict[str, list[str]] = {}
    flags: list[_Flag] = []


class _Release(Struct):
    current_release_date: str = ""
    id: str = ""


class _Publisher(Struct):
    name: str = ""


class _CsafHead(Struct):
    tracking: _Release = field(default_factory=_Release)
    publisher: _Publisher = field(default_factory=_Publisher)


class _Csaf(Struct):
    document: _CsafHead
    product_tree: _Tree = field(default_factory=_Tree)
    vulnerabilities: list[_CsafProblem] = []


def _csaf(name: str, document: _Csaf) -> Iterator[VexStatement]:
    tree = document.product_tree
    names = {one.product_id: _names(one) for one in (*_leaves(tree.branches, 0), *tree.full_product_names)}
    parts = {one.full_product_name.product_id: one for one in tree.relationships}
    head = document.document
    for problem in document.vulnerabilities:
        why = {product: flag.label for flag in problem.flags for product in flag.product_ids}
        ids = tuple(filter(None, (problem.cve, *(one.text for one in problem.ids))))
        for word, products in problem.product_status.items():
            status = _CSAF.get(word)
            for product in products if status else ():
                part = parts.get(product)
                whole = names.get(part.relates_to_product_reference if part else product, ())
                if whole and status:
                    yield VexStatement(
                        ids,
                        whole,
                        status,
                        names.get(part.product_reference, ()) if part else (),
                        why.get(product, ""),
                        author=head.publisher.name,
                        document=head.tracking.id or name,
                        timestamp=head.tracking.current_release_date,
                    )


def _leaves(branches: Sequence[_Branch], depth: int) -> Iterator[_FullName]:
    for branch in branches if depth < _DEEPEST else ():
        if branch.product is not None:
            yield branch.product
        yield from _leaves(branch.branches, depth + 1)


def _names(product: _FullName) -> tuple[str, ...]:
    helper = product.product_identification_helper
    return tuple(filter(None, (helper.purl, helper.cpe)))


class _Analysis(Struct):
    state: str = ""
    justification: str = ""
    detail: str = ""


class _Affects(Struct):
    ref: str = ""


class _Reference(Struct):
    id: str = ""


class _CycloneProblem(Struct):
    id: str = ""
    analysis: _Analysis = field(default_factory=_Analysis)
    affects: list[_Affects] = []
    references: list[_Reference] = []
    updated: str = ""


class _Component(Struct):
    bom_ref: str = field(name="bom-ref", default="")
    purl: str = ""
    components: list["_Component"] = []


class _Metadata(Struct):
    timestamp: str = ""
    component: _Component = field(default_factory=_Component)


class _Cyclone(Struct):
    vulnerabilities: list[_CycloneProblem] = []
    components: list[_Component] = []
    metadata: _Metadata = field(default_factory=_Metadata)
    serial_number: str = field(name="serialNumber", default="")


def _cyclone(name: str, document: _Cyclone) -> Iterator[VexStatement]:
    urls = dict(_urls((document.metadata.component, *document.components), 0))
    for problem in document.vulnerabilities:
        status = _CYCLONE.get(problem.analysis.state)
        for affects in problem.affects if status else ():
            yield VexStatement(
                tuple(filter(None, (problem.id, *(one.id for one in problem.references)))),
                (_referred(affects.ref, urls),),
                status or "affected",
                justification=problem.analysis.justification,
                detail=problem.analysis.detail,
                document=document.serial_number or name,
                timestamp=problem.updated or document.metadata.timestamp,
            )


def _urls(components: Sequence[_Component], depth: int) -> Iterator[tuple[str, str]]:
    for one in components if depth < _DEEPEST else ():
        if one.bom_ref and one.purl:
            yield one.bom_ref, one.purl
        yield from _urls(one.components, depth + 1)


def _referred(ref: str, urls: Mapping[str, str]) -> str:
    """The package URL that ``ref`` represents: in this document, or behind the ``#`` of a link to another."""
    behind = ref.partition("#")[2] if ref.startswith("urn:cdx:") else ref
    return urls.get(ref) or urls.get(behind) or behind
