"""Why the score of a saved report, or the rank of a workload in it, is what it is."""

from collections.abc import Iterator

from leadline.errors import SourceError, UsageError
from leadline.model.report import PostureReport
from leadline.outputs.documents.report_document import decode, is_report
from leadline.outputs.text.plain import plain
from leadline.posture.risk.ranking import workload_risks
from leadline.scans.explaining.risk import explained_risk
from leadline.scans.explaining.score import explained_score, explained_score_change
from leadline.sources.regular_file import read_given

SCORE = "score"
_LARGEST_BYTES = 512 << 20
_HINT = "leadline scan PATH -f report writes one"


def explained(what: str, file: str, before: str = "") -> Iterator[str]:
    """``what`` is ``score``, with ``before`` its change since that report, or a workload as ``NAMESPACE/KIND/NAME``.

    Raises: ``SourceError`` for a file that is not a posture report, ``UsageError`` for a workload that it does not rank.
    """
    report = _read(file)
    if what == SCORE:
        yield from explained_score_change(_read(before), report) if before else explained_score(report)
        return
    risks = report.risks if report.risks is not None else workload_risks(report)
    found = [one for one in risks if report.resource(one.resource).title == what]
    if not found:
        raise UsageError(f"{file} ranks no workload called {plain(what)}", hint="write NAMESPACE/KIND/NAME")
    yield from explained_risk(report, found[0])


def _read(path: str) -> PostureReport:
    content = read_given(path, _LARGEST_BYTES)
    try:
        report = decode(content) if is_report(content) else None
    except SourceError as error:
        raise SourceError(f"{path}: {error.args[0]}", hint=error.hint) from error
    if not isinstance(report, PostureReport):
        raise SourceError(f"{path} is not a report of a scan", hint=_HINT)
    return report
