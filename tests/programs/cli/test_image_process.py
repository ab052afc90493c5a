"""What only a process of its own shows of ``leadline image``: what is imported, signals, pipes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from image_archives import docker_archive, layer
from leadline.programs.cli import main as main_module
from vulnerabilities.matching.made_database import advisory, build_of

LEADLINE = [sys.executable, "-m", "leadline.programs.cli.main"]
RUN = "import sys\nfrom leadline.programs.cli.main import main\nmain(sys.argv[1:])\n"
IMPORTED = (
    f"{RUN}"
    "print(sorted({'rich', 'yaml', 'http.client', 'sqlite3', 'asyncio', 'ssl', "
    "'leadline.posture.engine', 'leadline.sbom.cataloguers.dpkg'} & set(sys.modules)), file=sys.stderr)"
)
REAL = (
    "print('\\n'.join(name for name, one in sys.modules.items() if type(one).__name__ != 'LateModule'), "
    "file=sys.stderr)"
)
"""Modules that were imported, and not those that something stands in for until it is used."""
UNNEEDED = {
    "leadline.sbom.sbom",
    "leadline.outputs.redaction.sbom",
    "zstandard",
}
"""What makes an SBOM: one out of the cache needs nothing of it."""
SLOW = {
    "dataclasses",
    "inspect",
    "ipaddress",
    "json",
    "locale",
    "orjson",
    "packageurl",
    "platform",
    "typing_extensions",
}
"""Each takes longer to import than the search for vulnerabilities takes; none of it is needed for that."""
NOT_AT_FIRST = {"concurrent.futures", "logging", "string", "tomllib", "traceback", "urllib.parse"}
"""Likewise; layers are read in threads, dates are looked up and nothing is fetched without them."""
MOST_FILES = 130
"""Of ours that may be imported; a hundredth of the whole command goes to each."""
OF_OBJECTS = (
    "leadline.posture.inventory",
    "leadline.outputs.rows.overview",
    "leadline.outputs.rows.place",
    "leadline.scans.waivers.waiving",
)


def many_packages(folder: Path) -> Path:
    """More lines of output than a pipe holds."""
    entry = "Package: package-{}\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n"
    status = "\n".join(entry.format(i) for i in range(5000)).encode()
    files = {"etc/os-release": b"ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status": status}
    return docker_archive(folder / "many.tar", [layer(files)])


def test_a_second_look_at_an_archive_imports_no_cataloguer_and_nothing_of_the_net(tmp_path: Path):
    image = many_packages(tmp_path)
    command = [sys.executable, "-c", IMPORTED, "image", "sbom", str(image)]
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    first, second = (
        subprocess.run(command, env=environ, capture_output=True, text=True, check=True) for _ in range(2)
    )
    assert first.stdout == second.stdout
    assert "leadline.sbom.cataloguers.dpkg" in first.stderr
    assert second.stderr == "[]\n"


def test_a_second_scan_imports_nothing_of_objects_of_layers_or_of_secrets(tmp_path: Path):
    build_of(tmp_path / "v.db", {"debian": [advisory("CVE-2024-1", "Debian:12", "package-7", fixed="9")]})
    words = [
        "image",
        "scan",
        str(many_packages(tmp_path)),
        "--db",
        str(tmp_path / "v.db"),
        "-f",
        "json",
        "-q",
    ]
    command = [sys.executable, "-c", f"{RUN}{REAL}", *words]
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    first, second = (
        set(subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stderr.split())
        for _ in range(2)
    )
    assert first > UNNEEDED
    assert not [
        name for name in second if name in UNNEEDED | SLOW | NOT_AT_FIRST or name.startswith(OF_OBJECTS)
    ]
    assert {name for name in second if name.startswith("leadline.vulnerabilities.versions.")} == {
        "leadline.vulnerabilities.versions.deb"
    }
    assert len([name for name in second if name.startswith("leadline")]) < MOST_FILES


def test_a_first_scan_of_an_image_of_a_distribution_imports_nothing_of_servers_logs_or_projects(
    tmp_path: Path,
):
    files = {
        "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
        "var/lib/dpkg/status": b"Package: a\nVersion: 1\n",
    }
    image = docker_archive(tmp_path / "two.tar", [layer(files), layer({"srv/app": b"1"})])
    command = [sys.executable, "-c", f"{RUN}{REAL}", "scan", "image", str(image), "-q", "--no-cache"]
    imported = subprocess.run(command, capture_output=True, text=True, check=True).stderr.split()
    assert "leadline.sbom.cataloguers.dpkg" in imported
    assert set(imported) & (SLOW | NOT_AT_FIRST) == set()
    assert not [name for name in imported if name.endswith("_lock")]


def test_the_reader_may_leave_at_any_time(tmp_path: Path):
    command = [*LEADLINE, "image", "sbom", str(many_packages(tmp_path)), "-v", "--no-cache"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert b"many.tar" in process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == main_module.READER_LEFT


def test_an_interrupt_is_one_line_and_leaves_no_file(tmp_path: Path):
    output = tmp_path / "sbom.json"
    process = subprocess.Popen(
        [*LEADLINE, "image", "sbom", "-", "-f", "spdx-json", "-o", str(output)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    # More than a pipe holds: once this returns, the program is up and reading.
    process.stdin.write(b'{"spdxVersion": "' + b"x" * 200_000)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (main_module.INTERRUPTED, b"leadline: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_documents_in_a_pipe_are_whole(tmp_path: Path):
    command = [*LEADLINE, "image", "sbom", str(many_packages(tmp_path)), "-f", "cyclonedx-json", "--no-cache"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert len(json.loads(done.stdout)["components"]) >= 5000
    assert done.stderr == b"all input read\n"
