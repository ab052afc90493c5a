"""Packages that an image hides by where they lie or by their file's name: found, or counted by name under ``not done``."""

import io
import zipfile
from pathlib import Path

import pytest

from leadline.model.image_report import ImageReport
from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions

DJANGO = "Metadata-Version: 2.1\nName: Django\nVersion: 3.2.0\n"


def scanned(root: Path) -> ImageReport:
    return image_scan(f"dir:{root}", ImageOptions())


def names(root: Path) -> list[str]:
    return [one.name for one in scanned(root).sbom.packages]


def jar() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        properties = "groupId=org.example\nartifactId=shop\nversion=1.2.3\n"
        archive.writestr("META-INF/maven/org.example/shop/pom.properties", properties)
    return content.getvalue()


def test_a_package_folder_that_is_a_link_is_followed(tmp_path: Path):
    (tmp_path / "opt/x").mkdir(parents=True)
    (tmp_path / "opt/x/METADATA").write_text(DJANGO)
    packages = tmp_path / "usr/lib/python3/dist-packages"
    packages.mkdir(parents=True)
    (packages / "Django-3.2.0.dist-info").symlink_to("/opt/x")
    assert names(tmp_path) == ["Django"]


@pytest.mark.parametrize(
    "name", ["app/x.bin", "app/shop", "usr/lib/shop/x.dat", "app/x.zip", "app/x.docx", "app/x.npz"]
)
def test_a_jar_of_another_name_is_read(tmp_path: Path, name: str):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_bytes(jar())
    assert "shop" in names(tmp_path)


def test_classes_outside_of_archives_are_counted(tmp_path: Path):
    (tmp_path / "app").mkdir()
    for number in range(3):
        (tmp_path / f"app/A{number}.class").write_bytes(b"\xca\xfe\xba\xbe\0\0\0\x41" + bytes(100))
    assert "Java classes outside of archives: 3, whose packages are not known" in scanned(tmp_path).not_judged


def test_the_store_of_nix_and_wordpress_are_named(tmp_path: Path):
    for name in ("hello-2.12.1", "glibc-2.39-52"):
        (tmp_path / "nix/store" / f"{'0' * 31}a-{name}" / "bin").mkdir(parents=True)
    (tmp_path / "nix/store/.links").mkdir()
    site = tmp_path / "var/www/html/wp-includes"
    site.mkdir(parents=True)
    (site / "version.php").write_text("<?php $wp_version = '6.4.2';")
    gaps = scanned(tmp_path).not_judged
    assert "folders in the store of Nix: 2, whose packages are not known" in gaps
    assert "WordPress, whose plugins and themes are not read: var/www/html/wp-includes/version.php" in gaps


def test_what_is_not_searched_for_credentials_is_counted(tmp_path: Path):
    (tmp_path / "app").mkdir()
    (tmp_path / "usr/share/doc").mkdir(parents=True)
    (tmp_path / "app/large.txt").write_text("x" * 300_000)
    (tmp_path / "usr/share/doc/a").write_text("x")
    (tmp_path / "app/main.py").write_text('URL = "postgres://shop:h3XkP9q2@db.internal/shop"\n')
    report = scanned(tmp_path)
    said = "files not searched for credentials: 1 larger than 256 KiB, 1 in folders that packages fill"
    assert said in report.not_judged
    assert [one.where for one in report.findings if "Credential" in one.title] == ["app/main.py"]


def test_a_jar_without_a_manifest_is_read_under_any_name(tmp_path: Path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        properties = "groupId=org.example\nartifactId=shop\nversion=1.2.3\n"
        archive.writestr("META-INF/maven/org.example/shop/pom.properties", properties)
    (tmp_path / "data.bin").write_bytes(content.getvalue())
    assert names(tmp_path) == ["shop"]


def test_an_archive_of_classes_that_says_nothing_is_named(tmp_path: Path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("org/example/A.class", bytes(200))
    (tmp_path / "data.bin").write_bytes(content.getvalue())
    assert [one.where for one in scanned(tmp_path).sbom.unread] == ["data.bin"]


def test_a_large_archive_without_a_name_is_counted(tmp_path: Path):
    with (tmp_path / "model.bin").open("wb") as file:
        file.write(b"PK\x03\x04" + bytes(100))
        file.truncate((128 << 20) + 1)
    (not_done,) = [one for one in scanned(tmp_path).not_judged if "128 MiB" in one]
    assert "model.bin" in not_done


PNP = """#!/usr/bin/env node
const RAW_RUNTIME_STATE =
'{\\
  "packageRegistryData": [\\
    [null, [[null, {"packageLocation": "./", "linkType": "SOFT"}]]],\\
    ["a", [["npm:1.0.0", {"packageLocation": "./.yarn/cache/a-npm-1.0.0-x.zip/node_modules/a/"}],\\
           ["virtual:1#npm:1.0.0", {"packageLocation": "./.yarn/__virtual__/a-virtual-1/0/cache/a-npm-1.0.0-x.zip/node_modules/a/"}]]],\\
    ["b", [["npm:2.0.0", {"packageLocation": "../.berry/cache/b-npm-2.0.0-x.zip/node_modules/b/"}]]]\\
  ]\\
}';
"""


def test_packages_that_plug_n_play_names_are_there_or_named(tmp_path: Path):
    (tmp_path / "app/.yarn/cache").mkdir(parents=True)
    (tmp_path / "app/.pnp.cjs").write_text(PNP)
    (unread,) = scanned(tmp_path).sbom.unread
    assert unread.where == "app/.pnp.cjs"
    assert "not in the image: 2, such as" in unread.why
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("node_modules/a/package.json", '{"name": "a", "version": "1.0.0"}')
    (tmp_path / "app/.yarn/cache/a-npm-1.0.0-x.zip").write_bytes(content.getvalue())
    report = scanned(tmp_path)
    assert [one.name for one in report.sbom.packages] == ["a"]
    assert ["not in the image: 1," in one.why for one in report.sbom.unread] == [True]
