"""OVAL definitions (https://oval.mitre.org/language/version5.11), as far as publishers of Linux use them.

A definition says in ``criteria`` which tests make a system vulnerable; a test names a package by an object and a version
by a state. Here criteria become conditions of packages: name, comparison and version, with the words beside them
that say the rest (``is installed``, ``arch is``, ``Module nodejs:12 is enabled``). What they mean is up to each feed.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, structs

from leadline.model.vulnerability import FeedDate, VersionRange
from leadline.packages.documents import Element
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document
from leadline.vulnerabilities.feed_formats.values import (
    LONGEST_NAME,
    cves,
    date,
    line,
    links,
    name,
    version,
)
from leadline.vulnerabilities.feed_formats.xml import elements

DEEPEST = 30
MOST_CONDITIONS = 50_000
_KINDS = ("definition", "constant_variable")
_TESTS = ("rpminfo_test", "dpkginfo_test")
_OBJECTS = ("rpminfo_object", "dpkginfo_object")
_STATES = ("rpminfo_state", "dpkginfo_state")
_COMPARISONS = {
    "less than": "<",
    "less than or equal": "<=",
    "greater than": ">",
    "greater than or equal": ">=",
    "6": "<",
}
"""The number is what SUSE writes for the first of them in some files."""
OTHER = "other"
"""The comparison of a test that asks for something else than a version: a signature, an architecture."""
_TIMESTAMP = re.compile(rb"<(?:\w+:)?timestamp>\s*([0-9T:.+Z-]{10,40})\s*<")
_EARLIER = re.compile(r"(\S+) is earlier than (\S+)")


class Condition(Struct, frozen=True):
    """A package of which a version is meant, with the remarks that hold for it."""

    packages: tuple[str, ...]
    comparison: str = ""
    """``<``, ``<=``, ``>``, ``>=``; empty where any version will do; ``OTHER`` where something else is asked."""
    version: str = ""
    comment: str = ""
    remarks: tuple[str, ...] = ()
    """Of the criteria around it: all of them have to hold."""


class Definition(Struct, frozen=True):
    """One definition."""

    id: str
    kind: str
    """``patch``, ``vulnerability``, ``inventory``."""
    title: str
    platforms: tuple[str, ...]
    references: tuple[str, ...]
    """Ids: of the update, of CVEs."""
    links: tuple[str, ...]
    severity: str
    issued: str
    updated: str
    conditions: tuple[Condition, ...]
    patchable: str = ""
    """Azure Linux: ``true``, ``false``, ``Not Applicable``."""
    scored: tuple[Mapping[str, str], ...] = ()
    """The attributes of each CVE that the advisory names, with its scores."""

    @property
    def cves(self) -> tuple[str, ...]:
        return cves((*self.references, self.title))


class _Test(Struct, frozen=True):
    object: str
    state: str
    comment: str


class _Tables:
    """What definitions refer to. It comes behind them in the document, so that all of it is read first."""

    def __init__(self, document: Document) -> None:
        self._tests: dict[str, _Test] = {}
        self._names: dict[str, str] = {}
        self._variables_of: dict[str, str] = {}
        self._values: dict[str, tuple[str, ...]] = {}
        self._states: dict[str, tuple[str, str]] = {}
        wanted = (*_TESTS, *_OBJECTS, *_STATES, "constant_variable")
        for element in elements(document, "oval_definitions", *wanted):
            self._add(element, element.attributes.get("id", ""))

    def _add(self, element: Element, own_id: str) -> None:
        if element.name in _TESTS:
            self._tests[own_id] = _Test(
                element.child("object").attributes.get("object_ref", ""),
                element.child("state").attributes.get("state_ref", ""),
                element.attributes.get("comment", ""),
            )
        elif element.name in _OBJECTS:
            self._names[own_id] = element.value("name")[:LONGEST_NAME]
            self._variables_of[own_id] = element.child("name").attributes.get("var_ref", "")
        elif element.name in _STATES:
            evr = element.child("evr")
            self._states[own_id] = (evr.attributes.get("operation", "equals"), evr.text.strip())
        else:
            self._values[own_id] = tuple(child.text.strip() for child in element.children)

    def _packages(self, test: _Test) -> tuple[str, ...]:
        """The names that a test means: one, or those of a variable."""
        if own := self._names.get(test.object):
            return (own,)
        return self._values.get(self._variables_of.get(test.object, ""), ())

    def comparison(self, test: _Test) -> tuple[str, str]:
        """How a version is compared, and with which."""
        if not test.state:
            return "", ""
        operation, written = self._states.get(test.state, ("", ""))
        return (_COMPARISONS.get(operation, OTHER), written) if written else (OTHER, "")

    def condition(self, criterion: Element) -> Condition:
        """A criterion by its test; by its words where the test is not in the document, as old ones have it."""
        comment = criterion.attributes.get("comment", "")
        test = self._tests.get(criterion.attributes.get("test_ref", ""))
        if test is not None and (named := self._packages(test)):
            return Condition(named, *self.comparison(test), comment)
        if found := _EARLIER.fullmatch(comment):
            return Condition((found[1],), "<", found[2], comment)
        return Condition((), OTHER, "", comment)


def is_oval(document: Document, mark: bytes) -> bool:
    """Whether a document is OVAL with ``mark`` near its beginning."""
    return b"oval_definitions" in document.head and mark in document.head


def date_of(document: Document) -> Iterator[FeedDate]:
    """When the document was made, as its generator says near the beginning; nothing where it does not."""
    found = _TIMESTAMP.search(document.head)
    if found and (made := date(found[1].decode())):
        yield FeedDate(made)


def read_definitions(document: Document) -> Iterator[Definition]:
    """Every definition but those of systems (``inventory``). Raises ``Unreadable`` where the document is damaged."""
    tables = _Tables(document)
    for element in elements(document, "oval_definitions", "definition"):
        if element.attributes.get("class") != "inventory":
            yield _definition(element, tables)


def _definition(element: Element, tables: _Tables) -> Definition:
    metadata = element.child("metadata")
    advisory = metadata.child("advisory")
    listed = [child for child in metadata.children if child.name == "reference"]
    conditions = tuple(_conditions(element.child("criteria"), tables, (), 0))
    return Definition(
        element.attributes.get("id", ""),
        element.attributes.get("class", ""),
        line(metadata.value("title")),
        tuple(
            child.text.strip() for child in metadata.child("affected").children if child.name == "platform"
        ),
        tuple(child.attributes.get("ref_id", "") for child in listed),
        links(child.attributes.get("ref_url") for child in listed),
        advisory.value("severity") or metadata.value("severity"),
        date(
            advisory.child("issued").attributes.get("date")
            or advisory.value("public_date")
            or metadata.value("advisory_date")
        ),
        date(advisory.child("updated").attributes.get("date")),
        conditions[:MOST_CONDITIONS],
        metadata.value("patchable"),
        tuple(child.attributes for child in advisory.children if child.name == "cve"),
    )


def _conditions(
    criteria: Element, tables: _Tables, remarks: tuple[str, ...], depth: int
) -> Iterator[Condition]:
    """The packages named in ``criteria``. Under AND the words beside a package hold for it; under OR they stand alone."""
    if depth > DEEPEST:
        raise Unreadable("criteria that are nested too deeply")
    children = [child for child in criteria.children if not _is_negated(child)]
    found = [tables.condition(child) for child in children if child.name == "criterion"]
    if criteria.attributes.get("operator", "AND").upper() == "AND":
        words = [one.comment for one in found if one.comparison == OTHER]
        words += [
            child.attributes.get("comment", "") for child in children if child.name == "extend_definition"
        ]
        words += [word for child in children for word in _choices(child, tables)]
        remarks = (*remarks, *filter(None, words))
    for one in found:
        if one.packages:
            yield structs.replace(one, remarks=remarks)
    for child in children:
        if child.name == "criteria":
            yield from _conditions(child, tables, remarks, depth + 1)


def _choices(criteria: Element, tables: _Tables) -> tuple[str, ...]:
    """The words of an OR of words alone: systems of which one has to be installed."""
    if criteria.name != "criteria" or any(child.name != "criterion" for child in criteria.children):
        return ()
    found = [tables.condition(child) for child in criteria.children]
    return tuple(one.comment for one in found) if all(one.comparison == OTHER for one in found) else ()


def _is_negated(element: Element) -> bool:
    return element.attributes.get("negate", "").lower() == "true"


def range_of(condition: Condition) -> VersionRange:
    """The versions of one condition. Raises ``Unreadable`` for a comparison that makes no range."""
    match condition.comparison:
        case "":
            return VersionRange()
        case "<":
            return VersionRange(fixed=evr(condition.version))
        case "<=":
            return VersionRange(last_affected=evr(condition.version))
        case other:
            raise Unreadable(f"a version compared by {other[:40]!r}")


def package_of(condition: Condition) -> str:
    """Raises ``Unreadable`` where it names none, or several."""
    if len(condition.packages) != 1:
        raise Unreadable(f"{len(condition.packages)} packages where one was expected")
    return name(condition.packages[0])


def evr(written: str) -> str:
    """``0:1.2-3`` without the epoch that says nothing. Raises ``Unreadable``."""
    found = version(written)
    return found.removeprefix("0:") if found != "0:" else version("")


def remark(condition: Condition, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """The first remark, or else the comment, in which ``pattern`` is found."""
    for text in (*condition.remarks, condition.comment):
        if found := pattern.search(text):
            return found
    return None
