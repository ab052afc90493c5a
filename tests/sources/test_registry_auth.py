"""Where credentials for registries come from, and what happens to a place that gives none."""

import json
import os
from pathlib import Path

import pytest

from image_archives import layer
from leadline.errors import RegistryError
from leadline.sources.image_source import ImageOptions, open_image
from leadline.sources.registry_options import RegistryOptions, Trust
from registry_server import Server, serving

GOOD = 'echo \'{"Username": "ann", "Secret": "s3cret"}\''
BROKEN = {
    "fails": "echo s3cret-of-the-keychain >&2; exit 1",
    "says nothing": "exit 0",
    "says something else": "echo s3cret-of-the-keychain",
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
        f"{server.host} does not let us read {server.host}/team/demo; credentials tried: "
        f"credential helper one of {file} (has nothing for {server.host}/team/demo), "
        f"credential helper two of {file} (answered something else than credentials), "
        f"credential helper three of {file} (did not answer), "
        f"{file} (names a credential helper that is no plain name)"
    )
