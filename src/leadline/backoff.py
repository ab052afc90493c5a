"""How long to wait before the next attempt."""


def backoff_s(failures: int, first_s: float, longest_s: float) -> float:
    """Seconds to wait after ``failures`` in a row, at least one: twice as long each time, ``longest_s`` at most."""
    return min(longest_s, first_s * 2.0 ** min(failures - 1, 30))
