"""What package managers left in layers, and what ADD fetched, judged by the image as the Dockerfile would be."""

import json
from pathlib import Path

import pytest

from image_archives import docker_archive, layer
from leadline.model.image_report import ImageReport
from leadline.sbom.identity.config import read_config
from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions

PACKAGES = "var/lib/apt/lists/deb.example_dists_trixie_main_binary-amd64_Packages"


def scanned(folder: Path, *layers: dict[str, bytes]) -> ImageReport:
    docker_archive(folder / "i.tar", [layer(one) for one in layers])
    return image_scan(str(folder / "i.tar"), ImageOptions())


def caches(folder: Path, *layers: dict[str, bytes]) -> list[tuple[str, str, str]]:
    findings = scanned(folder, *layers).findings
    return [(one.control, one.where, one.detail) for one in findings if one.title.startswith("Package cache")]


def test_what_apt_fetched_is_a_finding_with_its_layer(tmp_path: Path):
    assert caches(tmp_path, {"a": b"x"}, {PACKAGES: b"x", f"{PACKAGES}.lz4": b"x"}) == [
        ("L-0111", "var/lib/apt/lists", "2 files that apt fetched")
    ]


def test_what_a_later_layer_removes_is_in_its_layer_all_the_same(tmp_path: Path):
    assert caches(tmp_path, {PACKAGES: b"x"}, {"var/lib/apt/lists/.wh..wh..opq": b""}) == [
        ("L-0111", "var/lib/apt/lists", "1 file that apt fetched")
    ]


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/apt/lists/lock",
        "var/lib/apt/lists/partial/x",
        "var/cache/dnf/last_makecache",
        "var/cache/apt/pkgcache.bin",
        "srv/var/lib/apt/lists/a_Packages",
        "root/.cache/other/x",
    ],
)
def test_settings_and_locks_are_no_cache(tmp_path: Path, path: str):
    assert caches(tmp_path, {path: b"x"}) == []


@pytest.mark.parametrize(
    ("path", "manager"),
    [
        ("var/cache/apt/archives/curl_8_amd64.deb", "apt"),
        ("var/cache/apk/APKINDEX.1a2b.tar.gz", "apk"),
        ("var/cache/dnf/base-1/repodata/primary.xml.gz", "dnf"),
        ("var/cache/zypp/packages/x.rpm", "zypper"),
        ("root/.cache/pip/http/a/b", "pip"),
        ("home/app/.cache/pip/http/a/b", "pip"),
    ],
)
def test_every_package_manager_has_its_folder(tmp_path: Path, path: str, manager: str):
    ((control, _, detail),) = caches(tmp_path, {path: b"x"})
    assert (control, detail) == ("L-0111", f"1 file that {manager} fetched")


def test_the_folder_of_a_machine_is_not_judged(tmp_path: Path):
    (tmp_path / "root" / "var/lib/apt/lists").mkdir(parents=True)
    (tmp_path / "root" / PACKAGES).write_bytes(b"x")
    assert image_scan(f"dir:{tmp_path / 'root'}", ImageOptions()).findings == ()


@pytest.mark.parametrize(
    ("step", "host"),
    [
        ("ADD https://ann:secret@files.example:8443/a.tgz /opt # buildkit", "files.example"),
        ("ADD --chown=1 a.txt https://files.example/a?token=x /opt/ # buildkit", "files.example"),
        ("ADD git@git.example:a/b.git#main /src # buildkit", "git.example"),
        (f"ADD https://git.example/a.git#{'a' * 40} /src # buildkit", ""),
        ("ADD a.txt /opt/ # buildkit", ""),
        ("COPY https://files.example/a /opt # buildkit", ""),
        ("RUN /bin/sh -c curl https://files.example # buildkit", ""),
        ("ADD", ""),
    ],
)
def test_what_add_fetched_is_said_to_be_undecided(step: str, host: str):
    config = {"architecture": "amd64", "os": "linux", "history": [{}, {"created_by": step}]}
    added = [(one.path, one.detail) for one in read_config(json.dumps(config).encode()).added]
    assert added == ([("(configuration) build step 2", host)] if host else [])
