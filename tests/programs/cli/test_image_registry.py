"""``leadline image`` against a registry, as far as the words typed decide how it is spoken to."""

import io

import pytest

from image_archives import Blobs, layer
from registry_server import Server, serving

pytestmark = pytest.mark.usefixtures("own_image_place")

LAYER = layer({"srv/node_modules/ms/package.json": b'{"name": "ms", "version": "2.0.0"}'})


def served(**settings: object) -> Server:
    server = Server(blobs=Blobs(), **settings)  # type: ignore[arg-type]
    server.tags["shop/web:1"] = str(server.blobs.image([LAYER])["digest"])
    return server


class Pipe(io.StringIO):
    """Counts how often somebody reads it; there is nothing more after the first time."""

    reads = 0

    def read(self, size: int | None = -1, /) -> str:
        self.reads += 1
        return super().read(size)


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_a_password_out_of_a_pipe_is_still_there_when_tls_turns_out_to_be_missing(run, monkeypatch, auth):
    pipe = Pipe("s3cret\n")
    monkeypatch.setattr("sys.stdin", pipe)
    with serving(served(auth=auth, users={"ann": "s3cret"})) as server:
        # Leads to this machine, and is not a loopback address, which would go without TLS at once.
        host = server.host.replace("127.0.0.1", "0.0.0.0")
        server.realm = f"http://{host}/token"
        words = ("--insecure", "--username", "ann", "--password-stdin")
        code, out, err = run("image", "sbom", f"{host}/shop/web:1", *words)
    assert (code, err, pipe.reads) == (0, "", 1)
    assert "ms 2.0.0" in out
    assert all(
        not path.startswith("/v2/") or "Authorization" in headers for path, headers in server.requests[1:]
    )
