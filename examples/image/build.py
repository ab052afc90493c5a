"""Writes ``web.tar``: a small image with real packages in old versions, of which advisories speak.

The same bytes every time, with nothing but the standard library. Nothing in it can run: it holds the package databases
alone, as AlmaLinux, pip, RubyGems, Composer and npm write them. Run it from anywhere::

    python examples/image/build.py
"""

import hashlib
import io
import json
import sqlite3
import struct
import tarfile
from pathlib import Path

OS_RELEASE = """NAME="AlmaLinux"
VERSION="9.2 (Turquoise Kodkod)"
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.2"
PRETTY_NAME="AlmaLinux 9.2 (Turquoise Kodkod)"
"""

RPMS = (
    ("bash", "5.1.8", "6.el9_1", "x86_64", "bash-5.1.8-6.el9_1.src.rpm", "GPLv3+"),
    ("expat", "2.5.0", "1.el9", "x86_64", "expat-2.5.0-1.el9.src.rpm", "MIT"),
    ("glibc", "2.34", "60.el9", "x86_64", "glibc-2.34-60.el9.src.rpm", "LGPLv2+"),
    ("zlib", "1.2.11", "39.el9", "x86_64", "zlib-1.2.11-39.el9.src.rpm", "zlib and Boost"),
)
PYTHON = (("Jinja2", "2.10"), ("requests", "2.19.1"))
SITE = "usr/local/lib/python3.9/site-packages"
GEM = "usr/local/share/gems/specifications/puma-5.6.5.gemspec"

STRING, I18N_STRING = 6, 9
TAGS = {
    "name": 1000,
    "version": 1001,
    "release": 1002,
    "vendor": 1011,
    "license": 1014,
    "arch": 1022,
    "source": 1044,
}


def rpm_header(name: str, version: str, release: str, arch: str, source: str, license: str) -> bytes:
    """A header as the RPM database keeps it (https://rpm-software-management.github.io/rpm/manual/format_header.html)."""
    given = {
        "name": name,
        "version": version,
        "release": release,
        "vendor": "AlmaLinux",
        "license": license,
        "arch": arch,
        "source": source,
    }
    index, store = b"", b""
    for field, text in given.items():
        index += struct.pack(">IIII", TAGS[field], STRING, len(store), 1)
        store += text.encode() + b"\0"
    return struct.pack(">II", len(given), len(store)) + index + store


def rpm_database() -> bytes:
    """``rpmdb.sqlite``, without the number of the SQLite that wrote it."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(rpm_header(*rpm),) for rpm in RPMS])
    connection.commit()
    content = bytearray(connection.serialize())
    connection.close()
    content[92:100] = struct.pack(">II", int.from_bytes(content[24:28], "big"), 3034001)
    return bytes(content)


def files() -> dict[str, bytes]:
    found = {
        "etc/os-release": OS_RELEASE.encode(),
        "etc/passwd": b"root:x:0:0:root:/root:/bin/bash\nweb:x:1000:1000::/srv:/sbin/nologin\n",
        "var/lib/rpm/rpmdb.sqlite": rpm_database(),
        GEM: b'Gem::Specification.new do |s|\n  s.name = "puma".freeze\n  s.version = "5.6.5"\n  s.licenses = ["BSD-3-Clause".freeze]\nend\n',
        "srv/vendor/composer/installed.json": json.dumps(
            {"packages": [{"name": "twig/twig", "version": "v2.12.0", "license": ["BSD-3-Clause"]}]}
        ).encode(),
        "srv/node_modules/marked/package.json": b'{"name": "marked", "version": "0.3.5", "license": "MIT"}\n',
    }
    for name, version in PYTHON:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        found[f"{SITE}/{name}-{version}.dist-info/METADATA"] = metadata.encode()
    return found


def tar(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(entries):
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(entries[path]), 0o644
            archive.addfile(info, io.BytesIO(entries[path]))
    return buffer.getvalue()


def image() -> bytes:
    """As ``docker save`` writes it (https://github.com/moby/docker-image-spec)."""
    layer = tar(files())
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2023-06-01T00:00:00Z",
            "config": {"User": "web", "ExposedPorts": {"8080/tcp": {}}, "Cmd": ["/srv/web"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        },
        sort_keys=True,
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    saved = [{"Config": name, "RepoTags": ["example/web:1"], "Layers": ["layer.tar"]}]
    return tar({"layer.tar": layer, name: config, "manifest.json": json.dumps(saved).encode()})


if __name__ == "__main__":
    target = Path(__file__).with_name("web.tar")
    target.write_bytes(image())
    print(f"{target}: {target.stat().st_size:,} bytes")
