"""Many scans in one report, and the file from which the next report says what changed since.

The file is JSON; it holds what the pages show and, of each source, its findings as a baseline has them.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.model.control import SEVERITIES, Control
from leadline.outputs.documents.baseline import Baseline, SeenFinding, distinct
from leadline.outputs.documents.comparison import ComparisonNumbers
from leadline.untyped import MALFORMED

FORMAT: Final = "leadline-joint-report"
VERSION: Final = 1
MOST_POINTS: Final = 400
"""Of a trend, for each source; older ones are dropped."""


class AcceptedRisk(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one waiver covers."""

    what: str
    """``waiver agent in waivers.yaml``."""
    findings: int
    reason: str = ""
    owner: str = ""
    until: str = ""
    """The day that it ends; empty for never."""
    is_expired: bool = False
    """Its findings count again."""


class AttackPath(msgspec.Struct, frozen=True):
    """A workload with much at stake, and the way to it."""

    title: str
    score: float
    """0 to 100."""
    sentence: str
    picture: str
    """SVG."""


class TrendPoint(msgspec.Struct, frozen=True, omit_defaults=True):
    at: str
    """RFC 3339 in UTC, or a day."""
    severities: Mapping[str, int]
    """Findings by severity."""

    @property
    def total(self) -> int:
        return sum(self.severities.values())

    @property
    def grave(self) -> int:
        return self.severities.get("critical", 0) + self.severities.get("high", 0)


class SourceReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one repository or cluster adds to the report."""

    name: str
    baseline: Baseline
    severities: Mapping[str, int]
    """Findings by severity."""
    edits: int | None = None
    """``None`` where the source is a baseline, which does not hold them."""
    decisions: int | None = None
    objects: int | None = None
    score: float | None = None
    """Per cent, over all controls."""
    unread: tuple[str, ...] = ()
    """``app.yaml:3 unexpected ':'``."""
    undecided: int = 0
    accepted: tuple[AcceptedRisk, ...] = ()
    paths: tuple[AttackPath, ...] | None = None
    """The worst first; ``None`` where workloads could not be ranked."""
    since: ComparisonNumbers | None = None
    """What changed since the last report; ``None`` where that did not have this source."""
    fresh: tuple[SeenFinding, ...] = ()
    """Those that are new since the last report."""
    trend: tuple[TrendPoint, ...] = ()
    """The oldest first; this report is the last."""

    @property
    def findings(self) -> int:
        return sum(self.severities.values())


def is_moment(text: str) -> bool:
    """Whether it is one in UTC, as reports and baselines are dated."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None and text.endswith("Z")
    except ValueError:
        return False


class FailedSource(msgspec.Struct, frozen=True):
    name: str
    why: str


class JointReport(msgspec.Struct, frozen=True, kw_only=True):
    format: str = FORMAT
    version: int = VERSION
    title: str
    at: str
    """RFC 3339 in UTC."""
    program: str
    """The version that wrote it."""
    sources: tuple[SourceReport, ...]
    """As they were named."""
    failed: tuple[FailedSource, ...] = ()
    """Sources of which nothing could be read."""
    last: str = ""
    """When the report was made that this one is compared with; empty for none."""
    vanished: tuple[str, ...] = ()
    """Sources that the last report had and this one was not asked for."""
    kept: tuple[SourceReport, ...] = ()
    """Of the last report, those that could not be read this time: the next one is compared with them."""

    @property
    def severities(self) -> Counter[str]:
        return sum((Counter(one.severities) for one in self.sources), Counter[str]())


class _Head(msgspec.Struct, frozen=True):
    """What says of a file what it is, read before the rest."""

    format: str = ""
    version: int = 0


def severities_of(baseline: Baseline, controls: Mapping[str, Control]) -> dict[str, int]:
    """Findings by severity; ``controls`` are those that are known, by id."""
    namespaced = {(one.control, one.object) for one in baseline.findings if one.is_namespaced}
    found = Counter[str]()
    for id, object, _ in distinct(baseline.findings):
        control = controls.get(id)
        if control is not None and (id, object) in namespaced:
            control = control.in_one_namespace
        found[control.severity if control is not None else "unknown"] += 1
    return {name: found[name] for name in (*SEVERITIES, "unknown") if found[name]}


def decoded_joint_report(content: bytes, name: str) -> JointReport:
    """The report in the file called ``name``.

    Raises: ``SourceError`` where it is not one, is damaged, or was written by a newer version of this program.
    """
    hint = "leadline report -f json writes one"
    try:
        head = msgspec.json.decode(content, type=_Head)
        if head.format == FORMAT and head.version > VERSION:
            raise SourceError(
                f"{name} has format version {head.version}, this program reads up to {VERSION}",
                hint="update leadline",
            )
        found = msgspec.json.decode(content, type=JointReport)
    except MALFORMED as error:
        raise SourceError(
            f"{name} is not a report over several sources: {in_words(error)}", hint=hint
        ) from error
    if head.format != FORMAT:
        raise SourceError(f"{name} is not a report over several sources", hint=hint)
    return found
