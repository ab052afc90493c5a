"""CVSS base scores, and a rating where a publisher gives a vector alone."""

import re

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError
from msgspec.structs import replace

from leadline.model.vulnerability import Advisory, Cvss, Rating

_STEPS: tuple[tuple[float, Rating], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
_MINOR_3 = re.compile(r"CVSS:3\.[2-9]/")
"""No such version exists, yet publishers write it."""


def scored(cvss: Cvss) -> Cvss:
    """With the base score where it was not stated and can be computed."""
    return cvss if cvss.score else replace(cvss, score=base_score(cvss.vector))


def rating_of(advisory: Advisory) -> Rating:
    """The publisher's word; else that of its highest score; else ``unknown``."""
    if advisory.severity != "unknown":
        return advisory.severity
    return rating_of_score(max((scored(cvss).score for cvss in advisory.cvss), default=0.0))


def rating_of_score(score: float) -> Rating:
    """https://www.first.org/cvss/v3.1/specification-document#Qualitative-Severity-Rating-Scale; version 4 has the same."""
    return next((rating for least, rating in _STEPS if score >= least), "unknown")


def base_score(vector: str) -> float:
    """Of versions 2, 3 and 4; 0 where ``vector`` makes no sense."""
    vector = _MINOR_3.sub("CVSS:3.1/", vector.strip().strip("()"))
    if vector.startswith("CVSS:4"):
        kind = CVSS4
    else:
        kind = CVSS3 if vector.startswith("CVSS:") else CVSS2
    try:
        return float(kind(vector).base_score)
    except CVSSError:
        return 0.0
