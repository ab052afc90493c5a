"""Times the whole command that finds vulnerabilities in an image, beside Trivy with the same data.

    python bench/image_scan_speed.py FOLDER TRIVY FEED... [--rounds N]

FOLDER holds the image of ``image_speed.py`` as ``image``, or any other OCI layout; FEEDs are as ``db build`` takes them. Cold
nothing is known of the image; then its layers are known, and what is in them is put together and matched anew. The
commands take turns; only ratios of one run mean anything.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

from image_speed import compile_all, java_database, measured
from trivy_agreement import advisories
from trivy_database import write_trivy_database

from leadline.scans.database import build_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("trivy")
    parser.add_argument("feeds", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    compile_all()
    image = folder / "image"
    database = folder / "ours.db"
    build_database(asked.feeds, database, "2026-06-30T00:00:00Z")
    for name in ("trivy-cold", "trivy-known"):
        write_trivy_database(advisories(asked.feeds), folder / name)
        java_database(folder / name / "java-db")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    shutil.rmtree(folder / "cache", ignore_errors=True)
    leadline = [
        str(Path(sys.executable).with_name("leadline")),
        "scan",
        "image",
        str(image),
        "-q",
        "-f",
        "json",
    ]
    trivy = [asked.trivy, "image", "--input", str(image), "--offline-scan", "--skip-db-update", "-q"]
    trivy += ["--skip-java-db-update", "--scanners", "vuln,secret", "--format", "json", "--cache-dir"]
    commands = {
        "cold: leadline": [*leadline, "--db", str(database), "--no-cache"],
        "cold: trivy": [*trivy, str(folder / "trivy-cold"), "--cache-backend", "memory"],
        "layers known: leadline": [*leadline, "--db", str(database)],
        "layers known: trivy": [*trivy, str(folder / "trivy-known")],
    }
    for name, command in commands.items():
        print(f"{name}: {found(command):,} vulnerabilities")
    runs: dict[str, list[tuple[float, float, int]]] = {name: [] for name in commands}
    for _ in range(asked.rounds):
        for name, command in commands.items():
            runs[name].append(measured(command))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, medians of {asked.rounds}")
    middle = {name: [median(column) for column in zip(*rows, strict=True)] for name, rows in runs.items()}
    for name, (wall, processor, peak) in middle.items():
        own = middle[f"{name.partition(':')[0]}: leadline"]
        ratios = f"{wall / own[0]:5.2f}x wall {processor / own[1]:5.2f}x processor"
        print(f"{name:<24} {wall:7.2f} s {processor:7.2f} s {int(peak) >> 10:5} MiB {ratios}")


def found(command: list[str]) -> int:
    done = subprocess.run(command, check=False, capture_output=True, timeout=600)
    document = json.loads(done.stdout)
    if "vulnerabilities" in document:
        return len(document["vulnerabilities"])
    return sum(len(one.get("Vulnerabilities", ())) for one in document.get("Results", ()))


if __name__ == "__main__":
    main()
