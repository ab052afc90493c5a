"""Registries behind a proxy."""

import base64
from urllib.parse import urlsplit

import pytest

from image_archives import layer
from leadline.errors import RegistryError
from leadline.sources.images.resolve import ImageOptions, open_image
from leadline.sources.proxies import is_loopback
from leadline.sources.registry.http import proxy_for
from leadline.sources.registry.options import RegistryOptions, Trust
from registry_server import Server, serving

HOST = "r.example:5000"


def served() -> Server:
    server = Server()
    server.tags["team/demo:1"] = str(server.blobs.image([layer({"a": b""})])["digest"])
    return server


def opened(host: str, **proxies: str) -> None:
    options = ImageOptions(registry=RegistryOptions(Trust(frozenset((host,)), proxies=proxies)))
    open_image(f"{host}/team/demo:1", options).close()


def test_registry_without_tls_is_asked_for_by_its_whole_address() -> None:
    with serving(served()) as server:
        opened(HOST, http=f"http://me:p%40%3Ass@{server.host}")
    shown = "Basic " + base64.b64encode(b"me:p@:ss").decode()
    assert server.paths()[0] == f"http://{HOST}/v2/team/demo/manifests/1"
    assert {headers["Proxy-Authorization"] for _, headers in server.requests} == {shown}


def test_registry_with_tls_is_reached_through_a_tunnel() -> None:
    with serving(served()) as server:
        options = ImageOptions(registry=RegistryOptions(Trust(proxies={"https": server.host})))
        why = f"^cannot reach {HOST} by way of the proxy {server.host}: tunnel connection failed: 501"
        with pytest.raises(RegistryError, match=why):
            open_image(f"{HOST}/team/demo:1", options)


def test_registry_on_this_machine_is_asked_directly() -> None:
    with serving(served()) as server:
        opened(server.host, http="http://127.0.0.1:9")
    assert server.paths()[0] == "/v2/team/demo/manifests/1"


def test_proxy_that_wants_a_name_is_told_and_shows_no_password() -> None:
    with serving(Server(answers=[(407, {})])) as server, pytest.raises(RegistryError) as caught:
        opened(HOST, http=f"http://me:s3cret@{server.host}")
    assert str(caught.value) == (
        f"the proxy {server.host} wants to know who asks; name it as http://NAME:PASSWORD@HOST:PORT"
    )


def test_proxy_that_cannot_be_reached_is_named_without_its_password() -> None:
    with pytest.raises(RegistryError) as caught:
        opened(HOST, http="http://me:s3cret@127.0.0.1:9")
    assert caught.value.args[0] == f"cannot reach {HOST} by way of the proxy 127.0.0.1:9: connection refused"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://me:s3cret@[::1", "invalid proxy URL; use http://HOST:PORT; write it as http://HOST:PORT"),
        (
            "http://me:s3cret@p.example:99999",
            "invalid proxy URL; use http://HOST:PORT; write it as http://HOST:PORT",
        ),
        ("http://", "invalid proxy URL; use http://HOST:PORT; write it as http://HOST:PORT"),
        (
            "https://me:s3cret@p.example",
            "the proxy p.example is to be spoken to by https; only http:// proxies are",
        ),
        (
            "socks5://p.example:1",
            "the proxy p.example is to be spoken to by socks5; only http:// proxies are",
        ),
    ],
)
def test_what_is_no_proxy_that_we_know_is_refused(address: str, why: str) -> None:
    with pytest.raises(RegistryError) as caught:
        opened(HOST, http=address)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("host", "rule", "is_direct"),
    [
        ("r.example", "r.example", True),
        ("r.example:5000", "r.example", True),
        ("r.example:5000", "r.example:5000", True),
        ("r.example:5000", "r.example:1", False),
        ("r.example", "example", True),
        ("r.example", ".example", True),
        ("r.example", "*.example", True),
        ("rexample", "example", False),
        ("R.example", "r.EXAMPLE", True),
        ("10.1.2.3:5000", "10.0.0.0/8", True),
        ("10.1.2.3", "other.example, 10.1.2.3", True),
        ("10.1.2.3", " 11.0.0.0/8,10.1.2.3/32", True),
        ("10.1.2.3", "0.1.2.3", False),
        ("10.1.2.3", "10.0.0.0/33", False),
        ("[fd00::1]:5000", "fd00::/8", True),
        ("r.example", "*", True),
        ("r.example", "[", False),
        ("r.example", "", False),
        ("127.3.2.1:5000", "", True),
        ("localhost", "", True),
        ("[::1]:5000", "", True),
    ],
)
def test_rule_keeps_the_proxy_out_of_the_way(host: str, rule: str, is_direct: bool) -> None:
    trust = Trust(proxies={"https": "p.example", "no": rule})
    proxy = proxy_for(urlsplit(f"https://{host}/v2/"), trust)
    assert (proxy is None) == is_direct
    assert proxy is None or proxy.name == "p.example:80"


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        *((one, True) for one in ("localhost", "localhost:5000", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:5000", "::1", "0:0:0:0:0:0:0:1")),
        *((one, False) for one in ("127.evil.example", "127.0.0.1.evil.example:5000", "127.example:80", "localhost.example", "[::2]:80", "10.0.0.1", "[127.0", ":", "")),
    ],
)  # fmt: skip
def test_only_addresses_of_loopback_are_this_machine(host: str, is_here: bool) -> None:
    assert is_loopback(host) is is_here
