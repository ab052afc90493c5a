"""Builds the container image of Leadline as an OCI archive: ``python deploy/images/build.py leadline.tar``. Needs buildah.

The same sources give the same bytes. Over ``--base debian`` nothing but packages of Debian and of Python is fetched;
any other base is a reference that buildah can pull, with Python 3.11 or newer in it as ``python3``. For another architecture
packages are taken by name; nothing of it runs here.
"""

import argparse
import os
import shutil
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from debian_root import BuildError, make_root, run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EPOCH = "1700000000"
"""Seconds since 1970 that every file of the image is dated to."""
PUBLIC_BASE = "docker.io/library/python:3.13-slim"
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Architectures as images and Debian name them, and as wheels and ``uname`` do."""
ELF_MACHINES = {"amd64": 62, "arm64": 183}
"""``e_machine`` of an ELF file (https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html)."""
GLIBC = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")
"""Newest glibc that a wheel may ask for: 2.34, older than that of Debian 12."""


class Build:
    def __init__(self, work: Path, reference: str) -> None:
        self.work, self.reference = work, reference
        self.context = work / "context"
        self.context.mkdir(parents=True)
        storage = ("--root", work / "storage", "--runroot", work / "run", "--storage-driver", "overlay")
        self._buildah = ("buildah", *storage)

    def buildah(self, *words: str | Path) -> str:
        return run(*self._buildah, *words)

    def base(self, wanted: str, architecture: str) -> str:
        """The name or the id of the base in our own storage."""
        if wanted != "debian":
            return self.buildah("pull", "--quiet", "--arch", architecture, wanted).strip()
        root = self.work / f"root-{architecture}"
        foreign = "" if architecture == own_architecture() else architecture
        make_root(root, self.work / f"debs-{architecture}", foreign)
        container = self.buildah("from", "--arch", architecture, "scratch").strip()
        self.buildah("add", "--quiet", container, root, "/")
        for setting in ("PATH=/usr/bin:/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"):
            self.buildah("config", "--env", setting, container)
        self.buildah("config", "--arch", architecture, container)
        name = f"localhost/debian-python-{architecture}"
        self.buildah("commit", "--quiet", "--rm", "--timestamp", EPOCH, container, name)
        return name

    def python_of(self, base: str) -> str:
        """``3.13``."""
        container = self.buildah("from", base).strip()
        ask = "import sys; print('%d.%d' % sys.version_info[:2])"
        version = self.buildah("run", "--isolation", "chroot", container, "python3", "-c", ask).strip()
        self.buildah("rm", container)
        return version

    def unpack(self, version: str, architecture: str, folder: str) -> None:
        """The wheels of the lock, and ours, into the context. Wheels are what pip would install, without its scripts."""
        needs, own = self.work / f"wheels-{architecture}", self.work / "own-wheel"
        platforms = [f"--platform={name}_{MACHINES[architecture]}" for name in GLIBC]
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
        lock = ROOT / "requirements-image.lock"
        run(
            *(*pip, "download", "--require-hashes", "--no-deps", "--only-binary=:all:"),
            *(f"--python-version={version}", *platforms, "-r", lock, "-d", needs),
        )
        if not own.exists():
            run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", own, ROOT, SOURCE_DATE_EPOCH=EPOCH)
        site = self.context / folder
        for wheel in (*sorted(needs.glob("*.whl")), *own.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
        for library in site.rglob("*.so"):
            # Symbols for debuggers are a quarter of the image.
            check_machine(library, architecture)
            run(strip_of(architecture), "--strip-debug", library)

    def make(self, base: str, builder: str, tools: str, key: Path | None) -> None:
        """Runs the Containerfile over ``base``."""
        shutil.copy(HERE / "describe.py", self.context)
        given = {"BASE": base, "BUILDER": builder, "TOOLS": tools, "SOURCE_DATE_EPOCH": EPOCH}
        arguments = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
        secret = ("--secret", f"id=key,src={key.resolve()}") if key else ()
        self.buildah(
            *("build", "--quiet", "--isolation", "chroot", "--timestamp", EPOCH, *arguments, *secret),
            *("-t", self.reference, "-f", HERE / "Containerfile", self.context),
        )

    def write(self, out: Path) -> str:
        """The digest of the image that is written to ``out``."""
        out.unlink(missing_ok=True)
        digest = self.work / "digest"
        self.buildah(
            "push", "--quiet", "--digestfile", digest, self.reference, f"oci-archive:{out}:{self.reference}"
        )
        return digest.read_text().strip()


def own_architecture() -> str:
    """Raises: ``BuildError`` on a machine of another one."""
    machine = os.uname().machine
    for architecture, name in MACHINES.items():
        if name == machine:
            return architecture
    raise BuildError(f"this machine is {machine}; images are built on {' and '.join(MACHINES.values())}")


def strip_of(architecture: str) -> str:
    return "strip" if architecture == own_architecture() else "llvm-strip"


def check_machine(library: Path, architecture: str) -> None:
    """Raises: ``BuildError`` where ``library`` is of another architecture."""
    with library.open("rb") as file:
        header = file.read(20)
    machine = int.from_bytes(header[18:20], "little")
    if header[:4] != b"\x7fELF" or machine != ELF_MACHINES[architecture]:
        raise BuildError(f"{library.name} is not of {architecture}: its ELF machine is {machine}")


def missing(base: str, architecture: str) -> list[str]:
    """Programs and Python packages that the build needs and that are not here."""
    strips = dict.fromkeys(("strip", strip_of(architecture)))
    programs = ["buildah", *strips, *(("apt-get", "dpkg-deb", "chroot") if base == "debian" else ())]
    return [
        *(name for name in programs if shutil.which(name) is None),
        *(f"{name} (pip install {name})" for name in ("pip", "hatchling") if find_spec(name) is None),
    ]


def build(out: Path, reference: str, base: str, architecture: str, key: Path | None) -> str:
    """Raises: ``BuildError``."""
    own = own_architecture()
    if lacking := missing(base, architecture):
        raise BuildError(f"not installed: {', '.join(lacking)}; nothing was built")
    work = Path(tempfile.mkdtemp(prefix="leadline-image-"))
    # Files of the context keep their modes; those of other users must be able to read them.
    os.umask(0o022)
    try:
        steps = Build(work, reference)
        builder = name = steps.base(base, own)
        version = steps.python_of(builder)
        steps.unpack(version, architecture, "site")
        tools = "site"
        if architecture != own:
            name, tools = steps.base(base, architecture), "tools"
            steps.unpack(version, own, tools)
        steps.make(name, builder, tools, key)
        return steps.write(out.resolve())
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="the OCI archive to write")
    parser.add_argument("--reference", default="localhost/leadline:dev", help="the name of the image")
    parser.add_argument(
        "--base", default=PUBLIC_BASE, help=f"debian, or a reference (default: {PUBLIC_BASE})"
    )
    parser.add_argument("--architecture", choices=MACHINES, help="default: that of this machine")
    parser.add_argument("--key", type=Path, help="private key (Ed25519, PEM) that signs the SBOM")
    flags = parser.parse_args()
    try:
        architecture = flags.architecture or own_architecture()
        sys.stdout.write(build(flags.out, flags.reference, flags.base, architecture, flags.key) + "\n")
    except BuildError as error:
        sys.stderr.write(f"build.py: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
