"""A release in Debian's registry: what verifies it, and what is not pushed."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from image_archives import Blobs, layer, write_files
from registry_process import is_here, real_registry
from signing import new_key, pem

ROOT = Path(__file__).resolve().parents[2]
KEY = new_key()
needs_registry = pytest.mark.skipif(not is_here(), reason="there is no docker-registry")


def released(folder: Path) -> Path:
    """As release.py leaves it, with small images."""
    out = folder / "1.2.3"
    out.mkdir()
    for architecture in ("amd64", "arm64"):
        blobs = Blobs()
        entry = blobs.image([layer({"x": architecture.encode()})], architecture=architecture)
        files = write_files(folder / architecture, blobs.files([entry]))
        with tarfile.open(out / f"leadline-1.2.3-image-{architecture}.tar", "w") as archive:
            archive.add(files, ".")
        bom = '{"bomFormat":"CycloneDX","components":[]}'
        (out / f"leadline-1.2.3-image-{architecture}.cdx.json").write_text(bom)
    subprocess.run(
        ["helm", "package", str(ROOT / "deploy/chart"), "--version", "1.2.3", "--destination", str(out)],
        check=True,
        capture_output=True,
    )
    private = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    (folder / "key.pub").write_bytes(pem(KEY))
    return out


def publish(*words: str, password: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "deploy/publish.py"), *words]
    return subprocess.run(command, input=password, capture_output=True, text=True, check=False, timeout=120)


def leadline(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leadline.programs.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=ROOT / "src")


@needs_registry
def test_a_release_is_pushed_signed_and_verified_by_our_own_command(tmp_path: Path):
    folder = released(tmp_path)
    with real_registry(tmp_path, "writer", "secret") as registry:
        target = f"{registry.host}/team"
        account = ("--username", "writer", "--password-stdin", "--plain-http")
        run = publish(str(folder), target, "--key", str(tmp_path / "key.pem"), *account, password="secret\n")
        assert run.returncode == 0, run.stderr
        image = run.stdout.splitlines()[0].split()[1]
        assert image.startswith(f"{registry.host}/team/leadline@sha256:")
        helm = ["helm", "registry", "login", registry.host, "-u", "writer", "-p", "secret", "--plain-http"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        subprocess.run(helm, check=True, capture_output=True, env=environment)
        pull = [
            "helm",
            "pull",
            f"oci://{registry.host}/team/charts/leadline",
            "--version",
            "1.2.3",
            "--plain-http",
        ]
        done = subprocess.run(
            pull, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "leadline-1.2.3.tgz").read_bytes() == (folder / "leadline-1.2.3.tgz").read_bytes()
    with real_registry(tmp_path) as registry:
        # The same storage, open: what is signed there is read without an account.
        name = image.replace(image.partition("/")[0], registry.host)
        good = leadline("image", "verify", name, "--key", str(tmp_path / "key.pub"), "-f", "json")
        assert good.returncode == 0, good.stdout + good.stderr
        (found,) = json.loads(good.stdout)["images"]
        assert found["outcome"] == "trusted"
        for architecture in ("amd64", "arm64"):
            one = leadline(
                "image", "sbom", name, "--platform", f"linux/{architecture}", "-f", "cyclonedx-json"
            )
            assert one.returncode == 0, one.stderr
            tag = name.partition("@")[0] + f":1.2.3-{architecture}"
            signed = leadline("image", "verify", tag, "--key", str(tmp_path / "key.pub"))
            assert signed.returncode == 0, signed.stdout + signed.stderr
        (tmp_path / "other.pub").write_bytes(pem(new_key()))
        assert leadline("image", "verify", name, "--key", str(tmp_path / "other.pub")).returncode == 1


def test_what_cannot_be_published_is_one_line(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for words, said in (
        ((str(tmp_path), "127.0.0.1:1/team"), "give --key FILE"),
        ((str(tmp_path / "empty"), "127.0.0.1:1/team", "--unsigned"), "image and chart"),
        ((str(tmp_path), "127.0.0.1:1/team", "--key", str(tmp_path / "none")), "No such file"),
    ):
        run = publish(*words)
        assert run.returncode == 1
        assert run.stderr.count("\n") == 1
        assert said in run.stderr


def test_the_build_of_the_image_names_all_that_is_missing_in_one_line(tmp_path: Path):
    command = [sys.executable, str(ROOT / "deploy/images/build.py"), str(tmp_path / "x"), "--base", "debian"]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={"PATH": str(tmp_path)}
    )
    assert run.returncode == 1
    said = "build.py: not installed: buildah, strip, apt-get, dpkg-deb, chroot"
    assert run.stderr.startswith(said)
    assert run.stderr.count("\n") == 1


def test_a_damaged_release_is_said_in_one_line(tmp_path: Path):
    for name in ("leadline-1.2.3-image-amd64.tar", "leadline-1.2.3.tgz"):
        (tmp_path / name).write_text("half of it")
    run = publish(str(tmp_path), "registry.example/team", "--unsigned")
    assert run.returncode == 1
    assert run.stderr.startswith(
        f"publish.py: {tmp_path}/leadline-1.2.3-image-amd64.tar is not a tar archive"
    )
    assert run.stderr.count("\n") == 1
