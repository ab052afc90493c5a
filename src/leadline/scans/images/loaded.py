"""What a container loaded at run time, out of a file: paths, a recorded profile, or an SBOM of what was loaded."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError, json

from leadline.errors import SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.model.profile import COLLAPSED, COMPLETE, NO_CAPABILITIES, Profile
from leadline.packages.loaded import Loaded

LARGEST = 64 << 20
MOST_PATHS = 1_000_000
_PROFILE = json.Decoder(Profile)
_KINDS = ("ApplicationProfile", "ContainerProfile")


class _Opened(Struct):
    path: str = ""


class _Container(Struct):
    opens: list[_Opened] | None = None
    execs: list[_Opened] | None = None


class _Spec(_Container):
    containers: list[_Container] | None = None
    initContainers: list[_Container] | None = None  # noqa: N815 - as it is written
    ephemeralContainers: list[_Container] | None = None  # noqa: N815


class _Profile(Struct):
    kind: str = ""
    spec: _Spec | None = None


def read_loaded(name: str, image: str = "") -> Loaded:
    """What the file says. Of several profiles of the agent those of containers of ``image``.

    Profiles as the agent writes them, which say what was loaded; ``ApplicationProfile`` and ``ContainerProfile`` of the Kubernetes API, as JSON; SPDX, CycloneDX or Syft documents; else one path
    in each line.

    Raises: ``UsageError`` where it cannot be read, or says nothing.
    """
    content = _content(name)
    if content.lstrip().startswith(b'{"container":'):
        return _recorded(name, content, image)
    if not content.lstrip().startswith(b"{"):
        paths = tuple(_lines(name, content))
        return _some(name, Loaded(paths), bool(paths))
    try:
        profile = json.decode(content, type=_Profile)
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError):
        profile = _Profile()
    if profile.kind in _KINDS and profile.spec is not None:
        paths = tuple(_opened(profile.spec))
        return _some(name, Loaded(paths), bool(paths))
    from leadline.sbom.documents.reader import read_sbom_document  # seldom a document

    try:
        packages = read_sbom_document(content, name, "").packages
    except SourceError as error:
        raise UsageError(f"{error.args[0]}, and no profile either", hint=_HINT) from error
    return _some(name, Loaded(packages=packages), bool(packages))


_HINT = "name a list of paths, a profile of the container as JSON, or an SBOM of what it loaded"


def _recorded(name: str, content: bytes, image: str) -> Loaded:
    try:
        profiles = [_PROFILE.decode(line) for line in content.splitlines() if line.strip()]
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name}: not the profiles of an agent ({in_words(error)})", hint=_HINT) from error
    if len(profiles) > 1:
        own = [one for one in profiles if image and image in (one.container.image, one.container.image_id)]
        if not own:
            images = sorted({one.container.image or one.container.id for one in profiles})
            raise UsageError(
                f"{name}: none of the {len(profiles):,} containers is of {image or 'this image'}",
                hint=f"write the lines of its own to a file; there are {', '.join(images[:5])}",
            )
        profiles = own
    paths = tuple({path for one in profiles for path in one.loaded})
    return _some(name, Loaded(paths, is_complete=all(map(is_loading_complete, profiles))), bool(paths))


def is_loading_complete(profile: Profile) -> bool:
    """Whether nothing that was loaded can be missing: of a collapsed file the folder is known, of a program nothing."""
    reasons = set(profile.reasons) - ({COLLAPSED} if "exec" not in profile.collapsed else set())
    return profile.completion == COMPLETE or reasons <= {NO_CAPABILITIES}


def _some(name: str, loaded: Loaded, is_any: bool) -> Loaded:
    """An empty list would say that nothing runs."""
    if not is_any:
        raise UsageError(f"{name}: nothing is said to be loaded", hint=_HINT)
    return loaded


def _content(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", "") or str(error)).lower()
        raise UsageError(f"{name}: cannot be read ({why})") from error
    if len(content) > LARGEST:
        raise UsageError(f"{name}: larger than {LARGEST >> 20} MiB")
    return content


def _lines(name: str, content: bytes) -> Iterator[str]:
    if b"\0" in content:
        raise UsageError(f"{name}: neither text nor JSON", hint=_HINT)
    lines = content.decode("utf-8", "surrogateescape").splitlines()
    if len(lines) > MOST_PATHS:
        raise UsageError(f"{name}: more than {MOST_PATHS:,} paths")
    for number, line in enumerate(lines, 1):
        path = line.strip()
        if not path or path.startswith("#"):
            continue
        if not path.startswith("/"):
            raise UsageError(f"{name}: line {number} is not an absolute path: {path[:80]}", hint=_HINT)
        yield path


def _opened(spec: _Spec) -> Iterator[str]:
    groups = (spec.containers, spec.initContainers, spec.ephemeralContainers)
    for container in (spec, *(one for group in groups for one in group or ())):
        for opened in (*(container.opens or ()), *(container.execs or ())):
            if opened.path.startswith("/"):
                yield opened.path
