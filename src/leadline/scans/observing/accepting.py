"""Which alerts are accepted: by the waivers that hold for findings too, one ``accept`` for a rule's id or title."""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from leadline.model.alert import Accepted, Alert
from leadline.model.waiver import Waiver
from leadline.scans.waivers.waiving import image_names
from leadline.waivers.apply import Waivers
from leadline.waivers.match import Problem, Subject


class Accepting:
    """Adds to each alert the waiver that accepts it. One that has expired accepts nothing."""

    def __init__(self, waivers: Sequence[Waiver]) -> None:
        self._waivers = tuple(waivers)

    def __call__(self, alert: Alert) -> Alert:
        if not self._waivers:
            return alert
        one = alert.container
        subject = Subject(
            kind=one.workload_kind or ("Pod" if one.pod else "Container"),
            name=one.workload or one.pod or one.name or one.id,
            namespace=one.namespace,
            labels=dict(one.labels),
            has_labels=bool(one.labels),
            containers=(one.name,) if one.name else (),
            images=image_names(one.image) if one.image else (),
        )
        problem = Problem(controls=(alert.rule, alert.title), severity=alert.severity)
        # Alerts are few; what one of them is kept for would only grow.
        waivers = Waivers(self._waivers, datetime.now(UTC).isoformat(), lambda match: True)
        place = waivers.find(problem, alert.id, lambda: (subject,))
        if place is None:
            return alert
        waiver = self._waivers[place]
        return replace(alert, accepted=Accepted(waiver.name, waiver.reason, waiver.source))
