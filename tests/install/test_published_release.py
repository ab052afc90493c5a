"""What release.py builds of this commit is published to a registry, verified, and installed from there by its digest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from installation import ROOT, SUMMARIES, Installation, failed_controls
from leadline_image import MAX_BUILD_S
from outside import Outside
from service_cluster import ServiceCluster
from workloads import privileged

pytestmark = [pytest.mark.cluster, pytest.mark.nightly("installs")]
VERSION = "0.0.1"


def run(*words: object, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False, timeout=2 * MAX_BUILD_S,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release of the last commit; the site and the extension of VS Code, which nothing here needs, are left out."""
    folder = tmp_path_factory.mktemp("release") / "leadline"
    run("git", "clone", "--quiet", ROOT, folder)
    (folder / "src/leadline/version.py").write_text(f'"""The version."""\n\n__version__ = "{VERSION}"\n')
    run(sys.executable, "changelog.py", VERSION, "2027-01-31", cwd=folder)
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    run("git", *who, "commit", "--quiet", "--all", "-m", "Release", cwd=folder)
    left_out = ("--without", "docs", "--without", "editors")
    run(sys.executable, "deploy/release.py", VERSION, "--image-base", "debian", *left_out, cwd=folder)
    return folder / "dist" / VERSION


def test_a_release_is_installed_from_a_registry_by_its_digest(
    services: ServiceCluster, outside: Outside, release: Path, installation: Installation, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = tmp_path / "cosign.pem", tmp_path / "cosign.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    host = outside.registry.host
    publish = (sys.executable, "deploy/publish.py", release, f"{host}/team", "--key", private, "--plain-http")
    image = run(*publish).split()[1]
    verify = ("-m", "leadline.programs.cli.main", "image", "verify", image, "--key", public, "--insecure")
    run(sys.executable, *verify, cwd=ROOT / "src")
    repository, digest = image.split("@")
    installation.install(
        f"image.repository={repository}",
        f"image.digest={digest}",
        "image.pullPolicy=IfNotPresent",
        "persistence.enabled=false",
        chart=f"oci://{host}/team/charts/leadline",
        more=("--plain-http", "--version", VERSION),
    )
    containers = [one for pod in installation.pods() for one in pod["spec"]["containers"]]
    assert {one["image"] for one in containers} == {image}
    services.apply(privileged("shop", "web"))
    installation.settled(
        SUMMARIES, "shop", lambda found: "C-0057" in failed_controls(found.get("deployment-web"))
    )
