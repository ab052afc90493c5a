"""Whether this commit got slower: ``python bench/against.py COMMIT [--pairs N] [--jobs NAME,NAME] [--own-libraries]``.

Installs COMMIT and HEAD, each from a work tree of its own into an environment of its own, compiled, and runs the main jobs
in turns: one, the other; the other, the one. Prints a Markdown table: medians of time on the wall and of the processor, the
peak of memory, and the ratio of HEAD to COMMIT. Both use the libraries of the Python that runs this, so that only our own
code differs; with ``--own-libraries`` each installs those of its ``requirements.lock``. What a commit cannot do is said in its
row. Says something about the wall on a quiet machine only; the load is printed. A peak below that of this script (24 MiB) is
shown as this.
"""

import argparse
import contextlib
import os
import shutil
import signal
import site
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), *(str(ROOT / "tests" / name) for name in ("", "cluster"))]

from manifests import write_folder  # noqa: E402

LIMIT_S = 600
MANIFESTS = 2_020
CHARTS = 46
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n"
CHANGE = """
import sys, time
sys.path.insert(0, sys.argv[1])
from manifests import objects
from leadline.model.resource import resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import Judge
from leadline.posture.follow import Followed
from leadline.posture.worlds import Worlds
everything = [resource_of(body) for body in objects(20_000)]
followed = Followed(Judge([c for c in load_controls() if c.check]), Worlds(everything))
wall, cpu = time.perf_counter(), time.process_time()
for one in everything[:200]:
    followed.change({one.id}, [one])
print(time.perf_counter() - wall, time.process_time() - cpu)
"""
"""Prints seconds on the wall and of the processor for 200 changes."""
WRITES = """
import asyncio, sys, tempfile, time
from pathlib import Path
try:
    from leadline.api.carriers.local import LocalStore
    from leadline.api.protocol import Content, Put
    from leadline.api.selection import Key
except ImportError:
    from leadline.outputs.store.local import LocalStore
    from leadline.outputs.store.protocol import Content, Put
    from leadline.outputs.store.selection import Key
async def main(folder):
    store = LocalStore(folder / "results.db")
    body = b'{"spec":"' + bytes(range(97, 123)) * 400 + b'"}'
    puts = [Put(Key("workloadconfigurationscans", "shop", f"a{n}"), Content(b"{}", b"[]", body)) for n in range(2_000)]
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(puts), 50):
        await asyncio.gather(*map(store.put, puts[start : start + 50]))
    print(time.perf_counter() - wall, time.process_time() - cpu)
    await store.close()
with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
"""


class Side(Struct):
    """A commit that is installed."""

    name: str
    tree: Path
    python: Path

    @property
    def leadline(self) -> list[str]:
        return [str(self.python), "-m", "leadline.programs.cli.main"]


class Cost(Struct, frozen=True):
    wall_s: float
    cpu_s: float
    peak_mib: float


class Job(Struct, frozen=True):
    name: str
    says: str
    command: Callable[[Side], list[str]]
    before: Callable[[Side], None] = lambda _: None
    """Made anew before each run, and not measured."""
    prints_cost: bool = False
    """Whether its last line is seconds on the wall and of the processor, of the part that counts."""
    runs: int = 1
    """In one measurement, for what is short."""


class NotThereError(Exception):
    """A commit cannot do a job; the last line that it wrote."""


def installed(commit: str, folder: Path, own_libraries: bool) -> Side:
    short = git("rev-parse", "--short", commit)
    tree, environment = folder / f"tree-{short}", folder / f"venv-{short}"
    git("worktree", "add", "--detach", "--force", str(tree), commit)
    quiet([sys.executable, "-m", "venv", str(environment)])
    python = environment / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if own_libraries:
        quiet([*pip, "--require-hashes", "-r", str(tree / "requirements.lock")])
    else:
        here = next(environment.glob("lib/python*/site-packages"))
        shared = {*site.getsitepackages(), *(one for one in sys.path if one.endswith("site-packages"))}
        (here / "shared.pth").write_text("\n".join(sorted(shared)))
    quiet([*pip, "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed", str(tree)])
    place = quiet([str(python), "-c", "import leadline; print(leadline.__file__)"]).strip()
    if not place.startswith(str(environment)):
        raise SystemExit(f"{short} is not what its environment imports: {place}")
    quiet([str(python), "-m", "compileall", "-q", str(Path(place).parent)])
    return Side(short, tree, python)


def jobs(folder: Path, kubeconfig: str) -> Iterator[Job]:
    (folder / "one.yaml").write_text(POD)
    many, charts = folder / "many", folder / "charts"
    write_folder(many, MANIFESTS, per_file=1)
    chart = ROOT / "deploy" / "chart"
    for number in range(CHARTS):
        shutil.copytree(chart, charts / f"chart-{number}")
    image = ROOT / "examples" / "image" / "web.tar"
    cache = folder / "cache"

    def scan(*words: str) -> Callable[[Side], list[str]]:
        return lambda side: [*side.leadline, "scan", *words]

    yield Job("version", "`--version`, 10 times", lambda side: [*side.leadline, "--version"], runs=10)
    yield Job("file", "one file, 5 times", scan(str(folder / "one.yaml"), "--format", "lines"), runs=5)
    yield Job("terminal", f"{MANIFESTS:,} manifests to the terminal", scan(str(many), "--format", "pretty"))
    yield Job("json", f"{MANIFESTS:,} manifests to JSON", scan(str(many), "--format", "json"))
    yield Job("charts", f"{CHARTS} charts", scan(str(charts), "--format", "lines"))
    if kubeconfig:
        at = ("--kubeconfig", kubeconfig)
        for format in ("pretty", "lines", "json"):
            yield Job(f"cluster-{format}", f"a live cluster to {format}", scan(*at, "--format", format))
    words = ("image", str(image), "--format", "json")
    yield Job(
        "image-cold", "an image, no layer known", scan(*words), before=lambda side: clear(cache / side.name)
    )
    yield Job("image-known", "an image, its layers known, 3 times", scan(*words), runs=3)
    script = [str(ROOT / "bench")]
    yield Job(
        "change",
        "200 changes among 20,000 objects",
        lambda side: [str(side.python), "-c", CHANGE, *script],
        prints_cost=True,
    )
    yield Job(
        "writes",
        "2,000 writes of 10 KB to the store",
        lambda side: [str(side.python), "-c", WRITES],
        prints_cost=True,
    )


def clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def measured(job: Job, side: Side, folder: Path) -> Cost:
    """Raises: ``NotThereError``."""
    job.before(side)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LEADLINE_"))},
        "XDG_CACHE_HOME": str(folder / "cache" / side.name),
        "COLUMNS": "100",
    }
    wall = cpu = peak = 0.0
    for _ in range(job.runs):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaint:
            started = time.perf_counter()
            child = subprocess.Popen(
                job.command(side),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=complaint,
                env=environment,
                cwd=folder,
            )
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            wall += time.perf_counter() - started
            cpu += usage.ru_utime + usage.ru_stime
            peak = max(peak, usage.ru_maxrss / 1024)
            out.seek(0)
            complaint.seek(0)
            if child.returncode not in (0, 1) or (child.returncode == 1 and b"Traceback" in complaint.read()):
                complaint.seek(0)
                lines = complaint.read().decode(errors="replace").strip().splitlines()
                raise NotThereError(lines[-1][:100] if lines else f"exit code {child.returncode}")
            if job.prints_cost:
                wall, cpu = map(float, out.read().split()[-2:])
    return Cost(wall, cpu, peak)


def row(job: Job, old: Side, new: Side, folder: Path, pairs: int) -> str:
    costs: dict[str, list[Cost]] = {old.name: [], new.name: []}
    for pair in range(pairs + 1):
        for side in (old, new) if pair % 2 else (new, old):
            try:
                cost = measured(job, side, folder)
            except NotThereError as error:
                return f"| {job.says} | {side.name} cannot: {error} | | | | | | | | |"
            if pair:
                # The first of each only warms up.
                costs[side.name].append(cost)
    cells = []
    for field, digits in (("wall_s", 2), ("cpu_s", 2), ("peak_mib", 0)):
        before, after = (
            statistics.median(getattr(cost, field) for cost in costs[side.name]) for side in (old, new)
        )
        ratios = [
            getattr(a, field) / getattr(b, field)
            for b, a in zip(costs[old.name], costs[new.name], strict=True)
        ]
        cells += [f"{before:.{digits}f}", f"{after:.{digits}f}", f"{statistics.median(ratios):.2f}"]
    return f"| {job.says} | {' | '.join(cells)} |"


@contextlib.contextmanager
def cluster(is_wanted: bool) -> Iterator[str]:
    """The kubeconfig of an API server with some 4,800 objects; empty where none is wanted."""
    if not is_wanted:
        yield ""
        return
    from cluster_real import create
    from control_plane import ControlPlane

    plane = ControlPlane()
    try:
        plane.start()
        create(plane)
        yield plane.admin()
    finally:
        plane.stop()


def quiet(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=LIMIT_S)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def git(*words: str) -> str:
    return quiet(["git", *words]).strip()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--jobs", default="", help="names, separated by commas; all without it")
    parser.add_argument("--own-libraries", action="store_true")
    flags = parser.parse_args()
    # So that the work trees are taken away then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wanted = set(filter(None, flags.jobs.split(",")))
    with tempfile.TemporaryDirectory(prefix="leadline-against-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        stack.callback(git, "worktree", "prune")
        sides = []
        for commit in (flags.commit, "HEAD"):
            sides.append(installed(commit, folder, flags.own_libraries))
            stack.callback(git, "worktree", "remove", "--force", str(sides[-1].tree))
        old, new = sides
        needs_cluster = not wanted or any(one.startswith("cluster") for one in wanted)
        kubeconfig = stack.enter_context(cluster(needs_cluster))
        known = list(jobs(folder, kubeconfig))
        if unknown := wanted - {job.name for job in known}:
            raise SystemExit(
                f"unknown jobs: {', '.join(unknown)}; there are {', '.join(job.name for job in known)}"
            )
        print(f"{flags.pairs} pairs; load {os.getloadavg()[0]:.1f} at the start", flush=True)
        head = [f"{what} {side}" for what in ("s", "CPU s", "MiB") for side in (old.name, new.name, "ratio")]
        print(f"| job | {' | '.join(head)} |\n|---|{'--:|' * 9}", flush=True)
        for job in known:
            if not wanted or job.name in wanted:
                print(row(job, old, new, folder, flags.pairs), flush=True)
        print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
