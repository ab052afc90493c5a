"""What decides the exit code of a scan that worked."""

from msgspec import Struct

from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.outputs.plain import count
from leadline.programs.cli.scanning.request import Request


class Verdict(Struct, frozen=True):
    """The outcome of all gates together."""

    text: str = ""
    """``failed: --severity-threshold high, 4 findings at or above it``; empty without a gate."""
    passed: bool = True


def verdict(report: PostureReport, request: Request) -> Verdict:
    """Every gate that was asked for, judged; those that failed are named first and alone."""
    failed: list[str] = []
    passed: list[str] = []
    if request.severity_threshold:
        gate = f"--severity-threshold {request.severity_threshold}"
        grave = SEVERITIES[: SEVERITIES.index(request.severity_threshold) + 1]
        counts = report.severities()
        number = sum(counts[severity] for severity in grave)
        (failed if number else passed).append(
            f"{gate}, {count(number, 'finding')} at or above it" if number else gate
        )
    if request.compliance_threshold is not None:
        gate = f"--compliance-threshold {request.compliance_threshold:g}"
        score = report.compliance()
        if score is None or score < request.compliance_threshold:
            failed.append(
                f"{gate}, the score is {'unknown' if score is None else f'{int(score * 100) / 100:g}'}"
            )
        else:
            passed.append(gate)
    if "unread" in request.fail_on:
        number = len(report.unread)
        (failed if number else passed).append(
            f"--fail-on unread, {number:,} not read" if number else "--fail-on unread"
        )
    if failed:
        return Verdict(f"failed: {'; '.join(failed)}", False)
    unread = f"; {len(report.unread):,} not read" if report.unread else ""
    return Verdict(f"passed: {'; '.join(passed)}{unread}" if passed else "")
