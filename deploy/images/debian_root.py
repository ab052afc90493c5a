"""A base for the image where no registry can be reached: Python and what it needs, of Debian 12's packages."""

import os
import shutil
import subprocess
from pathlib import Path

# A list, since what apt would choose brings perl and dpkg with it.
PACKAGES = [
    "base-files",
    "ca-certificates",
    "libbpf1",
    "libbz2-1.0",
    "libc6",
    "libcom-err2",
    "libcrypt1",
    "libdb5.3",
    "libelf1",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "libgssapi-krb5-2",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "liblzma5",
    "libncursesw6",
    "libnsl2",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libstdc++6",
    "libtinfo6",
    "libtirpc3",
    "libuuid1",
    "media-types",
    "python3.11-minimal",
    "tzdata",
    "zlib1g",
]
NOT_NEEDED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/perl5",
    "usr/sbin",
    "sbin",
    "var/local",
    "var/lock",
)
PYTHON = "python3.11"


class BuildError(Exception):
    """A step of the build failed; the message says which and why."""


def run(*command: str | Path, folder: Path | None = None, **environment: str) -> str:
    """What the command prints. Raises: ``BuildError``."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise BuildError(f"{words[0]} is not installed") from None
    if done.returncode:
        raise BuildError(f"{' '.join(words[:3])} … failed:\n{(done.stderr or done.stdout).strip()[-3000:]}")
    return done.stdout


def make_root(root: Path, downloads: Path, foreign: str = "") -> None:
    """Unpacks Debian's packages into ``root``; no script of theirs runs.

    ``foreign`` is the architecture as Debian calls it where it is not this machine's: then nothing in ``root`` is tried.

    Raises: ``BuildError``.
    """
    downloads.mkdir(parents=True, exist_ok=True)
    apt = _apt_of(foreign, downloads.with_name(f"apt-{foreign}")) if foreign else ["apt-get", "-qq"]
    run(*apt, "download", *PACKAGES, folder=downloads)
    status = ""
    for package in sorted(downloads.glob("*.deb")):
        run("dpkg-deb", "-x", package, root)
        fields = run("dpkg-deb", "-f", package)
        status += fields.replace("\n", "\nStatus: install ok installed\n", 1) + "\n"
    for name in NOT_NEEDED:
        shutil.rmtree(root / name, ignore_errors=True)
    for conversions in root.glob("usr/lib/*/gconv"):
        shutil.rmtree(conversions)
    for name in ("tmp", "var/lib/dpkg"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "usr/bin/python3").symlink_to(PYTHON)
    # Scanners of images look here for what is installed.
    (root / "var/lib/dpkg/status").write_text(status)
    trusted = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    (root / "etc/ssl/certs/ca-certificates.crt").write_bytes(b"".join(path.read_bytes() for path in trusted))
    (root / "etc/passwd").write_text("root:x:0:0::/:/none\nleadline:x:65532:65532::/tmp:/none\n")
    (root / "etc/group").write_text("root:x:0:\nleadline:x:65532:\n")
    library = root / "usr/lib" / PYTHON
    # The root of a pod is read-only, so that nothing could be compiled there; the seed orders sets within the files.
    run(
        *(f"/usr/bin/{PYTHON}", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", root, "-p", "/", library),
        PYTHONHASHSEED="0",
    )
    if not foreign:
        modules = "bz2, ctypes, lzma, sqlite3, ssl, uuid, zoneinfo"
        run("chroot", root, f"/usr/bin/{PYTHON}", "-Bc", f"import {modules}")


def _apt_of(architecture: str, state: Path) -> list[str | Path]:
    """apt with the sources of this machine and lists of another architecture; those of this machine stay as they are."""
    for name in ("lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True)
    settings = (
        f"APT::Architecture={architecture}",
        f"APT::Architectures::={architecture}",
        f"Dir::State={state}",
        "Dir::State::status=/dev/null",
        f"Dir::Cache={state / 'cache'}",
    )
    apt: list[str | Path] = ["apt-get", "-qq", *(word for one in settings for word in ("-o", one))]
    run(*apt, "update")
    return apt
