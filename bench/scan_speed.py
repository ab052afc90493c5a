"""Start-up, one file and 2,000 manifests as whole processes, printed as ratios from one run.

``python bench/scan_speed.py [--checkov BIN] [--trivy BIN] [--kube-score BIN] [--runs N] [--objects N]``

Compared with bare Python, with the time of parsing alone (PyYAML's C loader in the same Python), and with the peers
that are given. Commands take turns, so that a machine that slows down slows all of them; medians are printed.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from manifests import write_folder

LEADLINE = [sys.executable, "-m", "leadline.programs.cli.main"]
PARSE = (
    "import gc,pathlib,sys,yaml\ngc.disable()\n"
    "for f in pathlib.Path(sys.argv[1]).glob('*.yaml'):\n"
    "  list(yaml.load_all(f.read_bytes(), yaml.CSafeLoader))"
)
OWN_PARSE = (
    "import gc,sys\ngc.disable()\n"
    "from leadline.sources.manifests.reader import read_manifests\n"
    "read_manifests([sys.argv[1]])"
)


class Command:
    def __init__(self, name: str, words: list[str]) -> None:
        self.name = name
        self.words = words
        self.walls: list[float] = []
        self.cpus: list[float] = []
        self.peak_mib = 0.0

    def run(self) -> None:
        started = time.perf_counter()
        process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        self.walls.append(time.perf_counter() - started)
        self.cpus.append(usage.ru_utime + usage.ru_stime)
        self.peak_mib = max(self.peak_mib, usage.ru_maxrss / 1024)

    @property
    def wall(self) -> float:
        return statistics.median(self.walls)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpus)


def compare(title: str, commands: list[Command], runs: int) -> None:
    """The first command is ours, the others are what it is held against."""
    for command in commands:
        command.run()
        command.walls.clear()
        command.cpus.clear()
    for _ in range(runs):
        for command in commands:
            command.run()
    ours = commands[0]
    print(f"\n{title}")
    for command in commands:
        ratio = (
            ""
            if command is ours
            else f"   ours takes {ours.wall / command.wall:.2f} of its time, {ours.cpu / command.cpu:.2f} of its processor"
        )
        print(
            f"  {command.name:<24} {command.wall * 1000:8.0f} ms  {command.cpu * 1000:8.0f} ms cpu {command.peak_mib:7.0f} MiB{ratio}"
        )


def peers(given: argparse.Namespace, path: Path) -> list[Command]:
    target = str(path)
    found = []
    if given.kube_score:
        files = [str(f) for f in sorted(path.glob("*.yaml"))] if path.is_dir() else [target]
        found.append(Command("kube-score", [given.kube_score, "score", *files]))
    if given.checkov:
        flag = "-d" if path.is_dir() else "-f"
        found.append(
            Command(
                "checkov",
                [
                    given.checkov,
                    "--framework",
                    "kubernetes",
                    "--skip-download",
                    "--compact",
                    "--quiet",
                    flag,
                    target,
                ],
            )
        )
    if given.trivy:
        found.append(
            Command(
                "trivy",
                [given.trivy, "config", "--skip-check-update", "--skip-policy-update", "--quiet", target],
            )
        )
    return found


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # where it is installed, compiled code is kept
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--checkov", "--trivy", "--kube-score"):
        parser.add_argument(name, default="")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--objects", type=int, default=2000)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    python = [sys.executable, "-c", "pass"]
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.yaml"
        write_folder(Path(folder) / "one", 1, 1)
        (Path(folder) / "one" / "app-00000.yaml").rename(one)
        many = Path(folder) / "many"
        size = write_folder(many, given.objects)
        compare(
            "start-up",
            [Command("leadline --version", [*LEADLINE, "--version"]), Command("python -c pass", python)],
            given.runs * 3,
        )
        compare(
            "one Deployment",
            [
                Command("leadline scan", [*LEADLINE, "scan", str(one)]),
                Command("python -c pass", python),
                *peers(given, one),
            ],
            given.runs,
        )
        compare(
            f"{given.objects:,} manifests, {size / 1e6:.1f} MB",
            [
                Command("leadline scan", [*LEADLINE, "scan", str(many), "--format", "pretty"]),
                Command("leadline scan, JSON", [*LEADLINE, "scan", str(many), "--format", "json"]),
                Command("PyYAML C loader alone", [sys.executable, "-c", PARSE, str(many)]),
                Command("our reader alone", [sys.executable, "-c", OWN_PARSE, str(many)]),
                *peers(given, many),
            ],
            max(1, given.runs // 2 + 1),
        )


if __name__ == "__main__":
    main()
