"""Our own file of waivers: what may be written, as values that check themselves."""

from typing import Any

import msgspec
from msgspec import Struct, field

from leadline.model.waiver import Waiver, WaiverMatch

VERSION = 1
Text = str
Values = list[str]


class Match(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is accepted, and on what: every field has to match, of a field any one value. Globs, but in labels' keys."""

    controls: Values = []
    vulnerabilities: Values = []
    packages: Values = []
    kinds: Values = []
    names: Values = []
    namespaces: Values = []
    labels: dict[str, str] = {}
    containers: Values = []
    paths: Values = []
    images: Values = []
    clusters: Values = []


class Entry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One waiver."""

    reason: str
    """Why it is acceptable; required."""
    match: Match
    name: str = ""
    """What reports call it; empty for its place in the file."""
    owner: str = ""
    """Who answers for it."""
    ticket: str = ""
    expires: str = ""
    """2027-01-31: the last day on which it holds. Or a moment, RFC 3339."""
    until_fixed: bool = field(default=False, name="untilFixed")
    """Whether it ends for a vulnerability as soon as there is a fix."""


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    waivers: list[Entry]
    version: int = VERSION


def schema() -> dict[str, Any]:
    """The JSON Schema of such a file."""
    found = msgspec.json.schema(File)
    found["$defs"]["File"]["properties"]["version"] = {"const": VERSION, "default": VERSION}
    found["$defs"]["Entry"]["properties"]["reason"] = {"type": "string", "minLength": 1}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def waiver_of(entry: Entry, name: str, source: str) -> Waiver:
    """``name`` is what it is called where it has no name of its own."""
    match = entry.match
    return Waiver(
        name=entry.name or name,
        matches=(
            WaiverMatch(
                controls=tuple(match.controls),
                vulnerabilities=tuple(match.vulnerabilities),
                packages=tuple(match.packages),
                kinds=tuple(match.kinds),
                names=tuple(match.names),
                namespaces=tuple(match.namespaces),
                labels=match.labels,
                containers=tuple(match.containers),
                paths=tuple(match.paths),
                images=tuple(match.images),
                clusters=tuple(match.clusters),
                until_fixed=entry.until_fixed,
            ),
        ),
        reason=entry.reason,
        owner=entry.owner,
        ticket=entry.ticket,
        expires=entry.expires,
        source=source,
    )
