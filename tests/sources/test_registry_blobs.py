"""Blobs from registries and proxies that do not send what they should."""

import socket
from http.server import BaseHTTPRequestHandler as Request

import pytest

from image_archives import digest, layer
from leadline.errors import RegistryError
from leadline.model.package import Package, Sbom
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.sbom_cache import make_sbom
from leadline.sources.images.resolve import ImageOptions, open_image
from leadline.sources.oci.layer import OpenedImage
from leadline.sources.registry import http as registry_http
from leadline.sources.registry.options import RegistryOptions, Trust
from registry_server import Server, serving

LAYER = layer({"a.list": b"one two\n"})
CONFIG_BYTES = 400
"""More than a configuration has, and less than the layer."""


@cataloguer("list", suffixes=(".list",))
def lists(file: File) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, "1")


def holding(server: Server) -> Server:
    server.tags["team/demo:1"] = str(server.blobs.image([LAYER], "plain")["digest"])
    return server


def opened(server: Server) -> OpenedImage:
    options = ImageOptions(registry=RegistryOptions(Trust(frozenset((server.host,)))))
    return open_image(f"{server.host}/team/demo:1", options)


def scan(server: Server) -> Sbom:
    with serving(holding(server)):
        return make_sbom(opened(server), lambda _: (lists,))


def names(sbom: Sbom) -> list[str]:
    return [package.name for package in sbom.packages]


def ranges(server: Server) -> list[str]:
    """Where each request for the layer began."""
    return [headers.get("Range", "") for path, headers in server.requests if path.endswith(digest(LAYER))]


def answer(request: Request, status: int, body: bytes, headers: dict[str, object]) -> None:
    request.send_response_only(status)
    for name, value in headers.items():
        request.send_header(name, str(value))
    request.end_headers()
    request.wfile.write(body)


def test_blob_that_is_all_there_needs_no_more_whatever_length_was_claimed() -> None:
    def longer(request: Request, blob: bytes, start: int) -> None:
        answer(request, 200, blob, {"Content-Length": len(blob) + 10})

    sbom = scan(server := Server(odd=longer))
    assert (names(sbom), sbom.unread, ranges(server)) == (["one", "two"], (), [""])


def test_blob_without_a_length_is_resumed_where_it_breaks_off() -> None:
    def cut(request: Request, blob: bytes, start: int) -> None:
        whole = len(blob) < CONFIG_BYTES or start >= 8000
        answer(request, 206 if start else 200, blob[start:] if whole else blob[start : start + 4000], {})

    sbom = scan(server := Server(odd=cut))
    assert (names(sbom), sbom.unread) == (["one", "two"], ())
    assert ranges(server) == ["", "bytes=4000-", "bytes=8000-"]


def test_chunks_that_break_off_are_resumed_behind_the_last_byte_that_came() -> None:
    def cut(request: Request, blob: bytes, start: int) -> None:
        piece = blob[start:] if start or len(blob) < CONFIG_BYTES else blob[:4000]
        claimed = len(piece) if start or len(blob) < CONFIG_BYTES else len(piece) + 1
        body = b"%x\r\n%s" % (claimed, piece) + (b"\r\n0\r\n\r\n" if claimed == len(piece) else b"")
        request.protocol_version = "HTTP/1.1"
        answer(request, 206 if start else 200, body, {"Transfer-Encoding": "chunked"})
        request.close_connection = True

    sbom = scan(server := Server(odd=cut))
    assert (names(sbom), sbom.unread, ranges(server)) == (["one", "two"], (), ["", "bytes=4000-"])


def test_part_that_begins_elsewhere_than_asked_is_put_where_it_says() -> None:
    def earlier(request: Request, blob: bytes, start: int) -> None:
        if not start and len(blob) > CONFIG_BYTES:
            answer(request, 200, blob[:4000], {"Content-Length": len(blob)})
            return
        begin = max(0, start - 3000)
        headers = {"Content-Range": f"bytes {begin}-{len(blob) - 1}/{len(blob)}"}
        answer(request, 206, blob[begin:], {**headers, "Content-Length": len(blob) - begin})

    sbom = scan(server := Server(odd=earlier))
    assert (names(sbom), sbom.unread, ranges(server)) == (["one", "two"], (), ["", "bytes=4000-"])


def test_part_that_leaves_a_gap_is_not_used() -> None:
    def later(request: Request, blob: bytes, start: int) -> None:
        if len(blob) < CONFIG_BYTES:
            answer(request, 200, blob, {})
        elif not start:
            answer(request, 200, blob[:4000], {"Content-Length": len(blob)})
        else:
            answer(request, 206, blob[start + 1 :], {"Content-Range": f"bytes {start + 1}-9/10"})

    with pytest.raises(
        RegistryError, match=r"closed the connection 6 times .* another part came than was asked for"
    ):
        scan(Server(odd=later))


def test_host_that_lets_bytes_trickle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_http, "PIECE_SECONDS", -1.0)

    def trickle(request: Request, blob: bytes, start: int) -> None:
        answer(request, 200, blob[:1], {"Content-Length": len(blob)})

    with pytest.raises(RegistryError, match="sends its answer too slowly"):
        scan(Server(odd=trickle))


def test_handshake_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_http, "HEAD_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = f"127.0.0.1:{silent.getsockname()[1]}/team/demo:1"
        with pytest.raises(
            RegistryError, match=r"^127\.0\.0\.1 timed out waiting for response headers; an image in a file"
        ):
            open_image(name, ImageOptions())


def test_head_that_goes_on_and_on_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def go_on(request: Request, blob: bytes, start: int) -> None:
        try:
            if len(blob) > CONFIG_BYTES:
                request.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000)
            answer(request, 200, blob, {})
        except OSError:
            pass  # cut off

    with serving(holding(Server(odd=go_on))) as server:
        image = opened(server)
        monkeypatch.setattr(registry_http, "HEAD_SECONDS", 0.0)
        with pytest.raises(RegistryError, match=f"^{server.host} timed out waiting for response headers$"):
            make_sbom(image, lambda _: (lists,))
