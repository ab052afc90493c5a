"""The verdict of the gates on one line, with the options that set them."""

from leadline.outputs.text.plain import count
from leadline.scans.gates import GateResult, Verdict


def verdict_text(verdict: Verdict) -> str:
    """``failed: --severity-threshold high, 4 findings at or above it``; empty without a gate.

    Gates that failed are named alone.
    """
    if failed := [_failed(result) for result in verdict.results if not result.passed]:
        return f"failed: {'; '.join(failed)}"
    passed = [_option(result) for result in verdict.results]
    unread = f"; {verdict.unread:,} not read" if verdict.unread else ""
    return f"passed: {'; '.join(passed)}{unread}" if passed else ""


def _option(result: GateResult) -> str:
    match result.gate:
        case "severity" | "database":
            return f"--severity-threshold {result.bound}"
        case "compliance":
            return f"--compliance-threshold {result.bound:g}"
        case "licence":
            return "--deny-licence"
        case gate:
            return f"--fail-on {gate}"


def _failed(result: GateResult) -> str:
    option, number = _option(result), int(result.found or 0)
    match result.gate:
        case "severity":
            return f"{option}, {count(number, 'finding')} at or above it"
        case "database":
            return f"{option}, vulnerability database not found"
        case "compliance":
            # Rounded down: 79.996 is not 80.
            score = "unknown" if result.found is None else f"{int(result.found * 100) / 100:g}"
            return f"{option}, the score is {score}"
        case "unread":
            return f"{option}, {number:,} not read"
        case "licence":
            return f"{option}, {count(number, 'package')} under such a licence"
        case "unmatched":
            return f"{option}, {count(number, 'package')} not matched"
