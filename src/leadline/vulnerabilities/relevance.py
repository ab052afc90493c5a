"""The order of vulnerabilities where it is known which packages were loaded."""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from leadline.model.package import Package
from leadline.model.vulnerability import Match
from leadline.vulnerabilities.priority import urgency


def ranked_by_loading(
    matches: Iterable[Match], is_loaded: Callable[[Package], bool | None]
) -> tuple[Match, ...]:
    """With what is known of their packages, the most urgent first; ``None`` where that is nothing."""
    known: dict[int, bool | None] = {}
    found = []
    for match in matches:
        if id(match.package) not in known:
            known[id(match.package)] = is_loaded(match.package)
        found.append(replace(match, loaded=known[id(match.package)]))
    return tuple(sorted(found, key=urgency))
