"""Builds what is released, from the last commit alone: ``python deploy/release.py VERSION``. It tags and publishes nothing.

Python packages are built twice, in folders of other names, and have to come out the same byte by byte. The folder that it
writes, ``dist/VERSION``, appears when it is whole.
"""

import argparse
import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from krew import krew

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("python", "image", "chart", "docs", "editors")
ARCHITECTURES = ("amd64", "arm64")
"""Of the image; that of another machine is built and cannot be started here."""
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
_WRITTEN = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_DATED = r"^## {} \(\d{{4}}-\d{{2}}-\d{{2}}\)$"
_SBOMS = (("cyclonedx-json", "cdx.json"), ("spdx-json", "spdx.json"))


class ReleaseError(Exception):
    """One line: why nothing is released, and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", help="such as 1.2.0; that of src/leadline/version.py and CHANGELOG.md")
    parser.add_argument("--out", type=Path, help="the folder to write (default: dist/VERSION)")
    parser.add_argument("--without", action="append", choices=PARTS[1:], default=[], help="leave a part out")
    parser.add_argument(
        "--image-base", default="", help="what the image stands on, as deploy/images/build.py takes it"
    )
    parser.add_argument(
        "--address",
        default="",
        help="where the files will be found, for requirements.txt; else an index is asked",
    )
    parser.add_argument(
        "--sign-key",
        type=Path,
        help="a private key, PEM, Ed25519: the checksums are signed with it, into SHA256SUMS.sig",
    )
    flags = parser.parse_args()
    try:
        commit = checked(flags.version)
        out = flags.out or ROOT / "dist" / flags.version
        if out.exists():
            raise ReleaseError(f"{out} exists: delete it, or name another folder with --out")
        parts = [part for part in PARTS if part not in flags.without]
        with tempfile.TemporaryDirectory(prefix="leadline-release-") as work:
            release = Release(flags.version, commit, Path(work), flags)
            release.build(parts)
            release.keep(out)
    except ReleaseError as error:
        sys.stderr.write(f"release.py: {error}\n")
        return 2
    for line in (out / "SHA256SUMS").read_text("utf-8").splitlines():
        sys.stdout.write(f"{line}\n")
    if flags.without:
        sys.stdout.write(f"left out: {', '.join(flags.without)}\n")
    sys.stdout.write(f"written: {out}\nnext: git tag -a v{flags.version} {commit[:12]}\n")
    return 0


def checked(version: str) -> str:
    """The commit to release.

    Raises: ``ReleaseError`` where it is not fit for that.
    """
    if not _VERSION.fullmatch(version):
        raise ReleaseError(f"{version} is not a version: write it like 1.2.0 or 1.2.0rc1")
    if dirty := git("status", "--porcelain"):
        first = dirty.splitlines()[0][3:]
        raise ReleaseError(f"the work tree differs from the last commit, in {first}: commit or stash")
    if git("tag", "--list", f"v{version}"):
        raise ReleaseError(f"the tag v{version} exists: a version is released once")
    written = _WRITTEN.search((ROOT / "src/leadline/version.py").read_text("utf-8"))
    if written is None or written[1] != version:
        raise ReleaseError(
            f"src/leadline/version.py says {written[1] if written else 'nothing'}, not {version}"
        )
    if not re.search(
        _DATED.format(re.escape(version)), (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    ):
        raise ReleaseError(f"CHANGELOG.md has no heading '## {version} (YYYY-MM-DD)': date its section")
    if left := git("ls-files", "changelog.d/*.md", ":!changelog.d/README.md"):
        raise ReleaseError(
            f"{left.splitlines()[0]} is in no section of CHANGELOG.md: run python changelog.py {version} DATE"
        )
    return git("rev-parse", "HEAD")


class Release:
    """The files of one release, in ``folder`` until they are whole."""

    def __init__(self, version: str, commit: str, work: Path, flags: argparse.Namespace) -> None:
        self.version, self.commit, self.work = version, commit, work
        self.address = flags.address.rstrip("/")
        self.image_base = flags.image_base
        self.key: Path | None = flags.sign_key
        self.folder = work / "release"
        self.folder.mkdir()
        # All files are as old as the commit: when and where it is built leaves no mark.
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "SOURCE_DATE_EPOCH": git("show", "--no-patch", "--format=%ct", commit),
            "LC_ALL": "C.UTF-8",
        }
        self.source = self.exported("source")

    def build(self, parts: Iterable[str]) -> None:
        """Raises: ``ReleaseError``."""
        if "python" in parts:
            self.python()
            self.krew()
        if "image" in parts:
            self.image(self.found("deploy/images/build.py", "image"))
        if "chart" in parts:
            self.chart(self.found("deploy/chart", "chart"))
        if "docs" in parts:
            self.docs(self.found("mkdocs.yml", "documentation"))
        if "editors" in parts:
            self.editors(self.found("integrations/editors/vscode/build.py", "extension"))

    def found(self, name: str, part: str) -> Path:
        if not (self.source / name).exists():
            raise ReleaseError(
                f"there is no {name} to build the {part} from: leave it out with --without {part}"
            )
        return self.source / name

    def keep(self, out: Path) -> None:
        """Adds the checksums and moves the folder to where it was asked for."""
        files = sorted(path for path in self.folder.iterdir())
        sums = "".join(f"{sha256(path)}  {path.name}\n" for path in files)
        (self.folder / "SHA256SUMS").write_text(sums, "utf-8")
        if self.key:
            # One signature over the checksums is one of every file.
            words = ("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.key.resolve())
            self.run(*words, "-in", "SHA256SUMS", "-out", "SHA256SUMS.sig", cwd=self.folder)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.folder, out)

    def exported(self, name: str) -> Path:
        """The files of the commit, and nothing that only lies beside them."""
        folder = self.work / name
        archive = subprocess.run(
            ["git", "archive", "--format=tar", self.commit], cwd=ROOT, check=True, stdout=subprocess.PIPE
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        return folder

    def python(self) -> None:
        """Wheel, source archive, what to install with them, and what that brings."""
        again = self.work / "again"
        for source, out in ((self.source, self.folder), (self.exported("elsewhere"), again)):
            self.run(
                sys.executable,
                "-m",
                "hatchling",
                "build",
                "-t",
                "sdist",
                "-t",
                "wheel",
                "-d",
                out,
                cwd=source,
            )
        for path in sorted(self.folder.iterdir()):
            if path.read_bytes() != (again / path.name).read_bytes():
                raise ReleaseError(f"{path.name} comes out different when it is built again")
        wheel = self.folder / f"leadline-{self.version}-py3-none-any.whl"
        (self.folder / "requirements.txt").write_text("".join(self.requirements(wheel)), "utf-8")
        name = f"leadline-{self.version}"
        site = self.work / name / "usr/lib/python3/site-packages"
        self.run(
            *(
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
            ),
            *("--require-hashes", "--target", site, "-r", self.source / "requirements-cli.lock"),
        )
        self.run(
            *(
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
            ),
            *("--no-deps", "--target", site, wheel),
        )
        self.sboms("dir:", self.work, name)

    def krew(self) -> None:
        """The plugin ``kubectl leadline`` as krew installs it, whose manifest says where it is found."""
        if self.address:
            moment = int(self.environment["SOURCE_DATE_EPOCH"])
            for name, content in krew(self.source, self.version, self.address, moment).items():
                (self.folder / name).write_bytes(content)

    def requirements(self, wheel: Path) -> Iterator[str]:
        """The text of ``requirements.txt``."""
        place = f" @ {self.address}/{wheel.name}" if self.address else f"=={self.version}"
        yield f"# Leadline {self.version} and all that it needs: pip install --require-hashes -r requirements.txt\n"
        yield f"leadline{place} \\\n    --hash=sha256:{sha256(wheel)}\n"
        yield (self.source / "requirements-cli.lock").read_text("utf-8")

    def image(self, builder: Path) -> None:
        if shutil.which("buildah") is None:
            raise ReleaseError("the image needs buildah: install it, or leave it out with --without image")
        base = ("--base", self.image_base) if self.image_base else ()
        for architecture in ARCHITECTURES:
            name = f"leadline-{self.version}-image-{architecture}"
            out = self.folder / f"{name}.tar"
            words = (
                builder,
                out,
                "--reference",
                f"leadline:{self.version}",
                "--architecture",
                architecture,
                *base,
            )
            self.run(sys.executable, *words, PYTHONPATH=self.source / "src")
            self.sboms("oci-archive:", self.folder, out.name, name)

    def chart(self, chart: Path) -> None:
        """The chart as helm packs it, with the times and the order of its files taken out."""
        if shutil.which("helm") is None:
            raise ReleaseError("the chart needs helm: install it, or leave it out with --without chart")
        packed = self.work / "chart"
        versions = ("--version", self.version, "--app-version", self.version)
        self.run("helm", "package", chart, *versions, "--destination", packed)
        (made,) = packed.iterdir()
        (self.folder / made.name).write_bytes(normalized(made, int(self.environment["SOURCE_DATE_EPOCH"])))

    def docs(self, settings: Path) -> None:
        """The documentation site; a link that leads nowhere ends the release."""
        site = self.work / f"leadline-{self.version}-docs"
        self.run(sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", settings, "-d", site)
        packed = self.work / "docs.tar"
        with tarfile.open(packed, "w") as files:
            files.add(site, site.name)
        moment = int(self.environment["SOURCE_DATE_EPOCH"])
        (self.folder / f"{site.name}.tar.gz").write_bytes(normalized(packed, moment))

    def editors(self, builder: Path) -> None:
        """The extension of Visual Studio Code, to be installed from its file."""
        if shutil.which("npm") is None:
            raise ReleaseError(
                "the extension needs npm: install Node, or leave it out with --without editors"
            )
        self.run(sys.executable, builder, self.version, self.folder / f"leadline-{self.version}.vsix")

    def sboms(self, kind: str, folder: Path, target: str, name: str = "") -> None:
        """What is in ``target`` within ``folder``, in both forms, written by the Leadline that is released."""
        program = (sys.executable, "-m", "leadline.programs.cli.main")
        for format, suffix in _SBOMS:
            out = self.folder / f"{name or target}.{suffix}"
            words = ("image", "sbom", f"{kind}{target}", "--no-cache", "-q", "-f", format, "-o", out)
            self.run(*program, *words, cwd=folder, PYTHONPATH=self.source / "src")

    def run(self, *words: str | Path, cwd: Path | None = None, **variables: str | Path) -> None:
        """Raises: ``ReleaseError`` with what the program said last."""
        given = {name: str(value) for name, value in variables.items()}
        run([str(word) for word in words], cwd or self.source, self.environment | given)


def run(words: list[str], cwd: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ReleaseError(f"{' '.join(words[:4])} … failed: {said[-1] if said else done.returncode}")


def normalized(packed: Path, moment: int) -> bytes:
    """The same files in the order of their names, all as old as the commit."""
    out = io.BytesIO()
    with (
        tarfile.open(packed) as old,
        gzip.GzipFile(fileobj=out, mode="wb", mtime=moment, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w") as new,
    ):
        for member in sorted(filter(tarfile.TarInfo.isfile, old.getmembers()), key=lambda one: one.name):
            clean = tarfile.TarInfo(member.name)
            clean.size, clean.mode, clean.mtime = member.size, 0o644, moment
            new.addfile(clean, old.extractfile(member))
    return out.getvalue()


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git(*words: str) -> str:
    """What git says in this repository.

    Raises: ``ReleaseError``.
    """
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {words[0]} failed: {done.stderr.strip()}")
    return done.stdout.rstrip()


if __name__ == "__main__":
    sys.exit(main())
