"""The first sentence of a report over several sources counts as people do."""

import pytest

from leadline.outputs.documents.baseline import Baseline
from leadline.outputs.documents.joint_report import JointReport, SourceReport
from leadline.outputs.text.joint_report_text import headline


@pytest.mark.parametrize(
    ("severities", "said"),
    [
        ({"critical": 1, "low": 7}, "1 critical finding in 1 source"),
        ({"high": 1}, "1 high finding in 1 source"),
        ({"critical": 1, "high": 1}, "1 critical and 1 high findings in 1 source"),
        ({"low": 1}, "no critical or high finding in 1 source"),
    ],
)
def test_one_is_not_many(severities: dict[str, int], said: str):
    source = SourceReport(name="shop", baseline=Baseline(findings=()), severities=severities)
    report = JointReport(title="t", at="2027-01-31T00:00:00Z", program="1", sources=(source,))
    assert headline(report) == said
