"""Versions as numbers: ``v1.21.14-eks-6d3986b`` is (1, 21, 14)."""

import re
from functools import lru_cache

Version = tuple[int, int, int]

_NUMBERS = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?")


@lru_cache(maxsize=2048)
def parse_version(text: str) -> Version | None:
    """The first three numbers, absent ones as 0; ``None`` where ``text`` starts with none."""
    match = _NUMBERS.match(text.strip())
    if match is None:
        return None
    major, minor, patch = (int(number or 0) for number in match.groups())
    return major, minor, patch


def is_within(version: Version, ranges: tuple[tuple[str, str], ...]) -> bool:
    """Whether ``version`` lies in one of ``ranges``, each from the first version up to and without the second."""
    for first, beyond in ranges:
        low, high = parse_version(first), parse_version(beyond)
        if low is not None and high is not None and low <= version < high:
            return True
    return False
