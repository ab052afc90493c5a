"""What ``leadline scan image -f json`` wrote of images, beside the workloads of a target that run them.

It becomes what the operator stores of the images that a cluster runs, so that the same controls judge it (C-0083 to C-0085).
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.model.resource import Resource
from leadline.packages.reference import read_reference
from leadline.posture.checks.image_results import COUNTED, LABEL, SUMMARY, label_of
from leadline.posture.subject import workloads_of
from leadline.scans.posture.reading import Reading
from leadline.scans.stored.image_results import running_code
from leadline.sources.regular_file import read_given
from leadline.untyped import MALFORMED

LARGEST_FILE = 512 << 20
_KIND, _, _GROUP = SUMMARY.partition(".")
_VERSION = f"{_GROUP}/v1beta1"


class _Match(Struct, frozen=True):
    id: str
    severity: str = "unknown"
    weaknesses: tuple[str, ...] = ()
    summary: str = ""


class _Identity(Struct, frozen=True):
    name: str
    digest: str = ""
    tags: tuple[str, ...] = ()


class _Image(Struct, frozen=True):
    image: _Identity
    vulnerabilities: tuple[_Match, ...]
    database: dict[str, Any] | None = None
    names: tuple[str, ...] = ()
    """As workloads write it."""


class _Images(Struct, frozen=True):
    """The document about several."""

    images: tuple[_Image, ...]


_DECODER = msgspec.json.Decoder(_Images)
_OF_ONE = msgspec.json.Decoder(_Image)


def with_given_images(reading: Reading, paths: tuple[str, ...]) -> Reading:
    """``reading`` with a result for each container whose image is in one of the files.

    Raises: ``SourceError`` where a file cannot be read or holds anything else.
    """
    known: dict[str, _Image] = {}
    for path in paths:
        for image in _images(path):
            known |= dict.fromkeys(_names(image), image)
    added = [one for resource in reading.resources for one in _results(resource, known)]
    return replace(reading, resources=(*reading.resources, *added), files=reading.files + len(paths))


def _images(path: str) -> tuple[_Image, ...]:
    content = read_given(path, LARGEST_FILE)
    try:
        return _DECODER.decode(content).images
    except MALFORMED:
        pass
    try:
        return (_OF_ONE.decode(content),)
    except MALFORMED as error:
        hint = "write it with 'leadline scan image IMAGE -f json -o FILE'"
        raise SourceError(
            f"{Path(path).name} does not hold results of images: {in_words(error)}", hint=hint
        ) from error


def _names(image: _Image) -> Iterator[str]:
    for name in (image.image.name, *image.image.tags, *image.names):
        reference = read_reference(name)
        if reference is not None:
            yield reference.full
            if image.image.digest:
                yield f"{reference.name}@{image.image.digest}"


def _results(resource: Resource, known: dict[str, _Image]) -> Iterator[Resource]:
    for workload in workloads_of(resource):
        for container in workload.containers:
            reference = read_reference(container.image)
            image = known.get(reference.full) if reference is not None else None
            if image is None:
                continue
            counted = Counter(match.severity for match in image.vulnerabilities)
            severities = {name: {"all": number} for name, number in sorted(counted.items())}
            facts = {"remoteCodeIds": running_code(image.vulnerabilities)}
            labels = {"kind": workload.kind, "name": workload.name, "container-name": container.name}
            name = f"{workload.kind}-{workload.name}-{container.name}".lower()
            body = {
                "apiVersion": _VERSION,
                "kind": _KIND,
                "metadata": {
                    "name": name,
                    "namespace": resource.namespace,
                    "labels": {f"{LABEL}workload-{part}": label_of(value) for part, value in labels.items()},
                    "annotations": {
                        f"{LABEL}status": "ready" if image.database else "incomplete",
                        COUNTED: msgspec.json.encode(facts).decode(),
                    },
                },
                "spec": {"severities": severities},
            }
            # Where its workload is, so that both are looked at together.
            yield Resource(_VERSION, _KIND, resource.namespace, name, body, resource.origin)
