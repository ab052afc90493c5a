"""What decides whether a scan that worked is good enough. How a gate is called and worded is its program's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from leadline.model.control import SEVERITIES, Severity
from leadline.model.image_report import DENIED_LICENCE
from leadline.model.report import PostureReport
from leadline.model.unread import Unread

if TYPE_CHECKING:
    from leadline.model.image_report import ImageReport

GateName = Literal["severity", "compliance", "unread", "unmatched", "database", "licence"]
"""``database``: findings are bounded, and vulnerability database not found to find any with."""


class Gates(Struct, frozen=True, kw_only=True):
    """The bounds that a report is held against; none by default."""

    severity_threshold: str = ""
    """Fails on a finding of this severity or above."""
    compliance_threshold: float | None = None
    """Fails on a score below it, 0 to 100."""
    fail_on_unread: bool = False
    deny_licences: tuple[str, ...] = ()
    """Fails where a package comes under one of them, as the report found."""
    fail_on_unmatched: bool = False
    """Fails where packages of an image could not be matched with advisories."""


class GateResult(Struct, frozen=True):
    """One gate, and what it was held against."""

    gate: GateName
    passed: bool
    bound: Severity | float | None = None
    """The severity or the score that was asked for; ``None`` for gates without a bound."""
    found: float | None = None
    """Findings, inputs or packages that failed it, or the score; ``None`` without a score."""


class Verdict(Struct, frozen=True):
    """The outcome of all gates together."""

    results: tuple[GateResult, ...] = ()
    """In the order of ``Gates``; empty without a gate."""
    unread: int = 0
    """Inputs that could not be read and that no gate speaks of."""

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results)

    @property
    def failing(self) -> Severity | None:
        """Findings of this severity or above made it fail; ``None`` where it passed, or something else did."""
        failed = {result.gate: result for result in self.results if not result.passed}
        if "compliance" in failed:
            return SEVERITIES[-1]
        bound = failed["severity"].bound if "severity" in failed else None
        return bound if isinstance(bound, str) else None

    @property
    def fails_unread(self) -> bool:
        """Whether what was not read made it fail."""
        return any(result.gate == "unread" and not result.passed for result in self.results)


def verdict(report: PostureReport, gates: Gates) -> Verdict:
    """The outcome of every gate about objects."""
    results: list[GateResult] = []
    if gates.severity_threshold:
        least, grave = _at_or_above(gates.severity_threshold)
        # What a baseline knows was there before and fails nothing.
        counts = report.new.severities()
        number = sum(counts[severity] for severity in grave)
        results.append(GateResult("severity", not number, least, number))
    if gates.compliance_threshold is not None:
        score = report.compliance()
        passed = score is not None and score >= gates.compliance_threshold
        results.append(GateResult("compliance", passed, gates.compliance_threshold, score))
    return _verdict(results, report.new_unread, gates, len(report.unread) - len(report.new_unread))


def image_verdict(report: "ImageReport | None", unread: Sequence[Unread], gates: Gates) -> Verdict:
    """The outcome for an image. Vulnerabilities and other findings count alike; ``report`` is ``None`` for a mere SBOM."""
    return images_verdict((report,) if report is not None else (), unread, gates)


def images_verdict(reports: "Sequence[ImageReport]", unread: Sequence[Unread], gates: Gates) -> Verdict:
    """The outcome for several images together."""
    results: list[GateResult] = []
    if gates.severity_threshold and reports:
        least, grave = _at_or_above(gates.severity_threshold)
        number = sum(one.severity in grave for report in reports for one in report.findings)
        number += sum(one.severity in grave for report in reports for one in report.vulnerabilities)
        has_database = all(report.database is not None for report in reports)
        if not has_database:
            results.append(GateResult("database", False, least))
        if number or has_database:
            results.append(GateResult("severity", not number, least, number))
    if gates.deny_licences and reports:
        number = sum(one.title == DENIED_LICENCE for report in reports for one in report.findings)
        results.append(GateResult("licence", not number, found=number))
    if gates.fail_on_unmatched and reports:
        number = sum(map(unmatched, reports))
        results.append(GateResult("unmatched", not number, found=number))
    return _verdict(results, unread, gates)


def _at_or_above(threshold: str) -> tuple[Severity, tuple[Severity, ...]]:
    grave = SEVERITIES[: SEVERITIES.index(threshold) + 1]
    return grave[-1], grave


def unmatched(report: "ImageReport") -> int:
    """Packages of which no advisory could speak; all of them without a database."""
    if report.database is None:
        return len(report.sbom.packages)
    return sum(one.packages for one in report.coverage if one.why and one.counts)


def _verdict(results: list[GateResult], unread: Sequence[Unread], gates: Gates, known: int = 0) -> Verdict:
    """``known`` more were not read before either: no gate speaks of them."""
    if not gates.fail_on_unread:
        return Verdict(tuple(results), len(unread) + known)
    return Verdict((*results, GateResult("unread", not unread, found=len(unread))), known)
