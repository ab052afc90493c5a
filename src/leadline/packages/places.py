"""Where packages are found: a path, or within the archive at a path, ``srv/app.war:WEB-INF/lib/a.jar``."""

from collections.abc import Container


def file_at(place: str, known: Container[str]) -> str:
    """The one of the files ``known`` that ``place`` is or lies in; empty where there is none."""
    while place not in known and ":" in place:
        place = place.rpartition(":")[0]
    return place if place in known else ""
