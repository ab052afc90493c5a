"""What a cloud says of a cluster, in the words of its own API, as its command line prints it.

Fields: EKS by https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html, AKS by the ManagedCluster of
https://learn.microsoft.com/en-us/rest/api/aks/managed-clusters/get, GKE by the Cluster of
https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from leadline.kube.workload import Body
from leadline.model.control import NotJudged, Review
from leadline.model.resource import Resource
from leadline.posture.fact_kinds import COMMANDS
from leadline.posture.index import kind_name
from leadline.posture.subject import mapping, mappings

ANYWHERE = ("0.0.0.0/0", "::/0")
_NOT_THERE = object()


class Said(NamedTuple):
    """A field of a description."""

    value: Any
    place: str

    def review(self, advice: str) -> Review:
        return Review(self.place, advice=advice)


def said(cluster: Resource, path: str, *, empty: Any = _NOT_THERE) -> Said:
    """The field at ``path``, its names without regard to case: command lines and APIs differ in it.

    ``empty`` is what it means that the field is not in its message although that is there: Google's APIs leave out what
    is false, empty or zero. Raises: ``NotJudged`` where the description does not say it.
    """
    value, place = _walk(cluster.body, path.split("."))
    if value is _NOT_THERE and empty is not _NOT_THERE:
        above, _ = _walk(cluster.body, path.split(".")[:-1])
        if isinstance(above, dict):
            return Said(empty, place)
    if value is _NOT_THERE:
        raise not_said(cluster, path)
    return Said(value, place)


def each(cluster: Resource, path: str) -> Iterator[tuple[Body, str]]:
    """The items of a list, each with its place. Raises: ``NotJudged`` where the description has no such list."""
    found = said(cluster, path)
    if not isinstance(found.value, list) or not found.value:
        raise not_said(cluster, path)
    for index, item in mappings(found.value):
        yield item, f"{found.place}[{index}]"


def within(item: Body, place: str, path: str, *, empty: Any = None) -> Said:
    """The field at ``path`` of an item; ``empty`` where it is not there."""
    value, below = _walk(item, path.split("."))
    return Said(empty if value is _NOT_THERE else value, f"{place}.{below}")


def not_said(cluster: Resource, path: str) -> NotJudged:
    command = COMMANDS.get(kind_name(cluster), "")
    return NotJudged(f"{path} is not in the description of {cluster.name}; '{command}' prints all of it")


def _walk(body: Any, steps: list[str]) -> tuple[Any, str]:
    """A value, ``_NOT_THERE`` where a step leads to nothing, and the path as it is written."""
    value: Any = body
    written: list[str] = []
    if steps[0].lower() not in {str(key).lower() for key in mapping(body)} and "properties" in mapping(body):
        # The API of Azure puts into properties what its command line shows without it.
        value, written = mapping(body)["properties"], ["properties"]
    for step in steps:
        names = {str(key).lower(): key for key in mapping(value)}
        key = names.get(step.lower())
        written.append(step if key is None else str(key))
        value = _NOT_THERE if key is None else mapping(value)[key]
    return value, ".".join(written)
