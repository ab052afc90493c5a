"""Which proxy stands between us and a host, by the variables that Go reads, and with it Docker, containerd and kubelet
(https://pkg.go.dev/golang.org/x/net/http/httpproxy).
"""

from base64 import b64encode
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from msgspec import Struct

from leadline.errors import RegistryError
from leadline.sources.registry.options import Trust


class Proxy(Struct, frozen=True):
    host: str
    port: int
    headers: dict[str, str] = {}
    """What shows the proxy who asks."""

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_for(parts: SplitResult, trust: Trust) -> Proxy | None:
    """The one on the way to the host of ``parts``; ``None`` where the way is direct.

    Raises:
        RegistryError: what is set is no proxy that we can speak to.
    """
    address = trust.proxies.get(parts.scheme, "")
    host = parts.netloc.rpartition("@")[2]
    if not address or is_loopback(host):
        return None
    rules = (one.strip() for one in trust.proxies.get("no", "").split(","))
    if any(_is_direct(host, rule) for rule in rules if rule):
        return None
    try:
        proxy = urlsplit(address if "://" in address else f"http://{address}")
        name, port = proxy.hostname, proxy.port
    except ValueError:
        name, port = None, None
    # Its password must stand in no message.
    if not name:
        raise RegistryError("the proxy that is set is no address", hint="write it as http://HOST:PORT")
    if proxy.scheme != "http":
        raise RegistryError(
            f"the proxy {name} is to be spoken to by {proxy.scheme}", hint="only http:// proxies are"
        )
    return Proxy(name, port or 80, _headers(proxy))


def is_loopback(host: str) -> bool:
    """Whether ``host[:port]`` is this very machine."""
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    return name in ("localhost", "[::1]") or name.startswith("127.")


def _headers(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = b":".join(unquote_to_bytes(part or "") for part in (proxy.username, proxy.password))
    return {"Proxy-Authorization": f"Basic {b64encode(pair).decode()}"}


def _is_direct(host: str, rule: str) -> bool:
    """Whether ``rule`` of ``NO_PROXY`` keeps the proxy out of the way to ``host[:port]``.

    A name with all below it, an address, a range of addresses, each but the range with or without a port.
    """
    name = urlsplit(f"//{host}").hostname or ""
    rule = rule.lower().removeprefix("*.").lstrip(".")
    if rule in ("*", name, host.lower()) or name.endswith(f".{rule}"):
        return True
    try:
        return ip_address(name) in ip_network(rule, strict=False)
    except ValueError:
        return False
