"""Ubuntu's view of each CVE as OpenVEX (https://github.com/canonical/ubuntu-security-notices, folder ``vex``).

Products are package URLs of source and binary packages in their newest version; source packages are kept. A ``fixed``
product holds the fix, but which version brought it is not said: OSV and OVAL have that.
"""

from collections.abc import Iterator
from urllib.parse import unquote

from msgspec import Raw, Struct, field

from leadline.model.vulnerability import Advisory, Affected, State, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.releases import ubuntu_distro
from leadline.vulnerabilities.feed_formats.values import (
    MOST_AFFECTED,
    LeftOut,
    date,
    decode,
    identifier,
    line,
    name,
    version,
)

_STATES: dict[str, State] = {
    "affected": "affected",
    "fixed": "fixed",
    "not_affected": "not affected",
    "under_investigation": "under investigation",
}


class _Product(Struct, frozen=True):
    id: str = field(name="@id", default="")


class _Vulnerability(Struct, frozen=True):
    name: str | None = None


class _Statement(Struct, frozen=True):
    vulnerability: _Vulnerability
    status: str
    products: list[_Product] = []
    timestamp: str | None = None
    justification: str | None = None


class _Vex(Struct, frozen=True):
    statements: list[Raw]
    timestamp: str | None = None


@feed(
    "ubuntu-vex",
    "Ubuntu VEX (OpenVEX)",
    recognises=lambda document: b"openvex.dev" in document.head and b"Canonical" in document.head,
    licence="CC-BY-SA-4.0",
)
def ubuntu_vex(document: Document) -> Facts:
    vex = decode(document.data, _Vex, "the document")
    left_out = LeftOut()
    found: dict[str, dict[Affected, None]] = {}
    published: dict[str, str] = {}
    for number, raw in enumerate(vex.statements, 1):
        try:
            statement = decode(raw, _Statement, "the statement")
            own_id = identifier(statement.vulnerability.name)
            affected = dict.fromkeys(_affected(statement, left_out))
        except Unreadable as error:
            left_out.add(f"statement {number}", error)
            continue
        found.setdefault(own_id, {}).update(affected)
        published.setdefault(own_id, date(statement.timestamp))
    for own_id, affected in found.items():
        if len(affected) > MOST_AFFECTED:
            left_out.add(own_id, f"{len(affected):,} packages")
            continue
        yield Advisory(own_id, tuple(affected), published=published[own_id], modified=date(vex.timestamp))
    left_out.check()


def _affected(statement: _Statement, left_out: LeftOut) -> Iterator[Affected]:
    state = _STATES.get(statement.status)
    if state is None:
        raise Unreadable(f"a status that OpenVEX does not have: {statement.status[:40]!r}")
    reason = line(statement.justification)
    for product in statement.products:
        path, _, query = product.id.removeprefix("pkg:deb/ubuntu/").partition("?")
        qualifiers = dict(pair.partition("=")[::2] for pair in query.split("&"))
        if path == product.id or qualifiers.get("arch") != "source":
            continue
        try:
            yield _source(path, unquote(qualifiers.get("distro", "")), state, reason)
        except Unreadable as error:
            left_out.add(product.id, error)


def _source(path: str, distro: str, state: State, reason: str) -> Affected:
    package, _, newest = path.partition("@")
    release = ubuntu_distro(distro)
    if not release.number:
        raise Unreadable(f"of no release of Ubuntu: {distro[:40]!r}")
    return Affected(
        release.ecosystem,
        name(unquote(package)),
        release.number,
        release.channel,
        () if state in ("not affected", "fixed") else (VersionRange(),),
        (version(unquote(newest)),) if state == "fixed" else (),
        state,
        reason=reason,
    )
