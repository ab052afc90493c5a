"""A root file system of Debian packages and of language registries, with dpkg's database, made without installing anything here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

DEBIAN = [
    "base-files",
    "bash",
    "coreutils",
    "findutils",
    "grep",
    "tar",
    "python3",
    "python3-flask",
    "python3-yaml",
    "python3-paramiko",
    "python3-numpy",
    "python3-pip",
    "ruby",
    "ruby-rack",
    "ruby-sinatra",
    "ruby-nokogiri",
    "php-cli",
    "php-symfony-console",
    "php-psr-log",
    "php-twig",
    "perl",
    "libjson-perl",
    "libwww-perl",
    "nodejs",
    "openjdk-17-jre-headless",
    "libjackson2-databind-java",
    "liblog4j2-java",
    "libcommons-io-java",
    "libguava-java",
    "curl",
    "openssl",
    "musl",
    "git",
]
PYPI = ["requests", "sqlalchemy", "pydantic", "pandas", "fastapi", "boto3"]
NPM = ["express@4", "lodash", "axios", "moment"]
JACKSON = "/usr/share/java/jackson-databind.jar:/usr/share/java/jackson-core.jar:/usr/share/java/jackson-annotations.jar"
_LINKS = {
    "bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "usr/bin/sh": "bash", "usr/bin/php": "php8.2",
    "usr/bin/java": "../lib/jvm/java-17-openjdk-amd64/bin/java",
    "usr/lib/x86_64-linux-gnu/libblas.so.3": "blas/libblas.so.3",
    "usr/lib/x86_64-linux-gnu/liblapack.so.3": "lapack/liblapack.so.3",
}  # fmt: skip
"""Those of the merged /usr, and those that maintainers' scripts would make."""
_GO = """package main

import "github.com/google/uuid"

func main() { println(uuid.New().String()) }
"""
_C = 'int puts(const char*);void _exit(int);\n__attribute__((force_align_arg_pointer)) void _start(void){puts("[]");_exit(0);}\n'


def make_root(folder: Path, programs: Path) -> Path:
    """``programs``: sources that each language runs, which print what they loaded."""
    root, debs = folder / "root", folder / "debs"
    (debs / "partial").mkdir(parents=True)
    (folder / "status").write_text("")
    _run(
        "apt-get", "-y", "-q", "--no-install-recommends", "-o", f"Dir::State::status={folder}/status",
        "-o", f"Dir::Cache::archives={debs}", "-o", "Debug::NoLocking=1", "--download-only", "install", *DEBIAN,
    )  # fmt: skip
    for name in (
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/lib64",
        "proc",
        "dev",
        "sys",
        "tmp",
        "srv",
        "app",
        "root",
    ):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(_LINKS[name])
    _unpack(root, sorted(debs.glob("*.deb")))
    for name, target in _LINKS.items():
        if not (root / name).is_symlink():
            (root / name).symlink_to(target)
    for source in programs.iterdir():
        shutil.copy(source, root / ("app" if source.suffix == ".cjs" else "srv"))
    _run("npm", "install", "--silent", "--prefix", str(root / "app"), *NPM)
    site = root / "usr/local/lib/python3.11/dist-packages"
    wheels = ["--python-version", "3.11", "--only-binary", ":all:", "--platform", "manylinux2014_x86_64"]
    _run(sys.executable, "-m", "pip", "install", "-q", "--target", str(site), *wheels, *PYPI)
    _compile(root, folder)
    return root


def _unpack(root: Path, debs: list[Path]) -> None:
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    status = []
    for deb in debs:
        archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, capture_output=True).stdout
        unpack = ["tar", "-x", "--keep-directory-symlink", "-C", str(root)]
        subprocess.run(unpack, input=archive, check=True)
        listed = subprocess.run(["tar", "-t"], input=archive, check=True, capture_output=True).stdout.decode()
        control = subprocess.run(["dpkg-deb", "-f", deb], check=True, capture_output=True, text=True).stdout
        name = next(line[9:] for line in control.splitlines() if line.startswith("Package: "))
        lines = ("/" + line.removeprefix("./").rstrip("/") for line in listed.splitlines())
        (info / f"{name}.list").write_text("\n".join(lines) + "\n")
        status.append(control.replace("\nVersion: ", "\nStatus: install ok installed\nVersion: ", 1))
    (root / "var/lib/dpkg/status").write_text("\n".join(status) + "\n")


def _compile(root: Path, folder: Path) -> None:
    classes = ":".join(f"{root}{path}" for path in JACKSON.split(":"))
    _run("javac", "-cp", classes, "--release", "17", "-d", str(root / "srv"), str(root / "srv/Main.java"))
    (folder / "musl.c").write_text(_C)
    flags = f"-nostdlib -fno-stack-protector -Wl,--no-as-needed -L{root}/usr/lib/x86_64-linux-musl -l:libc.so"
    linker = "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1"
    _run("gcc", "-o", str(root / "srv/with-musl"), str(folder / "musl.c"), *flags.split(), linker)
    source = folder / "go"
    source.mkdir()
    (source / "main.go").write_text(_GO)
    for words in (
        "mod init example.com/hello",
        "get github.com/google/uuid",
        f"build -o {root}/srv/with-go .",
    ):
        subprocess.run(
            ["go", *words.split()],
            cwd=source,
            check=True,
            timeout=300,
            env={**os.environ, "CGO_ENABLED": "0"},
        )


def _run(*words: str) -> None:
    subprocess.run(words, check=True, timeout=600, stdout=subprocess.DEVNULL)
