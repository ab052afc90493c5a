"""What a command line asks of ``leadline image``."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from leadline.errors import DatabaseError, UsageError
from leadline.model.control import SEVERITIES
from leadline.programs.cli.cache_location import cache_folder, database_file
from leadline.programs.cli.configuration.configured import Configured
from leadline.programs.cli.terminal import say_plainly
from leadline.scans.options import ImageOptions, Say
from leadline.sources.private_place import why_not_private
from leadline.sources.registry.options import Credential

LONGEST_PASSWORD = 1 << 16
_LISTS = ("format", "fail_on", "mirror", "include_namespaces", "exclude_namespaces")


class ImageRequest(Struct, frozen=True, kw_only=True):
    """One command line. Field names are those of the flags."""

    image: str = ""
    """The only one that is asked for; empty where there are several."""
    images: tuple[str, ...] = ()
    """Several, by name."""
    from_manifests: tuple[str, ...] = ()
    from_cluster: bool = False
    kube_context: str = ""
    kubeconfig: str = ""
    include_namespaces: tuple[str, ...] = ()
    exclude_namespaces: tuple[str, ...] = ()
    exclude_path: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    set_string: tuple[str, ...] = ()
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    helm_tests: bool = False
    is_alone: bool = True
    """Whether no other image is asked for: credentials that name no registry are then for that of this one."""
    is_scan: bool = False
    """Whether findings are wanted beside the packages."""
    format: tuple[str, ...] = ()
    output: str = ""
    encrypt: tuple[str, ...] = ()
    verbose: bool = False
    quiet: bool = False
    debug: bool = False
    no_color: bool = False
    fail_on: tuple[str, ...] = ()
    severity_threshold: str = ""
    digests: bool = False
    platform: str = ""
    username: str = ""
    password_stdin: bool = False
    insecure: bool = False
    ca_file: str = ""
    mirror: tuple[str, ...] = ()
    no_cache: bool = False
    db: str = ""
    max_db_age: int | None = None
    only_fixable: bool = False
    vex: tuple[str, ...] = ()
    loaded: str = ""
    store: str = ""
    """Where results go: ``kube``, or a file."""
    store_namespace: str = "leadline"
    exceptions: tuple[str, ...] = ()
    no_waivers_from_target: bool = False
    trust_policy: str = ""
    trusted_root: str = ""
    configured: Configured = Configured()


def image_request(image: str, is_scan: bool, flags: Mapping[str, Any]) -> ImageRequest:
    """The request that the words of a command line make.

    Raises: ``UsageError`` for values that no flag has.
    """
    return _checked(ImageRequest(image=image, is_scan=is_scan, **_given(flags)), image)


def images_request(images: tuple[str, ...], flags: Mapping[str, Any]) -> ImageRequest:
    """The request for a scan of ``images``, or of those that ``flags`` name otherwise.

    Raises: ``UsageError`` for values that no flag has, or several sources of images.
    """
    given = _given(flags)
    sources = [bool(images), bool(given["from_manifests"]), given["from_cluster"]]
    if sum(sources) > 1:
        raise UsageError("images are named, or of --from-manifests, or of --from-cluster: one of these")
    if not any(sources):
        raise UsageError("no image is named", hint="name one, or use --from-manifests or --from-cluster")
    images = tuple(dict.fromkeys(images))
    if len(images) == 1:
        return _checked(ImageRequest(image=images[0], is_scan=True, **given), images[0])
    if given.get("loaded"):
        raise UsageError("--loaded is about one image", hint="scan that image for itself")
    if any(name == "-" for name in (*images, *given["from_manifests"])):
        raise UsageError("'-' reads standard input and stands alone", hint="give it a scan of its own")
    request = ImageRequest(images=images, is_alone=False, is_scan=True, **given)
    for name in images:
        _checked(request, name)
    return _checked(request, "several")


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: _words(flags[name]) for name in _LISTS if name in flags}
    return {**flags, **lists}


def _checked(request: ImageRequest, image: str) -> ImageRequest:
    is_scan = request.is_scan
    for word in request.fail_on:
        if word not in ("unread", "unmatched") or (word == "unmatched" and not is_scan):
            known = "unread and unmatched" if is_scan else "unread"
            raise UsageError(f"--fail-on knows {known} (got {word})")
    if request.severity_threshold and request.severity_threshold not in SEVERITIES[:-1]:
        names = ", ".join(reversed(SEVERITIES[:-1]))
        raise UsageError(f"--severity-threshold must be one of {names} (got {request.severity_threshold})")
    if not image.strip():
        raise UsageError("an empty name is not an image", hint="write it as registry/repository:tag")
    return request


def database_of(request: ImageRequest) -> str:
    """The file that was named, else the usual one where it is there; empty without.

    Raises: ``DatabaseError`` where others could have changed the usual one. For one that is named the user vouches.
    """
    usual = database_file(os.environ)
    if request.db or not usual or not Path(usual).is_file():
        return request.db
    if not os.environ.get("LEADLINE_DB"):
        for path in (Path(usual).parent, Path(usual)):
            if why := why_not_private(path.stat()):
                raise DatabaseError(
                    f"{path} is not used: {why}", hint="make it yours alone, or name it with --db"
                )
    return usual


def _words(values: tuple[str, ...]) -> tuple[str, ...]:
    """Lists may be repeated or written with commas, and blanks around them."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def options_of(request: ImageRequest, moment: str, say: Say) -> ImageOptions:
    """What the request and the environment say together; ``moment`` is when the SBOM was made."""

    def note(text: str) -> None:
        if not request.quiet and not os.isatty(2):
            warn(text)

    def warn(text: str) -> None:
        if not request.quiet:
            say_plainly(f"leadline: {text}")

    return ImageOptions(
        platform=request.platform,
        with_digests=request.digests,
        created=moment,
        credential=_credential(request, os.environ),
        mirrors=_mirrors(request.mirror),
        is_named_by_others=bool(request.from_manifests) or request.from_cluster,
        ca_file=request.ca_file,
        accept_any_certificate=request.insecure,
        database=database_of(request) if request.is_scan else "",
        oldest_database_days=request.max_db_age,
        only_fixable=request.only_fixable,
        vex=request.vex,
        loaded=request.loaded,
        waivers=request.exceptions,
        trust_policy=request.trust_policy,
        trusted_root=request.trusted_root,
        cache_folder="" if request.no_cache else cache_folder(os.environ),
        standard_input=_read_stdin,
        environ=os.environ,
        say=say,
        note=note,
        warn=warn,
    )


def _read_stdin(most: int) -> bytes:
    return sys.stdin.buffer.read(most)


def _credential(request: ImageRequest, environ: Mapping[str, str]) -> Credential | None:
    """Given by hand or in the environment; ``None`` leaves it to Docker's files."""
    prefix = "LEADLINE_REGISTRY_"
    token = environ.get(f"{prefix}TOKEN", "")
    is_by_hand = request.password_stdin
    host = environ.get(f"{prefix}HOST", "")
    if is_by_hand and request.is_alone:
        registry, unusable = "", ""
    else:
        registry, unusable = _registry_of(request, host)
    if is_by_hand and unusable:
        raise UsageError(
            "--username and --password-stdin belong to one registry, and several images are scanned",
            hint=f"name it in {prefix}HOST",
        )
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
        return Credential(source, username, password, registry=registry, unusable=unusable)
    if not token:
        return None
    return Credential(f"{prefix}TOKEN", registry_token=token, registry=registry, unusable=unusable)


def _registry_of(request: ImageRequest, host: str) -> tuple[str, str]:
    """The registry that credentials of the environment belong to, and why they are of no use, where they are not."""
    if host:
        from leadline.packages.reference import read_registry  # where one is named

        registry = read_registry(host)
        if not registry:
            raise UsageError(
                f"LEADLINE_REGISTRY_HOST names no registry: {host[:200]}", hint="write HOST or HOST:PORT"
            )
        return registry, ""
    return "", "" if request.is_alone else "belongs to no registry: set LEADLINE_REGISTRY_HOST"


def _mirrors(written: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """``--mirror REGISTRY=HOST`` as a table, in the order written."""
    mirrors: dict[str, tuple[str, ...]] = {}
    for pair in written:
        registry, equals, mirror = pair.partition("=")
        if not equals or not registry or not mirror:
            raise UsageError(
                f"--mirror takes REGISTRY=HOST (got {pair})", hint="for example docker.io=mirror.example"
            )
        mirrors[registry] = (*mirrors.get(registry, ()), mirror)
    return mirrors
