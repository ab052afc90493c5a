"""Hosts that answer this machine alone: who does not work on it may not have it ask them."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from leadline.errors import RegistryError
from leadline.sources.proxies import is_loopback

_OF_CLOUDS = frozenset(
    map(
        ip_address,
        (
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:42::42",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
        ),
    )
)
"""Addresses at which clouds give a machine its credentials, also link-local ones (AWS, Google, Scaleway, Alibaba,
Oracle, Azure)."""
_CARRYING_IPV4 = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")))
"""Networks whose addresses lead to the IPv4 address in their last 32 bits (RFC 6052, 8215, 4291, 2765)."""


def refuse_own_services(address: str, host: str, sender: str = "") -> None:
    """Raises ``RegistryError`` where ``address``, that of ``host``, answers this machine alone.

    ``sender``: the registry that sends its clients there; one that is here itself may name what is. Empty where a manifest
    or a pod names the host.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return  # a name
    found = _led_to(found)
    is_here = found.is_loopback or found.is_unspecified
    if sender and urlsplit(f"//{sender}").hostname == urlsplit(f"//{host}").hostname:
        return
    if found.is_link_local or found in _OF_CLOUDS or (is_here and not (sender and is_loopback(sender))):
        what = (
            "where clouds keep what is this machine's alone"
            if not is_here
            else "which is this machine itself"
        )
        if sender:
            raise RegistryError(
                f"a registry sends its clients on to {host}, {what}",
                hint="name that host in the image, if it is to be trusted",
            )
        raise RegistryError(
            f"the image is said to be at {host}, {what}, and no flag names that host",
            hint=f"to ask it all the same, say --mirror {host}={host}",
        )


def _led_to(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one carries, which a gateway or the kernel takes for it; else itself."""
    if isinstance(address, IPv4Address) or address.is_loopback or address.is_unspecified:
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if inner is None and any(address in network for network in _CARRYING_IPV4):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
