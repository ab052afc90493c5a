"""Where things are that came from no file. Apart, since a report about an image needs nothing else of places."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline.model.finding import Place
    from leadline.model.resource import Resource
    from leadline.model.risk import WorkloadRisk


class NoPlaces:
    """The places of a target without files, such as a cluster."""

    def body(self, resource: "Resource") -> dict[str, Any]:
        return resource.body

    read_body = body

    def shown_risk(self, risk: "WorkloadRisk") -> "WorkloadRisk":
        return risk

    def find(self, resource: "Resource", path: str) -> "Place | None":
        return None

    def lines(self, resource: "Resource", first: int, last: int) -> list[str]:
        return []
