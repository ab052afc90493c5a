"""What findings have in common before and after a change, in a time that follows their number."""

from typing import Any

import orjson

from leadline.kube.field_path import child_of, parse_path
from leadline.model.control import Missing
from leadline.model.finding import Finding

_NAMED = frozenset({"image", "containers", "spec", "metadata"})
"""Fields by which a container, a pod or a whole object is known."""
Identity = tuple[str, tuple[str, ...], str, str, bytes]


class Identities:
    """Of the findings about one object: control, place by names, edit, and what is there.

    What is there is part of it, so that another dangerous value at the same place is new; of a container or pod
    as a whole it is not, since any change would be one of it.
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self._labels: dict[int, tuple[str, ...]] = {}
        """Of the entries of each list, by the id of the list, which the body holds on to."""

    def of(self, finding: Finding) -> Identity:
        _, path, action, value = finding.edit
        if isinstance(finding.violation, Missing):
            return finding.control, (), action, value, b""
        place, there = self._at(path)
        is_whole = isinstance(there, dict) and not _NAMED.isdisjoint(there)
        what = b"" if there is None or is_whole else orjson.dumps(there, option=orjson.OPT_SORT_KEYS)
        return finding.control, place, action, value, what

    def _at(self, path: str) -> tuple[tuple[str, ...], Any]:
        """The place, and what is there."""
        try:
            steps = parse_path(path)
        except ValueError:
            return (path,), None
        here: Any = self._body
        place: list[str] = []
        for step in steps:
            if isinstance(here, list) and isinstance(step, int) and step < len(here):
                place.append(self._labels_of(here)[step])
            else:
                place.append(str(step))
            here = child_of(here, step)
        return tuple(place), here

    def _labels_of(self, entries: list[Any]) -> tuple[str, ...]:
        """The names of containers, volumes and the like, numbered where they are the same; positions of all else."""
        known = self._labels.get(id(entries))
        if known is None:
            seen: dict[str, int] = {}
            labels: list[str] = []
            for position, entry in enumerate(entries):
                name = entry.get("name") if isinstance(entry, dict) else None
                if isinstance(name, str):
                    number = seen[name] = seen.get(name, -1) + 1
                    labels.append(f"{name}#{number}")
                else:
                    labels.append(str(position))
            known = self._labels[id(entries)] = tuple(labels)
        return known
