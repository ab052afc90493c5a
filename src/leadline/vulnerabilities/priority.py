"""What to do first: attackers at work, then how likely they will be, how bad it is, and whether there is a fix."""

from leadline.model.vulnerability import RATINGS, Match

LIKELY = 0.1
"""EPSS from which a use within the month is likelier than for some 95 in 100 vulnerabilities."""
_WORD = {rating: place for place, rating in enumerate(RATINGS)}
_WEIGHT = {"critical": 9.0, "high": 7.5, "medium": 5.0, "low": 3.0, "negligible": 0.5, "unknown": 5.0}
_LOADED = {True: 0, None: 1, False: 2}
_MOST = 10.0
_NO_FIX = {
    "not fixed": "no fix yet",
    "wont fix": "its publisher will not fix it",
    "deferred": "its publisher put the fix off",
    "end of life": "its release gets no fixes any more",
    "unknown": "whether there is a fix is not known",
}


def urgency(match: Match) -> tuple[int, int, int, int, float, int, str, str, str, str]:
    """The key that sorts the most urgent first, the same in every run.

    What was loaded goes before what may have been, and that before what was not; what attackers are at stays in front.
    """
    chance = match.chance.chance if match.chance else 0.0
    return (
        0 if match.exploited or match.kind == "malware" else 1,
        0 if chance >= LIKELY else 1,
        _LOADED[match.loaded],
        _WORD[match.severity],
        -chance,
        0 if match.fixed_in else 1,
        match.package.name,
        match.package.version,
        match.id,
        match.package.found_in[0] if match.package.found_in else "",
    )


def reason(match: Match) -> str:
    """Why it is in this place, as one sentence without a full stop."""
    parts: list[str] = []
    if match.kind == "malware":
        parts.append("the package is malware")
    if match.exploited:
        since = f" since {match.exploited.since}" if match.exploited.since else ""
        by = ", for ransomware too" if match.exploited.by_ransomware else ""
        parts.append(f"attackers use it{since}{by}")
    if match.chance:
        parts.append(f"EPSS gives {match.chance.chance:.1%} for an attack within 30 days")
    if match.loaded is not None:
        parts.append("it was loaded at run time" if match.loaded else "it was not loaded at run time")
    parts.append("it is not rated" if match.severity == "unknown" else f"it is rated {match.severity}")
    parts.append(
        f"{match.fixed_in[0]} fixes it" if match.fixed_in else _NO_FIX.get(match.state, _NO_FIX["unknown"])
    )
    return "; ".join(parts)


def risk(match: Match) -> float:
    """0 to 100: threat (listed as exploited, or EPSS) times severity, a little more for listed ones, as Grype has it."""
    threat = 1.0 if match.exploited else match.chance.chance if match.chance else 0.0
    scores = [cvss.score for cvss in match.cvss if cvss.score]
    word = _WEIGHT[match.severity]
    severity = (word + sum(scores) / len(scores)) / 2 if scores else word
    factor = (1.1 if match.exploited.by_ransomware else 1.05) if match.exploited else 1.0
    return min(threat * severity / _MOST * factor, 1.0) * 100
