"""Releases of distributions: code names, and how OSV and CPE write them."""

import re
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from leadline.packages.root_io import CHANNEL

DEBIAN = {
    "etch": "4",
    "lenny": "5",
    "squeeze": "6",
    "wheezy": "7",
    "jessie": "8",
    "stretch": "9",
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
    "duke": "15",
    "sid": "sid",
}
"""https://wiki.debian.org/DebianReleases"""

UBUNTU = {
    "precise": "12.04",
    "quantal": "12.10",
    "raring": "13.04",
    "saucy": "13.10",
    "trusty": "14.04",
    "utopic": "14.10",
    "vivid": "15.04",
    "wily": "15.10",
    "xenial": "16.04",
    "yakkety": "16.10",
    "zesty": "17.04",
    "artful": "17.10",
    "bionic": "18.04",
    "cosmic": "18.10",
    "disco": "19.04",
    "eoan": "19.10",
    "focal": "20.04",
    "groovy": "20.10",
    "hirsute": "21.04",
    "impish": "21.10",
    "jammy": "22.04",
    "kinetic": "22.10",
    "lunar": "23.04",
    "mantic": "23.10",
    "noble": "24.04",
    "oracular": "24.10",
    "plucky": "25.04",
    "questing": "25.10",
    "resolute": "26.04",
}
"""https://wiki.ubuntu.com/Releases"""

_NUMBER = re.compile(r"\d[\w.]*")
_SUSE = re.compile(
    r"(?:SUSE )?(?:Linux Enterprise (?P<what>.*?)|SLE[DS]?) (?P<major>\d{1,2})(?:[ .-]SP(?P<pack>\d))?(?P<rest>.*)"
)
_MICRO = re.compile(r"(?:SUSE )?Linux (?:Enterprise )?Micro (\d+\.\d+)")
_LEAP = re.compile(r"(?:openSUSE )?Leap (?:Micro )?(\d+\.\d+)")
_RED_HAT_STREAMS = {
    "rhel_eus": "eus",
    "rhel_aus": "aus",
    "rhel_tus": "tus",
    "rhel_e4s": "e4s",
    "rhel_els": "els",
    "rhel_eus_long_life": "eus",
    "rhel_mission_critical": "aus",
}
_DIST = re.compile(r"el(\d+)(?:_(\d+))?")


class Release(Struct, frozen=True):
    """Where packages come from: one release of a distribution, and which of its streams of updates."""

    ecosystem: str
    number: str = ""
    channel: str = ""


@lru_cache(1024)
def osv_release(written: str, purl: str = "") -> Release:
    """An ecosystem as OSV writes it, ``Debian:12``, ``Ubuntu:Pro:FIPS:20.04:LTS``; ``purl`` may know the channel."""
    base, _, rest = written.strip().partition(":")
    if base == "Root" and rest:
        return replace(osv_release(rest), channel=CHANNEL)
    if base == "Ubuntu":
        return _ubuntu_release(rest, purl)
    if base == "Red Hat":
        return red_hat_release(f"cpe:/o:redhat:{rest}") or Release(base)
    if base in ("SUSE", "openSUSE"):
        return suse_release(f"openSUSE {rest}" if base == "openSUSE" else f"SUSE {rest}") or Release(
            base, rest
        )
    if base.lower() == "kubernetes":
        return Release("Kubernetes")
    if base == "Alpine":
        return Release(base, rest.removeprefix("v"))
    if base == "Photon OS":
        return Release(base, rest)
    if base == "Azure Linux":
        return Release(base, f"{rest}.0" if rest.isdigit() else rest)
    return Release(base, rest)


def _ubuntu_release(rest: str, purl: str) -> Release:
    parts = [part for part in rest.split(":") if part != "LTS"]
    number = next((part for part in parts if _NUMBER.fullmatch(part)), "")
    words = [part.lower() for part in parts if part != number]
    channel = ubuntu_distro(purl.partition("distro=")[2].partition("&")[0]).channel if purl else ""
    if not channel and words:
        channel = "esm" if words == ["pro"] else "-".join(words).removeprefix("pro-")
    return Release("Ubuntu", number, channel)


def ubuntu_distro(written: str) -> Release:
    """``jammy``, ``esm-infra/xenial``, ``trusty/esm``, ``fips-updates/jammy`` of a purl's ``distro``."""
    parts = written.replace("%2F", "/").split("/")
    code_name = next((part for part in parts if part in UBUNTU), "")
    channel = "-".join(part for part in parts if part and part != code_name)
    return Release("Ubuntu", UBUNTU.get(code_name, ""), channel)


def red_hat_release(cpe: str) -> Release | None:
    """The release and stream of a product, ``cpe:/o:redhat:enterprise_linux:9::baseos``; ``None`` where it is not RHEL.

    Products on top of RHEL (``cpe:/a:redhat:openshift:4.14::el9``) are channels of it.
    """
    parts = cpe.removeprefix("cpe:2.3:").removeprefix("cpe:/").split(":")
    if len(parts) < 4 or parts[1] != "redhat":
        return None
    product, number = parts[2], parts[3].strip("*")
    edition = next((part for part in parts[4:] if part), "")
    if product == "enterprise_linux":
        return Release("Red Hat", number.partition(".")[0]) if number else None
    if product in _RED_HAT_STREAMS:
        return Release("Red Hat", number, _RED_HAT_STREAMS[product])
    dist = _DIST.search(edition)
    return Release("Red Hat", dist[1], f"{product}:{number}" if number else product) if dist else None


def suse_release(written: str) -> Release | None:
    """A product's name, ``SUSE Linux Enterprise Module for Basesystem 15 SP5``; ``None`` where it is none of SUSE's systems."""
    if leap := _LEAP.search(written):
        return Release("openSUSE", leap[1])
    if micro := _MICRO.search(written):
        return Release("SUSE", f"Micro {micro[1]}")
    if "Tumbleweed" in written:
        return Release("openSUSE", "Tumbleweed")
    found = _SUSE.match(written)
    if found is None:
        return None
    number = f"{found['major']}.{found['pack']}" if found["pack"] else found["major"]
    rest = (found["rest"] or "").strip(" -:").lower()
    return Release("SUSE", number, rest.replace(" ", "-"))
