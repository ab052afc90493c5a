"""Which proxy is between us and a host, by the variables that Go reads, and with it kubectl, Docker and kubelet
(https://pkg.go.dev/golang.org/x/net/http/httpproxy).
"""

from collections.abc import Mapping


def proxies_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The addresses for ``http`` and ``https``, and under ``no`` the hosts that are asked directly, with commas."""
    return {
        name: value
        for name in ("http", "https", "no")
        if (value := environ.get(f"{name}_proxy") or environ.get(f"{name.upper()}_PROXY", ""))
    }


def proxy_address(scheme: str, host: str, proxies: Mapping[str, str]) -> str:
    """As it is written, for ``host[:port]``; empty where the way is direct."""
    address = proxies.get(scheme, "")
    if not address or is_loopback(host):
        return ""
    rules = (one.strip() for one in proxies.get("no", "").split(","))
    if any(_is_direct(host, rule) for rule in rules if rule):
        return ""
    return address if "://" in address else f"http://{address}"


def is_loopback(host: str) -> bool:
    """Whether ``host[:port]`` is this very machine; ``127.example.com`` is a name as any other."""
    is_bare = host.count(":") > 1 and not host.startswith("[")
    name = host if is_bare or host.endswith("]") or ":" not in host else host.rpartition(":")[0]
    if name == "localhost":
        return True
    if not (is_bare or name.startswith(("127.", "["))):
        return False
    from ipaddress import ip_address  # slow to import, and few hosts are this machine

    try:
        return ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _is_direct(host: str, rule: str) -> bool:
    """Whether ``rule`` of ``NO_PROXY`` keeps the proxy out of the way to ``host[:port]``.

    A name with all below it, an address, a range of addresses, each but the range with or without a port.
    """
    from urllib.parse import urlsplit  # most scans ask no host

    name = urlsplit(f"//{host}").hostname or ""
    rule = rule.lower().removeprefix("*.").lstrip(".")
    if rule in ("*", name, host.lower()) or name.endswith(f".{rule}"):
        return True
    from ipaddress import ip_address, ip_network  # most rules are names

    try:
        return ip_address(name) in ip_network(rule, strict=False)
    except ValueError:
        return False
