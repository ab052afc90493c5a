"""What to do first: attackers at work, then how likely they will be, how bad it is, and whether there is a fix."""

from leadline.model.vulnerability import RATINGS, Match

_LIKELY = 0.1
"""EPSS from which a use within the month is likelier than for some 95 in 100 vulnerabilities."""
_WORD = {rating: place for place, rating in enumerate(RATINGS)}


def urgency(match: Match) -> tuple[int, int, int, float, int, str, str, str, str]:
    """The key that sorts the most urgent first, the same in every run."""
    chance = match.chance.chance if match.chance else 0.0
    return (
        0 if match.exploited or match.kind == "malware" else 1,
        0 if chance >= _LIKELY and _WORD[match.severity] < _WORD["low"] else 1,
        _WORD[match.severity],
        -chance,
        0 if match.fixed_in else 1,
        match.package.name,
        match.package.version,
        match.id,
        match.package.found_in[0] if match.package.found_in else "",
    )
