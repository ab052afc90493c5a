"""From a request to the image or folder that it names, with the credentials and certificates that belong to it."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from leadline.errors import RegistryError, SourceError, UsageError
from leadline.image.layers.stream import HEAD_BYTES, Damaged, Region, is_compressed
from leadline.image.layers.tar import TarReader
from leadline.programs.cli.imaging.finished import exists
from leadline.programs.cli.imaging.layer_progress import Say
from leadline.programs.cli.imaging.memory import kept_results
from leadline.programs.cli.imaging.request import ImageRequest
from leadline.sources.images.cache import LayerCache
from leadline.sources.images.layer import OpenedImage
from leadline.sources.images.manifest import read_platform
from leadline.sources.images.resolve import ImageOptions, open_image
from leadline.sources.registry.options import Credential, RegistryOptions, Trust

MOST_ATTEMPTS = 4
LONGEST_WAIT_S = 60.0
LONGEST_PASSWORD = 1 << 16


def open_requested(request: ImageRequest, say: Say) -> OpenedImage:
    """The image or folder that ``request`` names; the caller closes it.

    Raises: ``SourceError`` where it cannot be opened, ``UsageError`` where it makes no sense.
    """
    _check_file(request.image)
    image = _open(request, say)
    try:
        _check_platform(request, image)
    except UsageError:
        image.close()
        raise
    return image


def layer_cache(request: ImageRequest) -> LayerCache | None:
    """``None`` where it is not wanted, or the user has no place for it."""
    return None if request.no_cache else kept_results(os.environ)


def _check_file(name: str) -> None:
    """Raises ``SourceError`` for what exists and can be no image."""
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
    try:
        with path.open("rb", buffering=0) as file:
            if is_compressed(file.read(HEAD_BYTES)):
                return True
            next(iter(TarReader(Region(file.fileno(), 0, path.stat().st_size))), None)
    except OSError:
        return True  # whoever opens it next says why it cannot be read
    except Damaged:
        return False
    return True


def _check_platform(request: ImageRequest, image: OpenedImage) -> None:
    """An archive of one image is not asked which; the answer must not be about another platform than the question."""
    if not request.platform or not image.identity.platform:
        return
    wanted = str(read_platform(request.platform))
    found = image.identity.platform
    if not f"{found}/".startswith(f"{wanted}/") and not f"{wanted}/".startswith(f"{found}/"):
        raise UsageError(f"{request.image} is for {found}, not for {wanted}", hint="leave --platform out")


def _open(request: ImageRequest, say: Say) -> OpenedImage:
    registry = _registry(request, os.environ, say)
    try:
        return open_image(request.image, ImageOptions(request.platform, registry, layer_cache(request)))
    except RegistryError as error:
        raise _with_hint(error) from error


def _with_hint(error: RegistryError) -> RegistryError:
    if error.hint or not str(error).startswith("cannot reach"):
        return error
    return RegistryError(
        str(error), hint="an image in a file needs no registry: docker save IMAGE -o image.tar"
    )


def _registry(request: ImageRequest, environ: Mapping[str, str], say: Say) -> RegistryOptions:
    def wait(attempt: int, seconds: float) -> bool:
        if attempt >= MOST_ATTEMPTS or seconds > LONGEST_WAIT_S:
            return False
        pause = seconds or 2.0**attempt
        text = f"the registry is busy, asking again in {pause:.0f} s"
        say(text)
        if not request.quiet and not os.isatty(2):
            sys.stderr.write(f"leadline: {text}\n")
        time.sleep(pause)
        return True

    return RegistryOptions(
        trust=Trust(frozenset(), request.ca_file, request.insecure, _proxies(environ)),
        credential=_credential(request, environ),
        environ=environ,
        mirrors=_mirrors(request.mirror),
        wait=wait,
    )


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name in ("http", "https", "no")
        if (value := environ.get(f"{name}_proxy") or environ.get(f"{name.upper()}_PROXY", ""))
    }


def _credential(request: ImageRequest, environ: Mapping[str, str]) -> Credential | None:
    """Given by hand or in the environment; ``None`` leaves it to Docker's files."""
    prefix = "LEADLINE_REGISTRY_"
    token = environ.get(f"{prefix}TOKEN", "")
    username = request.username or environ.get(f"{prefix}USERNAME", "")
    password = environ.get(f"{prefix}PASSWORD", "")
    source = f"{prefix}USERNAME and {prefix}PASSWORD"
    if request.password_stdin:
        if not username:
            raise UsageError("--password-stdin needs --username")
        password = sys.stdin.read(LONGEST_PASSWORD).rstrip("\r\n")
        source = "--password-stdin"
    if request.username and not password:
        raise UsageError(
            "--username needs a password",
            hint=f"pipe it in with --password-stdin, or set {prefix}PASSWORD",
        )
    if username and password:
        return Credential(source, username=username, password=password)
    return Credential(f"{prefix}TOKEN", registry_token=token) if token else None


def _mirrors(written: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    mirrors: dict[str, tuple[str, ...]] = {}
    for pair in written:
        registry, equals, mirror = pair.partition("=")
        if not equals or not registry or not mirror:
            raise UsageError(
                f"--mirror takes REGISTRY=HOST (got {pair})", hint="for example docker.io=mirror.example"
            )
        mirrors[registry] = (*mirrors.get(registry, ()), mirror)
    return mirrors
