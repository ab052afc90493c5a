"""What a finding is known by from one scan to the next."""

from collections import Counter

from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.outputs.rows.place import FindingPlaces, stable_path


class Fingerprints:
    """Those of one report, asked for in one order. They stay for as long as control, file, object and field do.

    Of charts that make random texts, an object is known by its place in its template and not by its name.
    """

    def __init__(self, report: PostureReport, places: FindingPlaces) -> None:
        self._report = report
        self._places = places
        self._seen: Counter[str] = Counter()

    def of(self, finding: Finding) -> tuple[str, int]:
        """32 hexadecimal digits, and how many findings so far had them: a file may hold an object twice."""
        failing, holder = self._report.resource(finding.resource), self._places.holder(finding)
        named = (failing,) if holder is failing else (failing, holder)
        parts = (
            finding.control,
            *(word for one in named for word in self._identity(one)),
            stable_path(self._places.body(holder), finding.path),
        )
        from hashlib import sha256  # dear to load, and only some formats ask

        mark = sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
        self._seen[mark] += 1
        return mark, self._seen[mark]

    def _identity(self, resource: Resource) -> tuple[str, ...]:
        """A derived subject is known by its binding and its role as well."""
        if resource.origin.kind != "derived":
            return _own_identity(resource)
        parts = (self._report.resource(id) for id in self._report.parts_of.get(resource.id, ()))
        joined = (word for part in parts for word in _own_identity(part))
        return (*joined, resource.group, resource.kind, resource.namespace, resource.name)


def _own_identity(resource: Resource) -> tuple[str, ...]:
    origin = resource.origin
    file = f"{origin.rendering}:{origin.path}" if origin.rendering else origin.path
    if origin.is_random:
        return (file, resource.group, resource.kind, str(origin.document))
    return (file, resource.group, resource.kind, resource.namespace, resource.name)
