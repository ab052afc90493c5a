"""The order of vulnerabilities where it is known which packages were loaded."""

from collections.abc import Iterable

from msgspec.structs import replace

from leadline.model.vulnerability import Match
from leadline.packages.loaded import Loaded
from leadline.vulnerabilities.priority import urgency


def ranked_by_loading(matches: Iterable[Match], loaded: Loaded) -> tuple[Match, ...]:
    """With what is known of their packages, the most urgent first."""
    known: dict[int, bool | None] = {}
    found = []
    for match in matches:
        if id(match.package) not in known:
            known[id(match.package)] = loaded.is_loaded(match.package)
        found.append(replace(match, loaded=known[id(match.package)]))
    return tuple(sorted(found, key=urgency))
