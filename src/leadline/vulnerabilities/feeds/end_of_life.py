"""When releases stop getting fixes, by https://endoflife.date: all products in one answer, or one product's cycles.

Of version 1 of its interface ``api/v1/products/full`` and ``api/v1/products/debian``; of the older one ``api/debian.json``,
which says its product only by its name.
"""

from msgspec import Raw, Struct, field

from leadline.model.vulnerability import FeedDate, ReleaseEnd
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.values import date, decode, each, name


class _Release(Struct, frozen=True, rename="camel"):
    name: str
    codename: str | None = None
    eol_from: str | None = None
    is_eol: bool = False
    eoes_from: str | None = None


class _Product(Struct, frozen=True):
    name: str
    releases: list[Raw]


class _All(Struct, frozen=True):
    result: list[Raw] | _Product
    generated_at: str | None = None
    last_modified: str | None = None


class _Cycle(Struct, frozen=True, rename="camel"):
    cycle: str | int | float
    eol: str | bool | None = None
    codename: str | None = None
    extended: str | bool | None = field(name="extendedSupport", default=None)


def _is_all(document: Document) -> bool:
    return b'"result"' in document.head and b'"releases"' in document.head


def _is_cycles(document: Document) -> bool:
    head = document.head.lstrip()
    return head[:1] == b"[" and b'"cycle"' in head and b'"eol"' in head


@feed(
    "end-of-life",
    "endoflife.date",
    recognises=lambda document: _is_all(document) or _is_cycles(document),
    licence="MIT",
)
def end_of_life(document: Document) -> Facts:
    if document.data.lstrip()[:1] == b"[":
        product = name(document.name.removesuffix(".json"))
        cycles = decode(document.data, list[Raw], "the list")
        yield from each(((product, cycle) for cycle in cycles), lambda raw: _cycle(product, raw))
        return
    answer = decode(document.data, _All, "the answer")
    result = answer.result
    if made := date(answer.generated_at or answer.last_modified):
        yield FeedDate(made)
    if isinstance(result, _Product):
        yield from _product(result)
        return
    numbered = ((f"product {number}", raw) for number, raw in enumerate(result, 1))
    yield from each(numbered, lambda raw: _product(decode(raw, _Product, "the product")))


def _product(product: _Product) -> Facts:
    product_name = name(product.name)
    yield from each(
        ((product_name, raw) for raw in product.releases), lambda raw: _release(product_name, raw)
    )


def _release(product: str, raw: Raw) -> Facts:
    release = decode(raw, _Release, "the release")
    end = _day(release.eol_from)
    if end or not release.is_eol:  # an end whose day is not known says nothing that could be compared
        yield ReleaseEnd(product, name(release.name), end, release.codename or "", _day(release.eoes_from))


def _cycle(product: str, raw: Raw) -> Facts:
    cycle = decode(raw, _Cycle, "the cycle")
    if cycle.eol is True:
        return
    end = _day(cycle.eol) if isinstance(cycle.eol, str) else ""
    extended = _day(cycle.extended) if isinstance(cycle.extended, str) else ""
    yield ReleaseEnd(product, name(str(cycle.cycle)), end, cycle.codename or "", extended)


def _day(written: str | None) -> str:
    found = date(written)
    if written and not found:
        raise Unreadable(f"no date: {written[:40]!r}")
    return found
