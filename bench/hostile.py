"""Worst cases, each scanned by a process of its own: time, memory and output, printed as a table.

``python bench/hostile.py [--documents N] [--seed S] [--minutes M]``

With ``--documents`` it writes that many documents in hiding shapes instead, and holds what is read of them against the library
that kubectl is made of (``tests/sources/manifest_shapes.py``); every silent one is copied to the current folder, and the exit code is 1.
5,000 documents are of one seed. After ``--minutes`` it ends, and says which seed is next.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
COMMAND = (sys.executable, "-m", "leadline.programs.cli.main", "scan")
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
CHART = "apiVersion: v2\nname: c\nversion: 1.0.0\n"
LIMIT_S = 600
_AT_ONCE = 5_000


def one_line(folder: Path, containers: int) -> None:
    listed = ", ".join(f"{{name: c{i}, image: a}}" for i in range(containers))
    pod = "apiVersion: v1, kind: Pod, metadata: {name: a}"
    (folder / "x.yaml").write_text(f"{{{pod}, spec: {{containers: [{listed}]}}}}\n")


def tiny_objects(folder: Path) -> None:
    items = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}"}} for i in range(20_000)]
    (folder / "x.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def laughs(folder: Path) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (folder / "x.yaml").write_text(POD + "\n".join(lines) + "\n")


def deep(folder: Path) -> None:
    (folder / "x.yaml").write_text(POD + "x: " + "[" * 9_000 + "]" * 9_000)


def many_documents(folder: Path) -> None:
    (folder / "x.yaml").write_text(("---\n" + POD) * 20_001)


def many_files(folder: Path) -> None:
    for number in range(10_000):
        (folder / f"{number}.yaml").write_text(POD)


def long_keys(folder: Path) -> None:
    (folder / "x.yaml").write_text(POD + "".join(f"k{i}: {{a: &m [1], b: *m}}\n" for i in range(200_000)))


def colons(folder: Path) -> None:
    (folder / "x.yaml").write_text(POD + "x: [" + "a:," * 100_000 + "]\n")


def pipes(folder: Path) -> None:
    (folder / "good.yaml").write_text(POD)
    for name in ("Chart.yaml", "kustomization.yaml", "x.tgz", "y.yaml", ".leadlineignore"):
        (folder / name.partition(".")[0]).mkdir(exist_ok=True)
        os.mkfifo(folder / name.partition(".")[0] / name)


def chart(folder: Path, template: str) -> None:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "templates/x.yaml").write_text(template)


def endless_chart(folder: Path) -> None:
    chart(folder, '{{ range until 2000000000 }}{{ printf "%d" . }}{{ end }}')


def many_endless_charts(folder: Path) -> None:
    for number in range(40):
        chart(
            folder / str(number), '{{ range until 2000000000 }}{{ $x := sha256sum (printf "%d" .) }}{{ end }}'
        )


def kustomize_ring(folder: Path) -> None:
    for number in range(200):
        (folder / str(number)).mkdir()
        bases = f"resources: [../{(number + 1) % 200}]\n"
        (folder / str(number) / "kustomization.yaml").write_text(bases)


CASES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "2,000 containers on one line, drawn": (lambda folder: one_line(folder, 2_000), ("-v", "-f", "pretty")),
    "2,000 containers on one line, JSON": (lambda folder: one_line(folder, 2_000), ("-f", "json")),
    "20,000 tiny objects, JSON": (tiny_objects, ("-f", "json")),
    "20,000 tiny objects, lines": (tiny_objects, ("-f", "lines")),
    "aliases of aliases": (laughs, ()),
    "9,000 levels": (deep, ()),
    "20,001 documents": (many_documents, ()),
    "10,000 files": (many_files, ()),
    "200,000 anchors": (long_keys, ()),
    "100,000 colons before brackets": (colons, ()),
    "named pipes": (pipes, ()),
    "an endless chart": (endless_chart, ()),
    "40 endless charts": (many_endless_charts, ()),
    "a ring of 200 kustomizations": (kustomize_ring, ()),
}


def measure(name: str) -> str:
    write, words = CASES[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder)
        read = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        started = time.perf_counter()
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        process = subprocess.Popen(
            (*COMMAND, place, *words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert process.stdout is not None
        written = 0
        while chunk := process.stdout.read(1 << 20):
            written += len(chunk)
            if time.perf_counter() - started > LIMIT_S:
                process.kill()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
    return (
        f"{name:<38} {seconds:7.1f} {usage.ru_maxrss / 1024:9.0f} {read / 1e6:9.2f} {written / 1e6:9.2f}"
        f" {process.returncode:5}"
    )


def differences(count: int, seed: int, longest_s: float) -> int:
    """How many of ``count`` documents, or of those that ``longest_s`` suffices for, kubectl reads otherwise than we do without a word."""
    from sources.kubectl_differential import silent_files_by_library, write_shapes
    from sources.kubectl_library import Library

    silent, started = 0, time.perf_counter()
    with Library() as library:
        for number, start in enumerate(range(0, count, _AT_ONCE)):
            with tempfile.TemporaryDirectory() as place:
                write_shapes(Path(place), seed + number, min(_AT_ONCE, count - start))
                for path in silent_files_by_library(Path(place), library):
                    silent += 1
                    shutil.copy(path, f"silent-{seed + number}-{path.name}")
            done = min(start + _AT_ONCE, count)
            seconds = time.perf_counter() - started
            print(
                f"{done:,} documents in {seconds:,.0f} s, seeds {seed} to {seed + number}, {silent} silent",
                flush=True,
            )
            if seconds > longest_s and done < count:
                print(f"not finished: go on with --seed {seed + number + 1} --documents {count - done}")
                break
    return silent


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--documents", type=int, default=0)
    options.add_argument("--seed", type=int, default=1_000)
    options.add_argument("--only", default="", help="cases whose name holds this")
    options.add_argument("--minutes", type=float, default=float("inf"), help="end after so many")
    chosen = options.parse_args()
    if chosen.documents:
        return 1 if differences(chosen.documents, chosen.seed, chosen.minutes * 60) else 0
    print(f"{'case':<38} {'s':>7} {'MiB':>9} {'MB in':>9} {'MB out':>9} {'exit':>5}")
    for name in CASES:
        if chosen.only in name:
            print(measure(name), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
