"""Where credentials for registries come from, and what happens to a place that gives none."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from image_archives import layer
from leadline.errors import RegistryError
from leadline.packages.reference import read_reference
from leadline.sources.images.resolve import ImageOptions, open_image
from leadline.sources.registry.auth import credentials_for
from leadline.sources.registry.options import Credential, PullSecret, RegistryOptions, Trust, Wait, never
from registry_server import Server, serving

GOOD = 'echo \'{"Username": "ann", "Secret": "s3cret"}\''
BROKEN = {
    "fails": "echo s3cret-of-the-keychain >&2; exit 1",
    "says nothing": "exit 0",
    "says something else": "echo s3cret-of-the-keychain",
    "says no UTF-8": r'printf \'{"Username": "\\377", "Secret": ""}\'',
    "is killed": "kill -9 $$",
    "says what is refused": 'echo \'{"Username": "ann", "Secret": "s3cret-of-the-keychain"}\'',
}


def served() -> Server:
    server = Server(auth="basic", users={"ann": "s3cret"})
    server.tags["team/demo:1"] = str(server.blobs.image([layer({"a": b""})])["digest"])
    return server


def options(server: Server, folder: Path, **more: str) -> ImageOptions:
    environ = {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}:{os.environ['PATH']}", **more}
    return ImageOptions(registry=RegistryOptions(Trust(frozenset((server.host,))), environ=environ))


def helper(folder: Path, name: str, does: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\nread server\n{does}\n")
    path.chmod(0o755)


def encoded(pair: bytes) -> str:
    return base64.b64encode(pair).decode()


def write(path: Path, **content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("how", BROKEN)
def test_second_helper_is_asked_where_the_first_is_broken(tmp_path: Path, how: str) -> None:
    helper(tmp_path, "bad", BROKEN[how])
    helper(tmp_path, "good", GOOD)
    with serving(served()) as server:
        helpers = {f"{server.host}/team": "bad", server.host: "good"}
        write(tmp_path / "config.json", credHelpers=helpers)
        image = open_image(f"{server.host}/team/demo:1", options(server, tmp_path))
    assert image.identity.digest == server.tags["team/demo:1"]


def test_helper_of_the_next_file_is_asked_where_that_of_the_first_is_broken(tmp_path: Path) -> None:
    helper(tmp_path, "bad", BROKEN["fails"])
    helper(tmp_path, "good", GOOD)
    with serving(served()) as server:
        write(tmp_path / "config.json", credHelpers={server.host: "bad"})
        write(tmp_path / "containers" / "auth.json", credsStore="good")
        more = {"XDG_RUNTIME_DIR": str(tmp_path)}
        image = open_image(f"{server.host}/team/demo:1", options(server, tmp_path, **more))
    assert image.identity.digest == server.tags["team/demo:1"]


def test_every_broken_helper_is_named_and_nothing_that_it_said(tmp_path: Path) -> None:
    helper(tmp_path, "one", BROKEN["fails"])
    helper(tmp_path, "two", BROKEN["says something else"])
    (tmp_path / "docker-credential-three").write_text("not executable")
    with serving(served()) as server:
        helpers = {f"{server.host}/team/demo": "one", f"{server.host}/team": "two", server.host: "three"}
        write(tmp_path / "config.json", credHelpers=helpers, credsStore="../../bin/sh")
        with pytest.raises(RegistryError) as caught:
            open_image(f"{server.host}/team/demo:1", options(server, tmp_path))
    file = tmp_path / "config.json"
    assert str(caught.value) == (
        f"{server.host} does not let us read {server.host}/team/demo; log in with docker login {server.host}; credentials tried: "
        f"credential helper one of {file} (has nothing for {server.host}/team/demo), "
        f"credential helper two of {file} (answered something else than credentials), "
        f"credential helper three of {file} (did not answer), "
        f"{file} (names a credential helper by a path; use its plain name)"
    )


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (a_pipe, "is not a file"),
        (Path.mkdir, "Is a directory"),
        (lambda path: path.symlink_to(path), "Too many"),
    ],
)
def test_file_of_credentials_that_is_none_is_named(
    tmp_path: Path, put: Callable[[Path], None], why: str
) -> None:
    put(tmp_path / "config.json")
    with serving(served()) as server, pytest.raises(RegistryError) as caught:
        open_image(f"{server.host}/team/demo:1", options(server, tmp_path))
    assert f"credentials tried: {tmp_path}/config.json ({why}" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b'{"auths": {"\xff": {}}}', b"{" * 100_000, b'{"auths": [' + b"[" * 100_000]
)
def test_file_of_credentials_that_is_no_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with serving(served()) as server, pytest.raises(RegistryError) as caught:
        open_image(f"{server.host}/team/demo:1", options(server, tmp_path))
    assert f"credentials tried: {tmp_path}/config.json (is not in Docker's format)" in str(caught.value)


def test_file_of_credentials_that_was_named_and_is_not_there_is_told(tmp_path: Path) -> None:
    named = str(tmp_path / "gone.json")
    with serving(served()) as server, pytest.raises(RegistryError) as caught:
        open_image(f"{server.host}/team/demo:1", options(server, tmp_path, REGISTRY_AUTH_FILE=named))
    assert f"credentials tried: {named} (is not there)" in str(caught.value)


@pytest.mark.parametrize(
    "key", ["docker.io", "https://index.docker.io/v1/", "registry.hub.docker.com", "docker.io/library/demo"]
)
def test_docker_hub_has_several_names(key: str) -> None:
    reference = read_reference("demo:1")
    assert reference is not None
    secret = PullSecret("pull", json.dumps({"auths": {key: {"username": "ann"}}}).encode())
    assert list(credentials_for(reference, (secret,), {})) == [Credential("pull secret pull", "ann")]


def test_file_of_credentials_below_a_file_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with serving(served()) as server, pytest.raises(RegistryError, match="credentials tried: nothing"):
        open_image(f"{server.host}/team/demo:1", options(server, tmp_path / "file"))


HAND = Credential("by hand", "ann", "s3cret")


def scanned(server: Server, credential: Credential = HAND, wait: Wait = never, **more: object) -> None:
    trust = Trust(frozenset((server.host,)))
    registry = RegistryOptions(trust, credential, wait=wait, **more)  # type: ignore[arg-type]
    open_image(f"{server.host}/team/demo:1", ImageOptions(registry=registry))


def shown_to(server: Server) -> str:
    """All that a server got to see."""
    return "\n".join(f"{path} {headers.get('Authorization', '')}" for path, headers in server.requests)


def test_password_is_not_shown_to_a_host_that_the_registry_sends_us_on_to() -> None:
    with serving(Server()) as elsewhere, serving(served()) as server:
        asks = {"WWW-Authenticate": f'Bearer realm="http://{elsewhere.host}/token",service="x"'}
        elsewhere.answers = [(401, asks)] * 3
        server.auth = ""
        server.redirect_to = f"http://{elsewhere.host}"
        with pytest.raises(RegistryError) as caught:
            scanned(server)
    assert elsewhere.paths() == [f"/storage/{path.rpartition('/')[2]}" for path in server.paths()[1:]]
    assert "Basic" not in shown_to(elsewhere)
    assert str(caught.value) == (
        f"{server.host} sends its clients on to {elsewhere.host}, which wants credentials of its own; "
        "name that host in the image, if it is to be trusted"
    )


def test_refresh_token_does_not_follow_a_redirect_to_another_host() -> None:
    with serving(Server()) as elsewhere, serving(served()) as server:
        server.auth = "token"
        server.token_answers = [(307, {"Location": f"http://{elsewhere.host}/token"})]
        with pytest.raises(RegistryError) as caught:
            scanned(server, Credential("by hand", identity_token="refresh"))
    assert elsewhere.requests == []
    assert str(caught.value) == f"{server.host} wants what it is sent, a secret, to go to {elsewhere.host}"


def test_no_token_is_asked_for_where_clouds_keep_what_is_the_machines_alone() -> None:
    with serving(served()) as server:
        asks = {"WWW-Authenticate": 'Bearer realm="http://169.254.169.254/latest",service="x"'}
        server.answers = [(401, asks)] * 3
        with pytest.raises(RegistryError, match="where clouds keep"):
            scanned(server, Credential("by hand", "me", "hunter2"))


def test_token_with_the_end_of_its_line_is_shown_without_it() -> None:
    with serving(served()) as server:
        server.auth = "token"
        scanned(server, Credential("by hand", registry_token="good\n"))


@pytest.mark.parametrize("token", ["s3cret\r\nHost: evil", "s3cret s3cret", "s3cret\u2026", "s3cr\xe9t\0"])
def test_token_that_no_header_can_hold_is_told_by_its_place(token: str) -> None:
    with serving(served()) as server:
        server.auth = "token"
        with pytest.raises(RegistryError) as caught:
            scanned(server, Credential("by hand", registry_token=token))
    assert str(caught.value) == (
        f"{server.host} does not let us read {server.host}/team/demo; log in with docker login {server.host}; "
        "credentials tried: by hand (holds no token)" + ", anonymous (the token service says 401)"
    )


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (b'{"token": "s3cret\\nx"}', "holds no token"),
        (b"{}", "the token service gave no token"),
        (b'{"token": 5}', "the token service gave no token"),
        (b'{"token": "s3cr\xfft"}', "the token service gave no token"),
        (b'{"token": ' + b"[" * 100_000, "the token service gave no token"),
        (b"<html>s3cret</html>", "the token service gave no token"),
    ],
)
def test_answer_of_a_token_service_without_a_token_is_said_to_be_so(token: bytes, why: str) -> None:
    with serving(served()) as server:
        server.auth, server.token = "token", token
        with pytest.raises(RegistryError) as caught:
            scanned(server)
    assert str(caught.value) == (
        f"{server.host} does not let us read {server.host}/team/demo; log in with docker login {server.host}; "
        f"credentials tried: by hand ({why}), anonymous (the token service says 401)"
    )


def test_token_may_have_either_of_its_two_names() -> None:
    with serving(served()) as server:
        server.auth = "token"
        server.token = b'{"token": null, "access_token": "good"}'
        scanned(server)


def test_next_way_that_a_registry_offers_is_taken_where_one_gives_no_token() -> None:
    with serving(served()) as server:
        server.challenge = f'Bearer realm="http://{server.host}/token", Basic realm="x"'
        server.token_answers = [(403, {})]
        scanned(server)


def test_credential_that_fits_no_challenge_is_told() -> None:
    with serving(served()) as server:
        server.challenge = "Negotiate"
        with pytest.raises(
            RegistryError, match=r"credentials tried: by hand \(not what the registry asks for\)$"
        ):
            scanned(server)


def test_busy_token_service_is_asked_again_where_the_caller_wants() -> None:
    waits: list[tuple[int, float]] = []

    def wait(attempt: int, seconds: float) -> bool:
        waits.append((attempt, seconds))
        return attempt < 3

    with serving(served()) as server:
        server.auth = "token"
        server.token_answers = [(429, {"Retry-After": "7"}), (503, {})]
        scanned(server, wait=wait)
    assert waits == [(1, 7.0), (2, 0.0)]


@pytest.mark.parametrize("realm", ["https://[::1", "http://[::1", "http://\x1b[31mred/"])
def test_token_service_at_an_address_that_is_none_is_one_clear_error(realm: str) -> None:
    with serving(served()) as server:
        server.auth, server.realm = "token", realm
        with pytest.raises(RegistryError) as caught:
            scanned(server)
    why = "the address of the token service makes no sense"
    assert str(caught.value) == (
        f"{server.host} does not let us read {server.host}/team/demo; log in with docker login {server.host}; "
        f"credentials tried: by hand ({why}), anonymous ({why})"
    )


def test_password_that_is_no_utf_8_is_sent_byte_by_byte() -> None:
    with serving(served()) as server, pytest.raises(RegistryError, match="does not let us read"):
        scanned(server, Credential("by hand", "ann", "s3cr\udcffet"))
    assert encoded(b"ann:s3cr\xffet") in shown_to(server)
