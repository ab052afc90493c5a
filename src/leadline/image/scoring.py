"""CVSS base scores of versions 2 and 3, and a rating where a publisher gives a vector alone.

https://www.first.org/cvss/v3.1/specification-document and https://www.first.org/cvss/v2/guide. Version 4 scores by a
table of its own; of it the publisher's number or word is taken.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from msgspec.structs import replace

from leadline.model.vulnerability import Advisory, Cvss, Rating

_IMPACT_3 = {"H": 0.56, "L": 0.22, "N": 0.0}
_WEIGHTS_3 = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": _IMPACT_3,
    "I": _IMPACT_3,
    "A": _IMPACT_3,
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_IMPACT_2 = {"N": 0.0, "P": 0.275, "C": 0.66}
_WEIGHTS_2 = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": _IMPACT_2,
    "I": _IMPACT_2,
    "A": _IMPACT_2,
}
_STEPS: tuple[tuple[float, Rating], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
_HIGHEST = 10.0


def scored(cvss: Cvss) -> Cvss:
    """With the base score where it was not stated and can be computed."""
    return cvss if cvss.score else replace(cvss, score=base_score(cvss.vector))


def rating_of(advisory: Advisory) -> Rating:
    """The publisher's word; else that of its highest score; else ``unknown``."""
    if advisory.severity != "unknown":
        return advisory.severity
    return rating_of_score(max((scored(cvss).score for cvss in advisory.cvss), default=0.0))


def rating_of_score(score: float) -> Rating:
    """https://www.first.org/cvss/v3.1/specification-document#Qualitative-Severity-Rating-Scale"""
    return next((rating for least, rating in _STEPS if score >= least), "unknown")


def base_score(vector: str) -> float:
    """0 where ``vector`` is of version 4, or makes no sense."""
    prefix, _, rest = vector.strip().partition("/")
    metrics = dict(part.partition(":")[::2] for part in vector.strip("()").split("/"))
    try:
        if prefix.startswith("CVSS:3"):
            return _score_3(dict(part.partition(":")[::2] for part in rest.split("/")))
        return 0.0 if prefix.startswith("CVSS:") else _score_2(metrics)
    except KeyError:
        return 0.0


def _score_3(metrics: Mapping[str, str]) -> float:
    weight = {name: row[metrics[name]] for name, row in _WEIGHTS_3.items()}
    is_changed = metrics["S"] == "C"
    loss = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 if is_changed else 6.42 * loss
    if impact <= 0:
        return 0.0
    privileges = _PRIVILEGES["C" if is_changed else "U"][metrics["PR"]]
    ease = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    total = (impact + ease) * (1.08 if is_changed else 1.0)
    return _rounded_up(min(total, _HIGHEST))


def _rounded_up(score: float) -> float:
    """To one decimal, by the appendix on floating point of version 3.1."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def _score_2(metrics: Mapping[str, str]) -> float:
    weight = {name: row[metrics[name]] for name, row in _WEIGHTS_2.items()}
    impact = 10.41 * (1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"]))
    ease = 20 * weight["AV"] * weight["AC"] * weight["Au"]
    score = (0.6 * impact + 0.4 * ease - 1.5) * (1.176 if impact else 0.0)
    return float(Decimal(str(score)).quantize(Decimal("0.1"), ROUND_HALF_UP))
