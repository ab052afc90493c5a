"""The proxy on the way to a registry, and what it is shown."""

from base64 import b64encode
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from msgspec import Struct

from leadline.errors import RegistryError
from leadline.sources.proxies import proxy_address
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
        RegistryError: what is set is not a proxy that we can speak to.
    """
    address = proxy_address(parts.scheme, parts.netloc.rpartition("@")[2], trust.proxies)
    if not address:
        return None
    try:
        proxy = urlsplit(address)
        name, port = proxy.hostname, proxy.port
    except ValueError:
        name, port = None, None
    # Its password must be in no message.
    if not name:
        raise RegistryError("invalid proxy URL; use http://HOST:PORT", hint="write it as http://HOST:PORT")
    if proxy.scheme != "http":
        raise RegistryError(
            f"the proxy {name} is to be spoken to by {proxy.scheme}", hint="only http:// proxies are"
        )
    return Proxy(name, port or 80, _headers(proxy))


def _headers(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = b":".join(unquote_to_bytes(part or "") for part in (proxy.username, proxy.password))
    return {"Proxy-Authorization": f"Basic {b64encode(pair).decode()}"}
