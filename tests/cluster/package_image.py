"""An image made of packages of this machine's distribution, with the programs that people run most."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from binaries import MissingError
from whole_cluster import image_archive

PACKAGES = (
    *("base-files", "bash", "coreutils", "dash", "grep", "iputils-arping", "sed", "util-linux"),
    *("nginx-light", "redis-server", "postgresql-15", "memcached", "haproxy", "tomcat10", "nodejs"),
)
_LEFT_OUT = ("libllvm", "perl", "libperl", "systemd", "udev", "fonts-", "libx11", "gcc-", "cpp-")
"""What packages depend on and the programs do without; they are most of the bytes."""
_USERS = {
    "root": 0,
    "www-data": 33,
    "postgres": 100,
    "redis": 101,
    "tomcat": 102,
    "haproxy": 103,
    "nobody": 65534,
    "nogroup": 65534,
}


def package_image(name: str, folder: Path) -> Path:
    """An archive of the image called ``name`` in ``folder``, as ``docker save`` writes it.

    Raises: ``MissingError`` where the packages cannot be had.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise MissingError("apt-get and dpkg-deb are needed for an image of packages")
    cache, layer = folder / "packages", folder / "packages-layer.tar"
    (cache / "archives" / "partial").mkdir(parents=True)
    (cache / "status").touch()
    _download(cache)
    with tarfile.open(layer, "w") as tar:
        for directory in ("tmp", "proc", "dev", "sys", "root", "run", "data"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        for package in sorted((cache / "archives").glob("*.deb")):
            if not package.name.startswith(_LEFT_OUT):
                _unpack(package, tar)
        passwd = "".join(f"{user}:x:{id}:{id}::/tmp:/bin/sh\n" for user, id in _USERS.items())
        group = "".join(f"{user}:x:{id}:\n" for user, id in _USERS.items())
        for path, text in (("etc/passwd", passwd), ("etc/group", group)):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    archive = folder / "packages.tar"
    image_archive(name, layer.read_bytes(), archive)
    layer.unlink()
    return archive


def _download(cache: Path) -> None:
    """The packages with all that they depend on, as if none were installed here."""
    options = (
        f"Dir::State::status={cache}/status",
        f"Dir::Cache::archives={cache}/archives",
        "Debug::NoLocking=1",
        "APT::Install-Recommends=0",
    )
    command = [
        "apt-get",
        "-y",
        "--download-only",
        *(f"-o{option}" for option in options),
        "install",
        *PACKAGES,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, env=_environment()
    )
    if done.returncode:
        raise MissingError(f"packages cannot be downloaded: {done.stderr.strip()[-300:]}")


def _environment() -> dict[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}


def _unpack(package: Path, tar: tarfile.TarFile) -> None:
    content = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, check=True, timeout=120
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        for entry in files:
            if entry.name.startswith(("./usr/share/doc", "./usr/share/man", "./usr/share/locale")):
                continue
            entry.name = entry.name.removeprefix("./").rstrip("/")
            if entry.name and entry.name != ".":
                tar.addfile(entry, files.extractfile(entry) if entry.isreg() else None)
