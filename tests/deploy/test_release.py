"""The release command, on repositories made of the files of this one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION = "9.8.7"
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")},
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_AUTHOR_DATE": "2027-01-31T10:00:00Z",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_COMMITTER_DATE": "2027-01-31T10:00:00Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
NO_IMAGE = ("--without", "image", "--without", "editors")
"""Neither image nor extension: the one takes minutes, and .ci/nightly editors packs the other."""


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


def repository(folder: Path) -> Path:
    """The work tree as it is, committed, ready to be released as ``VERSION``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "bench/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "src/leadline/version.py").write_text(f'"""Version."""\n\n__version__ = "{VERSION}"\n')
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## {VERSION} (2027-01-31)\n\n- All.\n")
    for fragment in (folder / "changelog.d").glob("[!R]*.md"):
        fragment.unlink()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")
    return folder


def release(folder: Path, *words: str) -> tuple[int, str, str]:
    command = [sys.executable, str(folder / "deploy/release.py"), *words]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same commit released twice, in two places."""
    found = []
    key = tmp_path_factory.mktemp("key") / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True)
    public = ["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(key.with_suffix(".pub"))]
    subprocess.run(public, check=True)
    for name in ("one", "another-place"):
        folder = repository(tmp_path_factory.mktemp(name))
        code, out, err = release(folder, VERSION, *NO_IMAGE, "--sign-key", str(key))
        assert (code, err) == (0, ""), err
        assert out.splitlines()[-3:-1] == [
            "left out: image, editors",
            f"written: {folder / 'dist' / VERSION}",
        ]
        assert out.splitlines()[-1].startswith(f"next: git tag -a v{VERSION} ")
        tags = subprocess.run(["git", "tag"], cwd=folder, capture_output=True, text=True, check=True)
        assert tags.stdout == ""
        found.append(folder / "dist" / VERSION)
    verify = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(key.with_suffix(".pub"))]
    sums = ["-in", "SHA256SUMS", "-sigfile", "SHA256SUMS.sig"]
    subprocess.run([*verify, *sums], cwd=found[0], check=True, stdout=subprocess.DEVNULL)
    return found[0], found[1]


@pytest.mark.slow
@pytest.mark.nightly("installs")
def test_the_same_commit_gives_the_same_bytes_anywhere(released):
    names = [sorted(path.name for path in folder.iterdir()) for folder in released]
    assert (
        names[0]
        == names[1]
        == sorted(
            [
                "SHA256SUMS",
                "SHA256SUMS.sig",
                f"leadline-{VERSION}-py3-none-any.whl",
                f"leadline-{VERSION}-docs.tar.gz",
                f"leadline-{VERSION}.cdx.json",
                f"leadline-{VERSION}.spdx.json",
                f"leadline-{VERSION}.tar.gz",
                f"leadline-{VERSION}.tgz",
                "requirements.txt",
            ]
        )
    )
    assert [
        name for name in names[0] if (released[0] / name).read_bytes() != (released[1] / name).read_bytes()
    ] == []
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=released[0], check=True)


@pytest.mark.slow
@pytest.mark.nightly("installs")
def test_the_chart_is_one_that_helm_reads_with_the_version_of_the_release(released):
    show = ["helm", "show", "chart", str(released[0] / f"leadline-{VERSION}.tgz")]
    shown = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    assert {f"version: {VERSION}", f"appVersion: {VERSION}"} <= set(shown.splitlines())


@pytest.mark.slow
@pytest.mark.nightly("installs")
def test_the_sbom_names_what_an_installation_brings(released):
    found = json.loads((released[0] / f"leadline-{VERSION}.cdx.json").read_text())["components"]
    versions = {one["name"].lower(): one["version"] for one in found}
    assert versions["leadline"] == VERSION
    lock = (ROOT / "requirements-cli.lock").read_text()
    assert f"msgspec=={versions['msgspec']} " in lock
    assert versions.keys() >= {"click", "cryptography", "helm-python-sdk", "orjson"}
    packages = json.loads((released[0] / f"leadline-{VERSION}.spdx.json").read_text())["packages"]
    assert versions.keys() <= {one["name"].lower() for one in packages}


@pytest.mark.slow
@pytest.mark.nightly("installs")
def test_the_requirements_install_it_by_hash_into_an_empty_environment(released, tmp_path):
    dist, home = released[0], tmp_path / "home"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, env=ENVIRONMENT)
    pip = [str(home / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run(
        [*pip, "--find-links", str(dist), "-r", str(dist / "requirements.txt")], check=True, env=ENVIRONMENT
    )
    leadline = [str(home / "bin/leadline")]
    version = subprocess.run(
        [*leadline, "--version"], check=True, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert VERSION in version.stdout
    shop = [*leadline, "scan", str(ROOT / "examples/shop"), "-f", "lines"]
    scan = subprocess.run(shop, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert scan.returncode == 0, scan.stderr
    assert "critical" in scan.stdout


@pytest.mark.slow
@pytest.mark.nightly("installs")
def test_the_source_archive_makes_the_same_wheel(released, tmp_path):
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
    ]
    moment = subprocess.run(
        ["git", "show", "-s", "--format=%ct"], cwd=released[0], check=True, capture_output=True, text=True
    )
    archive = str(released[0] / f"leadline-{VERSION}.tar.gz")
    subprocess.run(
        [*pip, archive], check=True, env=ENVIRONMENT | {"SOURCE_DATE_EPOCH": moment.stdout.strip()}
    )
    name = f"leadline-{VERSION}-py3-none-any.whl"
    assert (tmp_path / name).read_bytes() == (released[0] / name).read_bytes()


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    return repository(tmp_path / "ready")


def test_what_is_not_fit_is_refused_with_one_line_and_nothing_is_written(ready):
    def refused(text: str, version: str = VERSION, *words: str) -> None:
        code, out, err = release(ready, version, *words)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert text in err
        assert not (ready / "dist" / version).exists() or (version == VERSION and text.startswith("dist"))

    refused("9.8 is not a version", "9.8")
    refused("src/leadline/version.py says 9.8.7, not 9.9.0", "9.9.0")
    (ready / "README.md").write_text("changed\n")
    refused("the work tree differs from the last commit, in README.md")
    git(ready, "checkout", "-q", "README.md")
    (ready / "extra.py").write_text("x\n")
    refused("the work tree differs from the last commit, in extra.py")
    (ready / "extra.py").unlink()
    git(ready, "tag", f"v{VERSION}")
    refused(f"the tag v{VERSION} exists")
    git(ready, "tag", "-d", f"v{VERSION}")
    (ready / "CHANGELOG.md").write_text(f"# Changelog\n\n## {VERSION} (unreleased)\n")
    git(ready, "commit", "-qam", "x")
    refused("CHANGELOG.md has no heading '## 9.8.7 (YYYY-MM-DD)'")


def test_a_folder_that_is_there_is_not_written_over(ready):
    (ready / "dist" / VERSION).mkdir(parents=True)
    code, _, err = release(ready, VERSION)
    assert (code, "exists: delete it" in err) == (2, True)
