"""``docker leadline IMAGE``: what Docker asks a plugin, what words mean, and a real docker where one is installed."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from image_archives import docker_archive, layer
from leadline.programs.cli import docker_plugin

pytestmark = pytest.mark.usefixtures("own_image_place")


@pytest.fixture
def plugin(monkeypatch, capfd):
    def run(*words: str):
        monkeypatch.setattr("sys.argv", ["docker-leadline", *words])
        monkeypatch.setattr(docker_plugin, "run", lambda: print(json.dumps(sys.argv[1:])) or 0)
        code = docker_plugin.main()
        out, err = capfd.readouterr()
        return code, out, err

    return run


def test_it_says_who_it_is_as_docker_asks(plugin):
    code, out, _ = plugin("docker-cli-plugin-metadata")
    assert (code, json.loads(out)["SchemaVersion"]) == (0, "0.1.0")


@pytest.mark.parametrize(
    ("words", "means"),
    [
        (["leadline", "web.tar", "-v"], ["scan", "image", "web.tar", "-v"]),
        (["leadline", "registry:nginx"], ["scan", "image", "registry:nginx"]),
        (["leadline", "docker:nginx"], ["scan", "image", "docker:nginx"]),
        (["leadline", "db", "status"], ["db", "status"]),
        (["leadline"], []),
        (["leadline", "--help"], ["--help"]),
        (["leadline", "help", "scan"], ["help", "scan"]),
    ],
)
def test_a_first_word_that_is_not_a_command_is_an_image(plugin, tmp_path, words, means):
    docker_archive(tmp_path / "web.tar", [layer({"x": b"x"})])
    code, out, err = plugin(*words)
    assert (code, json.loads(out)) == (0, means), err


def test_flags_of_docker_itself_and_a_daemon_elsewhere_are_refused(plugin, monkeypatch):
    code, _, err = plugin("--context", "far", "leadline", "nginx")
    assert (code, "set DOCKER_HOST" in err) == (2, True)
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
    code, _, err = plugin("leadline", "nginx")
    assert (code, "only sockets on this machine are" in err) == (2, True)


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_docker_finds_and_runs_it(tmp_path, monkeypatch):
    docker_archive(tmp_path / "web.tar", [layer({"etc/os-release": b"ID=debian\nVERSION_ID=12\n"})])
    program = tmp_path / "dh" / "cli-plugins" / "docker-leadline"
    program.parent.mkdir(parents=True)
    start = "from leadline.programs.cli.docker_plugin import main; raise SystemExit(main())"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "DOCKER_CONFIG": str(tmp_path / "dh"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        ["docker", "leadline", "web.tar", "--offline"],
        env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("web.tar   debian 12")
