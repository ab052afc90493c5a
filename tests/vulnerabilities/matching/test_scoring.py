"""Scores of vectors as NVD and FIRST publish them."""

import pytest

from leadline.model.vulnerability import Advisory, Cvss
from leadline.vulnerabilities.scoring import base_score, rating_of


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:N/A:N", 4.3),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", 5.9),
        ("CVSS:3.1/AV:N/AC:H/PR:L/UI:N/S:C/C:L/I:L/A:N/E:P", 4.9),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
        ("AV:N/AC:M/Au:N/C:P/I:P/A:P", 6.8),
        ("(AV:N/AC:L/Au:N/C:N/I:N/A:P)", 5.0),
        ("AV:L/AC:L/Au:N/C:P/I:N/A:N", 2.1),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.7),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0),
        ("CVSS:3.3/AV:N/AC:H/PR:H/UI:N/S:U/C:L/I:L/A:N", 3.3),
        ("CVSS:4.0/AV:N/AC:L", 0.0),
        ("CVSS:9.0/AV:N", 0.0),
        ("CVSS:3.1/AV:Q", 0.0),
        ("", 0.0),
    ],
)
def test_a_vector_has_its_score(vector: str, score: float):
    assert base_score(vector) == score


def test_a_publishers_word_goes_before_its_score():
    critical = Cvss("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    assert rating_of(Advisory("A", severity="low", cvss=(critical,))) == "low"
    assert rating_of(Advisory("A", cvss=(critical,))) == "critical"
    assert rating_of(Advisory("A", cvss=(Cvss("CVSS:4.0/x", score=5.0),))) == "medium"
    assert rating_of(Advisory("A")) == "unknown"
