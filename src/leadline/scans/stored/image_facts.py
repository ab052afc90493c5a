"""What a report about images says of the images of each workload, for the ranking of workloads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.kube.workload import images_in
from leadline.model.resource import Resource
from leadline.model.risk import ImageFacts
from leadline.packages.reference import read_reference
from leadline.sources.regular_file import read_given

_LARGEST_BYTES = 1 << 30
_HINT = "a scan of images writes one as JSON"


class KnownImages(Struct, frozen=True):
    """What is known of the images of workloads."""

    facts: Mapping[str, ImageFacts]
    """By the id of the workload; none for one of whose images nothing is known."""
    unknown: tuple[tuple[str, str], ...] = ()
    """Id of a workload and an image of it that the report does not hold, or that was matched with no database."""


class ReadPackage(Struct, frozen=True):
    name: str = ""
    version: str = ""


class ReadVulnerability(Struct, frozen=True, rename="camel"):
    id: str
    package: ReadPackage = ReadPackage()
    severity: str = ""
    fixed_in: tuple[str, ...] = ()
    loaded: bool | None = None
    exploited: dict[str, Any] | None = None


class _Name(Struct, frozen=True):
    name: str = ""
    digest: str = ""
    tags: tuple[str, ...] = ()


class _Use(Struct, frozen=True):
    id: str = ""


class ReadImage(Struct, frozen=True, rename="camel"):
    image: _Name = _Name()
    names: tuple[str, ...] = ()
    used_by: tuple[_Use, ...] = ()
    database: dict[str, Any] | None = None
    vulnerabilities: tuple[ReadVulnerability, ...] = ()


class _Report(Struct, frozen=True, rename="camel"):
    """That of several images; or, with what is beside ``images``, of one."""

    version: int
    tool: dict[str, Any]
    images: tuple[ReadImage, ...] | None = None


def image_facts(path: str, workloads: Iterable[Resource]) -> KnownImages:
    """What the report at ``path`` (``scan image -f json``) says of the images of ``workloads``.

    An image belongs to the objects that the report names as its users, and to those that run an image of its name.

    Raises: ``SourceError`` where it cannot be read, or is another document.
    """
    by_name: dict[str, ReadImage] = {}
    by_user: dict[str, list[ReadImage]] = {}
    for image in images_of_report(path):
        if image.database is None:
            continue
        for name in filter(None, (*image.names, image.image.name, *image.image.tags)):
            by_name.setdefault(_normal(name), image)
        for user in dict.fromkeys(use.id for use in image.used_by):
            by_user.setdefault(user, []).append(image)
    facts: dict[str, ImageFacts] = {}
    unknown: list[tuple[str, str]] = []
    for workload in workloads:
        written = images_in(workload.api_version, workload.kind, workload.body)
        names = dict.fromkeys(name for _, name in written)
        found = [by_name[_normal(name)] for name in names if _normal(name) in by_name]
        missing = [name for name in names if _normal(name) not in by_name]
        # A cluster's report calls images by the digests that pods run, and says which objects these belong to.
        others = [image for image in by_user.get(workload.id, ()) if image not in found]
        found += others
        unknown += [(workload.id, name) for name in missing[len(others) :]]
        if found:
            facts[workload.id] = _facts(found)
    return KnownImages(facts, tuple(unknown))


def images_of_report(path: str) -> Sequence[ReadImage]:
    """The images of a report that ``scan image -f json`` wrote. Raises: ``SourceError`` where it is another document."""
    content = read_given(path, _LARGEST_BYTES)
    try:
        report = msgspec.json.decode(content, type=_Report)
        return [msgspec.json.decode(content, type=ReadImage)] if report.images is None else report.images
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path} is not a JSON report about images: {in_words(error)}", hint=_HINT
        ) from error


def _normal(name: str) -> str:
    reference = read_reference(name)
    return name if reference is None else reference.full


def _facts(images: Iterable[ReadImage]) -> ImageFacts:
    """Each vulnerability once, however many packages and images have it."""
    exploited: dict[str, bool] = {}
    critical: set[str] = set()
    fixable: set[str] = set()
    for image in images:
        for one in image.vulnerabilities:
            if one.exploited is not None:
                exploited[one.id] = exploited.get(one.id, False) or one.loaded is True
            elif one.severity == "critical":
                critical.add(one.id)
            else:
                continue
            if one.fixed_in:
                fixable.add(one.id)
    return ImageFacts(
        exploited=len(exploited),
        critical=len(critical - exploited.keys()),
        loaded_exploited=sum(exploited.values()),
        fixable=len(fixable),
    )
