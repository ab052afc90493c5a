"""The scan of an image that a cluster runs, by its digest: from a registry, from the node, or from what is stored of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.image_report import ImageReport
from leadline.model.package import Sbom
from leadline.model.unread import Unread
from leadline.outputs.redaction.sbom import redacted_sbom
from leadline.sbom.findings import image_findings, not_judged
from leadline.sbom.image import Options as CatalogueOptions
from leadline.sbom.sbom_cache import make_sbom
from leadline.scans.images.layer_progress import LayerProgress
from leadline.scans.images.lazy_sbom import image_cache, shipped_cataloguers
from leadline.scans.images.open_image import check_size, open_requested
from leadline.scans.images.vulnerabilities import vulnerabilities_of
from leadline.scans.options import ImageOptions
from leadline.sources.images.node_blobs import open_node_image
from leadline.sources.oci.layer import OpenedImage
from leadline.sources.oci.manifest import read_platform
from leadline.sources.registry.client import BusyError, DeniedError
from leadline.sources.registry.http import UnreachableError
from leadline.sources.registry.options import PullSecret


class PullSource(Struct, frozen=True):
    """A name under which an image can be had, with what opens it there."""

    name: str
    """``registry/repository@digest``; with a tag where no digest leads to the image."""
    secrets: tuple[PullSecret, ...] = ()


class RunningImage(Struct, frozen=True):
    digest: str
    """As the node reports it: of the manifest or index, or the image's id."""
    sources: tuple[PullSource, ...]
    is_id: bool = False
    """Whether ``digest`` is the image's id: it was brought to the node without a registry."""


class IncompleteError(SourceError):
    """A part of the image could not be fetched now."""


def scan_running(image: RunningImage, options: ImageOptions, node_blobs: str = "") -> ImageReport:
    """The report about ``image``, out of the first source that gives it.

    ``node_blobs``: the folder of the node's blobs, which is asked last; empty for none.

    Raises:
        SourceError: no source gives it: what the one said that says most.
        DatabaseError: as ``rematched``.
    """
    with _opened(image, options, node_blobs) as opened:
        cache = image_cache(options)
        each = LayerProgress(opened.identity.name, options.say)
        sbom = make_sbom(
            opened, shipped_cataloguers, cache, CatalogueOptions(each=each, created=options.created)
        )
        lost = next((one for one in sbom.unread if one.reason == "unreachable"), None)
        if lost is not None:
            raise _incomplete(lost)
        return report_of_sbom(redacted_sbom(sbom, opened.config.hidden), options)


def report_of_sbom(sbom: Sbom, options: ImageOptions) -> ImageReport:
    """What the database knows of ``sbom`` now: a new one, or a new day, needs no image.

    Raises:
        DatabaseError: the database cannot be read, or is too old.
    """
    today = options.today or datetime.now(UTC).strftime("%Y-%m-%d")
    found = vulnerabilities_of(sbom, options, today)
    return ImageReport(
        sbom,
        image_findings(sbom, today, is_document=False),
        (*found.gaps, *not_judged(sbom, is_document=False)),
        found.matched.matches,
        found.matched.suppressed,
        found.matched.coverage,
        found.database,
    )


@contextmanager
def _opened(image: RunningImage, options: ImageOptions, node_blobs: str) -> Iterator[OpenedImage]:
    failures: list[SourceError | UsageError] = []
    opened: OpenedImage | None = None
    for source in image.sources:
        try:
            asked = replace(options, pull_secrets=source.secrets)
            opened = open_requested(f"registry:{source.name}", asked, image_cache(options))
            _check_same(image, source.name, opened)
            break
        except (SourceError, UsageError) as error:
            failures.append(error)
            if opened is not None:
                opened.close()
                opened = None
    if opened is None and node_blobs:
        try:
            opened = _of_node(image, options, node_blobs)
        except SourceError as error:
            failures.append(error)
    if opened is None:
        raise _telling(failures, image.digest)
    try:
        yield opened
    finally:
        opened.close()


def _of_node(image: RunningImage, options: ImageOptions, node_blobs: str) -> OpenedImage:
    name = image.sources[0].name if image.sources else image.digest
    platform = read_platform(options.platform) if options.platform else None
    opened = open_node_image(Path(node_blobs), image.digest, name, platform, is_id=image.is_id)
    check_size(name, options.most_stored_bytes, opened)
    return opened


def _check_same(image: RunningImage, name: str, opened: OpenedImage) -> None:
    """A tag may lead elsewhere by now. Raises ``SourceError``."""
    if image.is_id and opened.identity.id != image.digest:
        raise SourceError(
            f"the registry has another image called {name} than the one that runs",
            hint="it was brought to the node without a registry",
        )


def _telling(failures: Sequence[SourceError | UsageError], digest: str) -> SourceError | UsageError:
    """The failure that says most: what may pass by itself, then what needs credentials, then the first.

    What the node says goes along as a hint.
    """
    if not failures:
        return SourceError(f"nothing says where {digest} can be had")
    kinds = (BusyError, UnreachableError, DeniedError)
    telling = (one for kind in kinds for one in failures if isinstance(one, kind))
    first = next(telling, failures[0])
    others = [str(one.args[0]) for one in failures if one is not first]
    first.hint = "; ".join(filter(None, (first.hint, *dict.fromkeys(others))))
    return first


def _incomplete(lost: Unread) -> SourceError:
    return IncompleteError(f"{lost.where}: {lost.why}", hint=lost.hint)
