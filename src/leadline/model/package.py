"""Packages found in an image, and the SBOM they make up."""

from typing import Literal

from msgspec import Struct

from leadline.model.unread import Unread

DISTRIBUTION_TYPES = frozenset(("apk", "deb", "rpm", "alpm"))
"""purl types of the packages that a distribution's own package manager installs."""


class Digest(Struct, frozen=True):
    """A checksum: ``algorithm`` in lower case without a dash (``sha256``), ``value`` in hexadecimal."""

    algorithm: str
    value: str


STATED = "sbom"
"""Anyone may have written such a document, so it decides nothing about packages that were found."""


class Package(Struct, frozen=True):
    """One installed or declared package."""

    type: str
    """The purl type: ``apk``, ``deb``, ``rpm``, ``pypi``, ``npm``, ``golang``, ``maven``, ``generic`` …"""
    name: str
    version: str
    namespace: str = ""
    """The purl namespace: the distribution, the npm scope, the Maven group, the Go module's path above its name."""
    arch: str = ""
    source: str = ""
    """Name of the source package it was built from; empty where it is the same or unknown."""
    source_version: str = ""
    licenses: tuple[str, ...] = ()
    """SPDX expressions where they could be normalised, else as written."""
    found_in: tuple[str, ...] = ()
    """Paths in the image, without a leading slash, of the files that describe it."""
    layer: str = ""
    """Digest of the uncompressed layer (``sha256:…``) that brought ``found_in[0]``."""
    found_by: str = ""
    """Name of the cataloguer; ``STATED`` where only an SBOM document in the image names it."""
    qualifiers: tuple[tuple[str, str], ...] = ()
    """Further purl qualifiers, such as ``epoch`` or ``modularitylabel``."""
    subpath: str = ""
    cpes: tuple[str, ...] = ()
    """CPE 2.3 guesses, best first."""
    digests: tuple[Digest, ...] = ()
    supplier: str = ""
    home: str = ""
    """The project's web page."""
    description: str = ""
    depends: tuple[str, ...] = ()
    """Names of packages that it requires, as the package database writes them; package URLs where a name is not enough."""
    files: tuple[str, ...] = ()
    """Paths that belong to it, without a leading slash."""
    owned_by: str = ""
    """Name of the distribution package that installed it; empty where none did."""
    is_dev: bool = False
    """Only needed to develop or test, according to the lock file."""
    linked: tuple[str, ...] | None = None
    """Import paths of the packages of a Go module that have code in the program; ``None`` where that is not known."""
    built_for: str = ""
    """System and architecture of the Go program, as GOOS and GOARCH name them: ``linux/amd64``, ``linux/``; empty where unknown."""


class Distro(Struct, frozen=True):
    """The distribution of an image (https://www.freedesktop.org/software/systemd/man/latest/os-release.html)."""

    id: str = ""
    version: str = ""
    """``VERSION_ID``; for Debian testing and sid the content of ``debian_version``."""
    codename: str = ""
    name: str = ""
    """``PRETTY_NAME``."""
    like: tuple[str, ...] = ()
    end_of_life: str = ""
    """``2026-06-10``; empty where unknown."""


class ImageFile(Struct, frozen=True):
    """A file, folder or step of the build that is worth a mention: set-uid, with a credential, left by a package manager, fetched by ADD."""

    path: str
    why: Literal["setuid", "setgid", "secret", "cache", "added"]
    detail: str = ""
    """For a secret its kind and line, never its value."""
    mode: int = 0
    layer: str = ""


class FileDigests(Struct, frozen=True):
    """The checksums of a file that describes a package, in hexadecimal."""

    path: str
    sha1: str
    sha256: str
    layer: str = ""


class Account(Struct, frozen=True, array_like=True):
    """A user that the image knows."""

    name: str
    number: int
    """As runtimes use it, so that one which is not a number is 0."""


class ImageConfig(Struct, frozen=True):
    """The part of an image's configuration that says how it runs. Values of environment variables are left out."""

    user: str = ""
    ports: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env_names: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    created: str = ""


class ImageIdentity(Struct, frozen=True):
    """What was catalogued."""

    name: str
    """As the user named it."""
    kind: Literal["image", "directory"] = "image"
    id: str = ""
    """Digest of the image configuration."""
    digest: str = ""
    """Digest of the manifest; empty for an archive without one."""
    repo_tags: tuple[str, ...] = ()
    platform: str = ""
    """``os/architecture[/variant]``."""
    layers: tuple[str, ...] = ()
    """Digests of the uncompressed layers, bottom first."""
    size_bytes: int = 0
    """Sum of the uncompressed layers."""


class Sbom(Struct, frozen=True):
    """The SBOM of one image or folder."""

    image: ImageIdentity
    packages: tuple[Package, ...]
    distro: Distro = Distro()
    config: ImageConfig = ImageConfig()
    files: tuple[ImageFile, ...] = ()
    unread: tuple[Unread, ...] = ()
    accounts: tuple[Account, ...] | None = None
    """Of ``etc/passwd``, empty where the image has none; ``None`` where that is not known."""
    digests: tuple[FileDigests, ...] = ()
    """Of the files in which packages were found, by path; empty where not asked for."""
    not_searched: tuple[int, int] = (0, 0)
    """Files that were not searched for credentials: for their size, and since packages fill their folders."""
    unlisted: tuple[tuple[str, str], ...] = ()
    """Sort and path of what does not say what packages are in it: ``Rust programs without a list of crates``."""
    created: str = ""
    """RFC 3339, in UTC."""
    seconds: float = 0.0
