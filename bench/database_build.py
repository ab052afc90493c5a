"""What making a vulnerability database of OSV records costs, beside reading and decoding the same records alone.

    python bench/database_build.py FOLDER [--records 500000]

``FOLDER`` holds ``*.jsonl.zst`` of OSV records. They are cloned under other ids and package names into a zip, as publishers
have it, and each of the two jobs runs in a process of its own. Printed: processor time and peak memory of both.
"""

import argparse
import gc
import multiprocessing
import re
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import zstandard

import leadline.vulnerabilities.feeds
from leadline.discover import discover
from leadline.scans.images.database import build_database
from leadline.sources.feeds.documents import documents
from leadline.vulnerabilities.feed import Document, Feed

_NAMES = ("PyPI", "Go", "crates.io", "AlmaLinux")
_ID = re.compile(rb'"(?:id|name)": ?"([^"\\]+)"|"((?:CVE|GHSA|PYSEC|GO|RUSTSEC|ALSA)-[^"\\]+)"')


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--job", choices=("build", "decode"), help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.job:
        gc.disable()  # as the command line does
    if flags.job == "build":
        build_database([flags.folder], flags.folder.with_suffix(".db"), "2026-01-01T00:00:00Z")
    elif flags.job == "decode":
        decode(flags.folder)
    if flags.job:
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(f"{used.ru_utime + used.ru_stime:.1f} {used.ru_maxrss >> 10}")
        return 0
    with tempfile.TemporaryDirectory(prefix="leadline-build-") as work:
        given = Path(work) / "all.zip"
        # In a process of its own: Linux counts the peak of whoever starts a process as that of the process too.
        cloning = multiprocessing.Process(target=clone, args=(flags.folder, given, flags.records))
        cloning.start()
        cloning.join()
        figures = {}
        for job in ("decode", "build"):
            words = [sys.executable, __file__, str(given), "--job", job]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            figures[job] = [float(word) for word in said.split()]
        size = given.with_suffix(".db").stat().st_size
    decoded, built = figures["decode"], figures["build"]
    print(
        f"{flags.records:,} records: built in {built[0]:.1f} s of processor time with {built[1]:.0f} MiB at most, {size / 1e6:,.0f} MB"
    )
    print(
        f"read and decoded alone in {decoded[0]:.1f} s with {decoded[1]:.0f} MiB: {built[0] / decoded[0]:.2f} times"
    )
    return 0


def clone(folder: Path, target: Path, most: int) -> None:
    written, round = 0, 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        while written < most:
            for line in lines(folder):
                if written >= most:
                    break
                file.writestr(f"{written}.json", renamed(line, round) if round else line)
                written += 1
            round += 1


def lines(folder: Path) -> Iterator[bytes]:
    for name in _NAMES:
        with zstandard.open(folder / f"{name}.jsonl.zst", "rb") as file:
            yield from filter(None, file.read().split(b"\n"))


def renamed(line: bytes, round: int) -> bytes:
    """Ids and names of packages with a number behind them."""

    def other(found: re.Match[bytes]) -> bytes:
        text = found[1] or found[2]
        return found[0].replace(text, text + b"%d" % round)

    return _ID.sub(other, line)


def decode(path: Path) -> None:
    """All documents, and the facts that their feed makes of them."""
    feeds = discover(leadline.vulnerabilities.feeds, Feed)
    latest: Feed | None = None
    for document in documents([path]):
        if isinstance(document, Document):
            if latest is None or not latest.recognises(document):
                latest = next((feed for feed in feeds if feed.recognises(document)), None)
            for _ in latest.read(document) if latest else ():
                pass


if __name__ == "__main__":
    sys.exit(main())
