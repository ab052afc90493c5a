"""From a reference to the image or folder that it names, with the credentials and certificates that belong to it."""

import time
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from leadline.errors import SourceError, UsageError
from leadline.sbom.layers.stream import HEAD_BYTES, Damaged, Region, is_compressed
from leadline.scans.images.sbom_input import exists
from leadline.scans.options import ImageOptions
from leadline.sources.images.cache import LayerCache
from leadline.sources.images.resolve import SCHEMES, open_image
from leadline.sources.images.resolve import ImageOptions as OpenOptions
from leadline.sources.oci.layer import OpenedImage
from leadline.sources.oci.manifest import read_platform
from leadline.sources.proxies import proxies_of
from leadline.sources.registry.options import RegistryOptions, Trust

MOST_ATTEMPTS = 4
MOST_RETRIES = 1
RETRY_WAIT_S = 1.0
"""An error of the registry's own seldom passes: once more, and soon."""


def open_requested(reference: str, options: ImageOptions, cache: LayerCache | None) -> OpenedImage:
    """The image or folder that ``reference`` names; the caller closes it.

    Raises: ``SourceError`` where it cannot be opened, ``UsageError`` where it makes no sense.
    """
    _check_file(reference)
    image = open_image(reference, OpenOptions(options.platform, registry_options(options), cache))
    try:
        _check_platform(reference, options.platform, image)
        check_size(reference, options.most_stored_bytes, image)
    except (UsageError, SourceError):
        image.close()
        raise
    return image


class TooLargeError(SourceError):
    """The image is larger than it may be."""


def check_size(reference: str, most_bytes: int | None, image: OpenedImage) -> None:
    """Raises ``TooLargeError``. Nothing of the layers has been fetched yet."""
    size = sum(layer.size_bytes for layer in image.layers)
    if most_bytes is not None and size > most_bytes:
        raise TooLargeError(
            f"{reference} has {size / 2**20:,.0f} MiB of layers, more than the {most_bytes / 2**20:,.0f} allowed",
            hint="allow larger images",
        )


def registry_name(reference: str) -> str:
    """What ``reference`` names in a registry; empty where it is a file, a folder or of an engine."""
    scheme, _, rest = reference.partition(":")
    if scheme == "registry":
        return rest
    path = reference
    while path and not exists(Path(path)):
        # ``path:tag`` names one image of a file.
        path = path.rpartition(":")[0]
    return "" if path or scheme in SCHEMES or scheme == "sbom" or reference == "-" else reference


def as_docker_has_it(reference: str, environ: Mapping[str, str]) -> str:
    """``docker:NAME`` for a plain name that a local engine has; every other reference as it is."""
    name = registry_name(reference)
    if not name or name != reference:
        return reference
    from leadline.sources.images.docker import (
        daemon_has,
        sockets,
    )  # other programs than Docker's plugin do without

    return f"docker:{name}" if daemon_has(name, sockets(environ)) else reference


def _check_file(name: str) -> None:
    """Raises ``SourceError`` for what exists and can be not an image."""
    path = Path(name)
    if not exists(path) or path.is_dir():
        return
    if not path.is_file():
        raise SourceError(f"{name} is neither a file nor a folder", hint="save it to a file first")
    if not path.stat().st_size:
        raise SourceError(f"{name} is empty", hint="name an archive, an OCI layout, a folder or an image")
    if not _begins_like_archive(path):
        raise SourceError(
            f"{name} is neither an archive nor a SBOM",
            hint="name an archive, an OCI layout, a folder or an image",
        )


def _begins_like_archive(path: Path) -> bool:
    from leadline.sbom.layers.tar import TarReader  # folders and registries do without

    try:
        with path.open("rb", buffering=0) as file:
            if is_compressed(file.read(HEAD_BYTES)):
                return True
            next(iter(TarReader(Region(file.fileno(), 0, path.stat().st_size))), None)
    except OSError:
        return True  # the next reader says why it cannot be read
    except Damaged:
        return False
    return True


def _check_platform(reference: str, platform: str, image: OpenedImage) -> None:
    """An archive of one image is not asked which; the answer must not be about another platform than the question."""
    if not platform or not image.identity.platform:
        return
    wanted = str(read_platform(platform))
    found = image.identity.platform
    if not f"{found}/".startswith(f"{wanted}/") and not f"{wanted}/".startswith(f"{found}/"):
        raise UsageError(
            f"{reference} is for {found}, not for {wanted}", hint="ask for that platform, or for none"
        )


def registry_options(options: ImageOptions) -> RegistryOptions:
    """How registries are spoken to."""

    def pause(why: str, seconds: float) -> bool:
        text = f"{why}, asking again in {seconds:.0f} s"
        options.say(text)
        options.note(text)
        time.sleep(seconds)
        return True

    def wait(attempt: int, seconds: float) -> bool:
        if attempt >= MOST_ATTEMPTS or seconds > options.longest_wait_s or not options.longest_wait_s:
            return False
        return pause("the registry is busy", seconds or 2.0**attempt)

    def retry(attempt: int, seconds: float) -> bool:
        if attempt > MOST_RETRIES or seconds > RETRY_WAIT_S or not options.longest_wait_s:
            return False
        return pause("the registry reports an error of its own", RETRY_WAIT_S)

    return RegistryOptions(
        trust=Trust(
            frozenset(),
            options.ca_file,
            options.accept_any_certificate,
            frozenset(chain.from_iterable(options.mirrors.values())) if options.is_named_by_others else None,
            proxies_of(options.environ),
        ),
        credential=options.credential,
        secrets=options.pull_secrets,
        environ=options.environ,
        mirrors=options.mirrors,
        wait=wait,
        retry=retry,
    )
