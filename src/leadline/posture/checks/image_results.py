"""What scans of images found in the containers of a workload, as it is stored in the cluster.

One VulnerabilityManifestSummary for each container that runs; its labels name the workload and the container.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from leadline.model.control import NotJudged
from leadline.model.resource import Resource
from leadline.posture.index import Filed, Index
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Container, Workload, mapping, sequence, text
from leadline.untyped import MALFORMED

SUMMARY = "VulnerabilityManifestSummary.spdx.softwarecomposition.kubescape.io"
LABEL = "kubescape.io/"
COUNTED = "leadline.dev/vulnerabilities"
_MOST_BYTES = 1 << 16
_LONGEST_LABEL = 63


class ImageResult(NamedTuple):
    """What was found in the image of one container."""

    container: Container
    summary: Resource
    critical: int
    high: int

    @property
    def remote_code(self) -> tuple[str, ...]:
        """Ids of vulnerabilities by which code can be run from a distance.

        Raises: ``NotJudged`` where the result does not say so.
        """
        annotations = mapping(mapping(self.summary.body.get("metadata")).get("annotations"))
        written = text(annotations.get(COUNTED))[:_MOST_BYTES]
        try:
            counted = mapping(msgspec.json.decode(written or "{}"))
        except MALFORMED:
            counted = {}
        ids = counted.get("remoteCodeIds")
        if not isinstance(ids, list):
            raise NotJudged(
                "the stored image result does not say which vulnerabilities run code; scan the image again"
            )
        return tuple(id for id in sequence(ids) if isinstance(id, str))


def image_results(workload: Workload, inventory: Inventory) -> tuple[list[ImageResult], str]:
    """The results of the workload's containers, and why there is none of some other; empty where all have one."""
    found: list[ImageResult] = []
    missing = ""
    for container in workload.containers:
        key = (workload.kind, label_of(workload.name), label_of(container.name))
        spaces = inventory.spaces(workload.resource.namespace)
        summaries = inventory.find(_SUMMARIES, *((space, *key) for space in spaces))
        if not summaries:
            if not container.is_ephemeral:
                missing = missing or f"no stored result of a scan of the image of container {container.name}"
            continue
        summary = summaries[-1]
        annotations = mapping(mapping(summary.body.get("metadata")).get("annotations"))
        if annotations.get(f"{LABEL}status") == "incomplete":
            missing = (
                missing
                or f"the image of container {container.name} was scanned without a vulnerability database"
            )
            continue
        severities = mapping(mapping(summary.body.get("spec")).get("severities"))
        found.append(
            ImageResult(container, summary, _count(severities, "critical"), _count(severities, "high"))
        )
    return found, missing


def _count(severities: dict[str, object], name: str) -> int:
    number = mapping(severities.get(name)).get("all")
    return number if isinstance(number, int) else 0


def label_of(name: str) -> str:
    """``name`` as the value of a label, which is shorter."""
    return name[:_LONGEST_LABEL].rstrip("-._")


def _summaries(filed: Filed) -> Iterator[tuple[tuple[str, str, str, str], Resource]]:
    labels = mapping(mapping(filed.resource.body.get("metadata")).get("labels"))
    kind, name, container = (
        text(labels.get(f"{LABEL}workload-{part}")) for part in ("kind", "name", "container-name")
    )
    for space in filed.spaces:
        yield (space, kind, name, container), filed.resource


_SUMMARIES: Index[Resource] = Index((SUMMARY,), _summaries)
