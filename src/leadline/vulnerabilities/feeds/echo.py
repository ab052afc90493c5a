"""Echo's advisories (https://advisory.echohq.com/data.json): source package → CVE → ``fixed_version`` and ``severity``.

Without a fixed version nothing is fixed; ``0`` says, as Debian does, that no version is affected. The file has no date.
"""

import re

from msgspec import Raw, Struct

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.values import decode, each, identifier, name, version

_START = re.compile(
    rb'\s*\{\s*"[^"\\]{1,200}"\s*:\s*\{\s*"(?:CVE|TEMP)-[0-9A-F-]+"\s*:\s*\{\s*(?:\}|"(?:fixed_version|severity)"\s*:)'
)
_PLACEHOLDER = "TEMP-"
"""How Debian calls a problem until it has a CVE; the ids change with each export."""


class _Problem(Struct, frozen=True):
    fixed_version: str | None = None
    severity: str | None = None


@feed(
    "echo",
    "Echo advisories",
    recognises=lambda document: _START.match(document.head) is not None,
    licence="not stated",
)
def echo(document: Document) -> Facts:
    packages = decode(document.data, dict[str, dict[str, Raw]], "the list")
    found = (
        (f"{package}, {id}", (package, id, entry))
        for package, problems in packages.items()
        for id, entry in problems.items()
        if not id.startswith(_PLACEHOLDER)
    )
    yield from each(found, _advisory)


def _advisory(given: tuple[str, str, Raw]) -> Facts:
    package, id, content = given
    problem = decode(content, _Problem, "the entry")
    plain = Affected("Echo", name(package), severity=rating(problem.severity or ""))
    if problem.fixed_version == "0":
        affected = Affected("Echo", plain.package, severity=plain.severity, state="not affected")
    else:
        fix = version(problem.fixed_version) if problem.fixed_version else ""
        affected = Affected("Echo", plain.package, severity=plain.severity, ranges=(VersionRange(fixed=fix),))
    yield Advisory(identifier(id), (affected,))
