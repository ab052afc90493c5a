"""Writes OSV records as a database that Trivy takes, so that both can be asked about equal data.

Trivy's database is a bbolt file: buckets of buckets with sorted keys, in pages of 4 KiB. A page may run on over those
behind it, so here every large bucket is one long leaf and every small one lies within its parent.
Source: https://github.com/etcd-io/bbolt (page.go, bucket.go) and https://github.com/aquasecurity/trivy-db (pkg/types).
"""

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.vulnerabilities.ecosystems import orderings

PAGE = 4096
_MAGIC, _VERSION = 0xED0CDAED, 2
_LEAF, _META, _FREELIST = 2, 4, 16
_BUCKET = 1
_SMALL = 1024
"""Bytes up to which a bucket lies within its parent."""
_PREFIXES = {
    "PyPI": "pip",
    "Go": "go",
    "crates.io": "cargo",
    "npm": "npm",
    "RubyGems": "rubygems",
    "Packagist": "composer",
}
_DISTRIBUTIONS = {"AlmaLinux": "alma", "Alpine": "alpine", "Debian": "debian", "Photon OS": "Photon OS"}
"""How Trivy's buckets of a release begin."""

Bucket = Mapping[bytes, "bytes | Bucket"]


def _fnv(data: bytes) -> int:
    found = 0xCBF29CE484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return found


class _Pages:
    def __init__(self) -> None:
        self.pages: list[bytes] = [b"", b"", b""]
        """Two for the heads, one for the list of free pages."""

    def leaf(self, bucket: Bucket) -> bytes:
        """The elements of a bucket without a page's head."""
        entries = []
        for key in sorted(bucket):
            value = bucket[key]
            entries.append(
                (0, key, value) if isinstance(value, bytes) else (_BUCKET, key, self.within(value))
            )
        offset = 16 * len(entries)
        table, content = b"", b""
        for place, (flags, key, value) in enumerate(entries):
            table += struct.pack("<IIII", flags, offset - 16 * place + len(content), len(key), len(value))
            content += key + value
        return table + content

    def within(self, bucket: Bucket) -> bytes:
        """The value that stands for a bucket in its parent."""
        content = self.leaf(bucket)
        if len(content) <= _SMALL:
            return struct.pack("<QQ", 0, 0) + struct.pack("<QHHI", 0, _LEAF, len(bucket), 0) + content
        return struct.pack("<QQ", self.put(content, len(bucket)), 0)

    def put(self, content: bytes, count: int) -> int:
        number = len(self.pages)
        extra = (16 + len(content) - 1) // PAGE
        page = struct.pack("<QHHI", number, _LEAF, count, extra) + content
        page = page.ljust(PAGE * (extra + 1), b"\0")
        self.pages += [page[start : start + PAGE] for start in range(0, len(page), PAGE)]
        return number

    def file(self, root: Bucket) -> bytes:
        top = self.put(self.leaf(root), len(root))
        for number in (0, 1):
            body = struct.pack("<IIIIQQQQQ", _MAGIC, _VERSION, PAGE, 0, top, 0, 2, len(self.pages), number)
            page = struct.pack("<QHHI", number, _META, 0, 0) + body + struct.pack("<Q", _fnv(body))
            self.pages[number] = page.ljust(PAGE, b"\0")
        self.pages[2] = struct.pack("<QHHI", 2, _FREELIST, 0, 0).ljust(PAGE, b"\0")
        return b"".join(self.pages)


def _constraint(span: VersionRange) -> str:
    parts = [f"{'>' if span.after else '>='}{span.introduced}"] if span.introduced else []
    parts += [f"<{span.fixed}"] if span.fixed else []
    parts += [f"<={span.last_affected}"] if span.last_affected else []
    # A bare 0 would leave out what comes before it: pseudo-versions of Go.
    return ", ".join(parts) or ">=0.0.0-0"


def _add_to_release(
    buckets: dict[str, dict[str, dict[str, bytes]]],
    problems: dict[bytes, bytes],
    advisory: Advisory,
    affected: Affected,
) -> None:
    """One fix for each problem of a package, the last: Trivy holds no more."""
    if affected.state not in ("affected", "wont fix", "deferred"):
        return
    key = orderings()[affected.ecosystem].key
    release = buckets.setdefault(f"{_DISTRIBUTIONS[affected.ecosystem]} {affected.release}", {})
    name = f"{affected.module}::{affected.package}" if affected.module else affected.package
    found = release.setdefault(name, {})
    for id in advisory.covers or (advisory.id,):
        fixes = [span.fixed for span in affected.ranges if span.fixed]
        if id in found:
            fixes.append(json.loads(found[id])["FixedVersion"])
        found[id] = json.dumps({"FixedVersion": max(filter(None, fixes), key=key, default="")}).encode()
        problems[id.encode()] = json.dumps({"Title": id, "Severity": "HIGH"}).encode()


def write_trivy_database(advisories: Iterable[Advisory], folder: Path) -> None:
    """``folder`` becomes what ``trivy --cache-dir`` takes."""
    buckets: dict[str, dict[str, dict[str, bytes]]] = {}
    problems: dict[bytes, bytes] = {}
    for advisory in advisories:
        if advisory.withdrawn:
            continue
        for affected in advisory.affected:
            if affected.ecosystem in _DISTRIBUTIONS:
                _add_to_release(buckets, problems, advisory, affected)
                continue
            prefix = _PREFIXES.get(affected.ecosystem)
            spans = affected.ranges or tuple(
                VersionRange(version, last_affected=version) for version in affected.versions
            )
            if prefix is None or not spans:
                continue
            name = affected.package.lower().replace("_", "-") if prefix == "pip" else affected.package
            says = {
                "VulnerableVersions": [_constraint(span) for span in spans],
                # As in its own database: that of Composer has none, where ranges of branches follow each other.
                "PatchedVersions": [
                    span.fixed for span in spans if span.fixed and span.is_fix and prefix != "composer"
                ],
            }
            packages = buckets.setdefault(f"{prefix}::Equal data", {})
            found = packages.setdefault(name, {})
            if advisory.id in found:
                before = json.loads(found[advisory.id])
                says = {key: before[key] + says[key] for key in says}
            found[advisory.id] = json.dumps(says).encode()
            problems[advisory.id.encode()] = json.dumps({"Title": advisory.id, "Severity": "HIGH"}).encode()
    source = json.dumps({"ID": "osv", "Name": "Equal data", "URL": "https://osv.dev"}).encode()
    root: dict[bytes, bytes | Bucket] = {
        name.encode(): {
            package.encode(): {id.encode(): says for id, says in found.items()}
            for package, found in packages.items()
        }
        for name, packages in buckets.items()
    }
    root[b"vulnerability"] = problems
    root[b"data-source"] = {name.encode(): source for name in buckets}
    (folder / "db").mkdir(parents=True, exist_ok=True)
    (folder / "db/trivy.db").write_bytes(_Pages().file(root))
    later = "2099-01-01T00:00:00Z"
    told = {"Version": 2, "NextUpdate": later, "UpdatedAt": later, "DownloadedAt": later}
    (folder / "db/metadata.json").write_text(json.dumps(told))
