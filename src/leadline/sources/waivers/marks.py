"""Waivers that build on what they are about: annotations of an object, and comments beside a line.

::

    metadata:
      annotations:
        leadline.dev/accept: C-0057, C-0016
        leadline.dev/accept-reason: reads the devices of its node
        leadline.dev/accept-until: "2027-01-31"
    …
        privileged: true  # leadline: accept C-0057 until 2027-01-31 reads the devices of its node
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from leadline.model.resource import Resource
from leadline.model.waiver import Waiver, WaiverMatch
from leadline.packages.late_pattern import late_pattern
from leadline.untyped import text

_OURS = ("leadline.dev/accept", "leadline.dev/accept-reason", "leadline.dev/accept-until")
_ECOSYSTEM = ("kubescape.io/skip-controls", "kubescape.io/skip-reason", "kubescape.io/skip-expiry")
MARK = b"leadline: accept"
LARGEST_MARKED = 32 << 20
MOST_CONTROLS = 400
_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_COMMENT = late_pattern(
    rf"(?:^|\s)#\s*leadline:\s*accept\s+(?P<ids>{_ID}(?:\s*,\s*{_ID}){{0,{MOST_CONTROLS}}})"
    r"(?:\s+until\s+(?P<until>[0-9]{4}-[0-9]{2}-[0-9]{2}\S*))?(?:\s+(?P<reason>.*))?$"
)
_LONGEST_LINE = 4096


class Comment(Struct, frozen=True):
    """A comment that accepts findings, and the lines that it speaks of."""

    line: int
    """Counted from 1."""
    controls: tuple[str, ...]
    reason: str
    until: str
    covers: tuple[int, ...]
    """Its own line; where nothing else is on it, the next one that is not a comment."""

    def waiver(self, file: str) -> Waiver:
        return Waiver(
            name=f"{file}:{self.line}",
            matches=(WaiverMatch(sort="controls", controls=self.controls, paths=(file,), writing="exact"),),
            reason=self.reason,
            expires=self.until,
            kind="comment",
            source=f"{file}:{self.line}",
            is_from_target=True,
        )


def annotated(resource: Resource) -> tuple[Waiver, ...]:
    """What annotations of the object accept on it."""
    annotations = _annotations(resource.body)
    found = []
    for accept, reason, until in (_OURS, _ECOSYSTEM):
        written = annotations.get(accept)
        ids = [one.strip() for one in written.split(",")[:MOST_CONTROLS]] if isinstance(written, str) else []
        if any(ids):
            found.append(
                Waiver(
                    name=resource.title,
                    matches=tuple(_matches(tuple(filter(None, ids)), resource.id)),
                    reason=text(annotations.get(reason)),
                    expires=text(annotations.get(until)),
                    kind="annotation",
                    source=f"{accept} on {resource.title}",
                    is_from_target=True,
                )
            )
    return tuple(found)


def _matches(ids: tuple[str, ...], resource: str) -> Iterator[WaiverMatch]:
    """The same word may be the id of a control or of a vulnerability in the object's images."""
    yield WaiverMatch(sort="controls", controls=ids, ids=(resource,), writing="exact")
    yield WaiverMatch(sort="vulnerabilities", vulnerabilities=ids, ids=(resource,), writing="exact")


def comments(lines: Sequence[str]) -> tuple[Comment, ...]:
    """Every comment in a file that accepts findings."""
    found = []
    for number, line in enumerate(lines, 1):
        match = _COMMENT.search(line) if "leadline:" in line and len(line) <= _LONGEST_LINE else None
        if match is None:
            continue
        covers = [number]
        if line.lstrip().startswith("#"):
            rest = range(number, len(lines))
            covers += [i + 1 for i in rest if not lines[i].lstrip().startswith("#")][:1]
        ids = tuple(one.strip() for one in match["ids"].split(","))
        reason = (match["reason"] or "").strip()
        found.append(Comment(number, ids, reason, match["until"] or "", tuple(covers)))
    return tuple(found)


def _annotations(body: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}
