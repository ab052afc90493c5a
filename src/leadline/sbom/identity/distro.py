"""Which distribution an image is, and until when that is looked after.

Reads ``os-release`` (https://www.freedesktop.org/software/systemd/man/latest/os-release.html) and, where
there is none, the files that came before it. An image without any of them has the empty ``Distro``.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from leadline.model.package import Distro, Package
from leadline.packages.late_pattern import late_pattern

if TYPE_CHECKING:
    from leadline.sbom.cataloguer import Tree

OS_RELEASE = ("etc/os-release", "usr/lib/os-release", "etc/initrd-release")
RED_HAT_RELEASE = ("etc/centos-release", "etc/redhat-release", "etc/system-release")
DISTRO_PATHS = (*OS_RELEASE, "etc/debian_version", "etc/alpine-release", "etc/lsb-release", *RED_HAT_RELEASE)
"""What the walk has to keep for ``read_distro``."""

LONGEST = 1 << 16
"""Bytes of a release file that are looked at; real ones have a few hundred."""

_RED_HAT_IDS = (
    ("red hat enterprise", "rhel"),
    ("centos", "centos"),
    ("rocky", "rocky"),
    ("almalinux", "almalinux"),
    ("oracle", "ol"),
    ("fedora", "fedora"),
    ("amazon", "amzn"),
)
LONGEST_VALUE = 256

_SAME_END = {"sled": "sles", "sles_sap": "sles"}
"""Ids whose releases end with those of another."""
_ROLLING = frozenset(
    (
        "arch",
        "chainguard",
        "endeavouros",
        "gentoo",
        "kali",
        "manjaro",
        "minimos",
        "opensuse-tumbleweed",
        "solus",
        "void",
        "wolfi",
    )
)
_RED_HAT = late_pattern(r"(?P<name>.+?)\s+release\s+(?P<version>\d[\d.]*)(?:\s*\((?P<codename>[^)]*)\))?")
_CODENAME = late_pattern(r"\((?P<codename>[a-z]+)\)", re.IGNORECASE)


def read_distro(tree: "Tree") -> Distro:
    """The distribution of ``tree``; the empty ``Distro`` where nothing says."""
    for candidates in (_os_release, _debian, _alpine, _lsb_release, _red_hat):
        distro = candidates(tree)
        if distro is not None:
            return replace(distro, end_of_life=end_of_life(distro))
    return Distro()


def distro_of_programs(packages: Iterable[Package]) -> Distro:
    """The distribution where no file says: an image of BusyBox and little else is named by that program."""
    for package in packages:
        if (package.type, package.name) == ("generic", "busybox"):
            return Distro(id="busybox", version=package.version, name=f"BusyBox v{package.version}")
    return Distro()


def end_of_life(distro: Distro) -> str:
    """The last day of free security updates, ``2026-06-30``; empty where unknown or without such a day."""
    name = _SAME_END.get(distro.id, distro.id)
    if is_rolling(distro):
        return ""
    if name == "centos" and "stream" in distro.name.lower():
        name = "centos-stream"
    releases = _end_of_life_dates().get(name, {})
    version = distro.version
    while version:
        if version in releases:
            return releases[version]
        version = version.rpartition(".")[0]
    return ""


def is_rolling(distro: Distro) -> bool:
    """Whether it has no releases that could end: what is current is maintained, and nothing else."""
    return distro.id in _ROLLING or distro.version.endswith("/sid") or "_alpha" in distro.version


def distro_qualifiers(distro: Distro) -> tuple[tuple[str, str], ...]:
    """The ``distro`` qualifier of a purl: ``debian-12``, ``alpine-3.18.4``; nothing without a distribution."""
    if not distro.id:
        return ()
    return (("distro", f"{distro.id}-{distro.version}" if distro.version else distro.id),)


@lru_cache(maxsize=1)
def _end_of_life_dates() -> dict[str, dict[str, str]]:
    """Date by release by distribution id. The file has tables of dates and nothing else: ``tomllib`` compiles patterns first."""
    found: dict[str, dict[str, str]] = {}
    for line in Path(__file__).with_name("end_of_life.toml").read_text("utf-8").splitlines():
        if line.startswith("["):
            releases = found[line.strip('[]"')] = {}
        elif line and not line.startswith("#"):
            version, _, date = line.partition(" = ")
            releases[version.strip('"')] = date
    return found


def _text(tree: "Tree", path: str) -> str:
    file = tree.get(path)
    return "" if file is None else file.data[:LONGEST].decode("utf-8", "replace").removeprefix("\ufeff")


def _first_line(tree: "Tree", path: str) -> str:
    return _text(tree, path)[:100].strip().partition("\n")[0].strip()


def _os_release(tree: "Tree") -> Distro | None:
    for path in OS_RELEASE:
        fields = dict(_assignments(_text(tree, path)))
        distro_id = (fields.get("ID", "").strip() or fields.get("NAME", "").strip().partition(" ")[0]).lower()
        if distro_id:
            break
    else:
        return None
    codename = fields.get("VERSION_CODENAME", "")
    if not codename and (match := _CODENAME.search(fields.get("VERSION", ""))):
        codename = match["codename"].lower()
    version = fields.get("VERSION_ID", "")
    if not version and distro_id == "debian":
        version = _first_line(tree, "etc/debian_version")
    return Distro(
        id=distro_id,
        version=version or fields.get("BUILD_ID", ""),
        codename=codename,
        name=fields.get("PRETTY_NAME") or fields.get("NAME", ""),
        like=tuple(fields.get("ID_LIKE", "").split()),
    )


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """``KEY=value`` lines, quotes and backslashes of the shell taken away."""
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals or key.startswith("#"):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        yield key.strip(), re.sub(r"\\([\\\"'$`])", r"\1", value[:LONGEST_VALUE])


def _debian(tree: "Tree") -> Distro | None:
    version = _first_line(tree, "etc/debian_version")
    if not version:
        return None
    if version[0].isdigit():
        return Distro(id="debian", version=version.partition(".")[0], name=f"Debian {version}")
    return Distro(id="debian", version=version, codename=version.partition("/")[0], name=f"Debian {version}")


def _alpine(tree: "Tree") -> Distro | None:
    version = _first_line(tree, "etc/alpine-release")
    return Distro(id="alpine", version=version, name=f"Alpine Linux {version}") if version else None


def _lsb_release(tree: "Tree") -> Distro | None:
    fields = dict(_assignments(_text(tree, "etc/lsb-release")))
    if "DISTRIB_ID" not in fields:
        return None
    return Distro(
        id=fields["DISTRIB_ID"].lower(),
        version=fields.get("DISTRIB_RELEASE", ""),
        codename=fields.get("DISTRIB_CODENAME", ""),
        name=fields.get("DISTRIB_DESCRIPTION", ""),
    )


def _red_hat(tree: "Tree") -> Distro | None:
    """``CentOS release 6.10 (Final)`` and its kin."""
    for path in RED_HAT_RELEASE:
        text = _first_line(tree, path)
        match = _RED_HAT.match(text)
        if match is None:
            continue
        name = match["name"].lower()
        for words, distro_id in _RED_HAT_IDS:
            if words in name:
                return Distro(id=distro_id, version=match["version"].strip("."), name=text)
    return None
