"""What decides whether a scan that worked is good enough."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.control import SEVERITIES, Severity
from leadline.model.finding import Unread
from leadline.model.report import PostureReport
from leadline.outputs.plain import count

if TYPE_CHECKING:
    from leadline.model.image_report import ImageReport


class Gates(Struct, frozen=True, kw_only=True):
    """The bounds that a report is held against; none by default."""

    severity_threshold: str = ""
    """Fails on a finding of this severity or above."""
    compliance_threshold: float | None = None
    """Fails on a score below it, 0 to 100."""
    fail_on_unread: bool = False
    fail_on_unmatched: bool = False
    """Fails where packages of an image could not be matched with advisories."""


class Verdict(Struct, frozen=True):
    """The outcome of all gates together."""

    text: str = ""
    """``failed: --severity-threshold high, 4 findings at or above it``; empty without a gate."""
    passed: bool = True
    failing: Severity | None = None
    """Findings of this severity or above made it fail; ``None`` where it passed, or something else did."""


def verdict(report: PostureReport, gates: Gates) -> Verdict:
    """The outcome of every gate; those that failed are named first and alone."""
    failed: list[str] = []
    passed: list[str] = []
    failing: Severity | None = None
    if gates.severity_threshold:
        gate = f"--severity-threshold {gates.severity_threshold}"
        grave = SEVERITIES[: SEVERITIES.index(gates.severity_threshold) + 1]
        counts = report.severities()
        number = sum(counts[severity] for severity in grave)
        (failed if number else passed).append(
            f"{gate}, {count(number, 'finding')} at or above it" if number else gate
        )
        failing = grave[-1] if number else None
    if gates.compliance_threshold is not None:
        gate = f"--compliance-threshold {gates.compliance_threshold:g}"
        score = report.compliance()
        if score is None or score < gates.compliance_threshold:
            failing = SEVERITIES[-1]
            failed.append(
                f"{gate}, the score is {'unknown' if score is None else f'{int(score * 100) / 100:g}'}"
            )
        else:
            passed.append(gate)
    if gates.fail_on_unread:
        number = len(report.unread)
        (failed if number else passed).append(
            f"--fail-on unread, {number:,} not read" if number else "--fail-on unread"
        )
    outcome = _joined(failed, passed, len(report.unread))
    return outcome if outcome.passed else replace(outcome, failing=failing)


def image_verdict(report: "ImageReport | None", unread: Sequence[Unread], gates: Gates) -> Verdict:
    """The outcome for an image. Vulnerabilities and other findings count alike; ``report`` is ``None`` for a mere SBOM."""
    failed: list[str] = []
    passed: list[str] = []
    if gates.severity_threshold and report is not None:
        gate = f"--severity-threshold {gates.severity_threshold}"
        grave = SEVERITIES[: SEVERITIES.index(gates.severity_threshold) + 1]
        if report.database is None:
            failed.append(f"{gate}, there is no vulnerability database")
        number = sum(one.severity in grave for one in report.findings)
        number += sum(one.severity in grave for one in report.vulnerabilities)
        if number:
            failed.append(f"{gate}, {count(number, 'finding')} at or above it")
        elif report.database is not None:
            passed.append(gate)
    if gates.fail_on_unread:
        number = len(unread)
        (failed if number else passed).append(
            f"--fail-on unread, {number:,} not read" if number else "--fail-on unread"
        )
    if gates.fail_on_unmatched and report is not None:
        number = _unmatched(report)
        gate = "--fail-on unmatched"
        (failed if number else passed).append(
            f"{gate}, {count(number, 'package')} not matched" if number else gate
        )
    return _joined(failed, passed, 0 if gates.fail_on_unread else len(unread))


def _unmatched(report: "ImageReport") -> int:
    """Packages of which no advisory could speak; all of them without a database."""
    if report.database is None:
        return len(report.sbom.packages)
    return sum(one.packages for one in report.coverage if one.why and one.counts)


def _joined(failed: Sequence[str], passed: Sequence[str], unread_count: int) -> Verdict:
    if failed:
        return Verdict(f"failed: {'; '.join(failed)}", False)
    unread = f"; {unread_count:,} not read" if unread_count else ""
    return Verdict(f"passed: {'; '.join(passed)}{unread}" if passed else "")
