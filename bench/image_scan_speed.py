"""Times the whole command that finds vulnerabilities in an image, beside Trivy with the same data.

    python bench/image_scan_speed.py FOLDER TRIVY FEED... [--rounds N] [--registry] [--saved]

FOLDER holds the image of ``image_speed.py`` as ``image``, or any other OCI layout, or an archive as ``image.tar``, which ``--saved``
takes where both are there, as ``small_images.py`` makes them; FEEDs are as ``db build`` takes them. Cold
nothing is known of the image; then its layers are known, and what is in them is put together and matched anew. Both look for
credentials as well, and once more for vulnerabilities alone; each ratio is to ours that does the same. The floor is unpacking and starting Python;
of known layers it is the start of the command, with its options read and nothing opened. With
``--registry`` the same image is read once more out of a registry on this machine (Debian's ``docker-registry``). The commands take
turns; only ratios of one run mean anything. The ``leadline`` beside the Python that runs this is timed: where a wheel
is installed it is the users' own, while a checkout looks at each of its files to know whether what is cached is still its own.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from image_speed import UNZIP, compile_all, java_database, measured  # noqa: E402
from trivy_agreement import advisories  # noqa: E402
from trivy_database import write_trivy_database  # noqa: E402

from leadline.scans.images.database import build_database  # noqa: E402
from registry_process import Registry, real_registry  # noqa: E402

NAME = "bench/image"
START = """
import gc, os

gc.disable()
from leadline.programs.cli.lean_libraries import import_libraries

import_libraries()
from leadline.programs.cli.lazy_group import leadline

with leadline.make_context("leadline", ["scan", "image", "x", "-q"]) as context:
    _, command, words = leadline.resolve_command(context, ["scan", "image", "x", "-q"])
    command.make_context("scan", words, parent=context)
os._exit(0)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("trivy")
    parser.add_argument("feeds", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--registry", action="store_true")
    parser.add_argument("--saved", action="store_true")
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    compile_all()
    image = folder / "image"
    if asked.saved or not image.exists():
        image = folder / "image.tar"
    apart(write_databases, folder, asked.feeds)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    shutil.rmtree(folder / "cache", ignore_errors=True)
    compared(commands(folder, asked.trivy, "", str(image), ["--input", str(image)]), asked.rounds)
    if asked.registry:
        with pushed(image) as reference:
            both = commands(
                folder, asked.trivy, "registry, ", reference, ["--image-src", "remote", reference]
            )
            compared(both, asked.rounds)


def commands(folder: Path, trivy: str, where: str, image: str, to_trivy: list[str]) -> dict[str, list[str]]:
    """Each program for an image that it does not know, and for one whose layers it knows."""
    ours = [str(Path(sys.executable).with_name("leadline")), "scan", "image", image, "-q", "-f", "json"]
    ours += ["--db", str(folder / "ours.db")]
    theirs = [trivy, "image", *to_trivy, "--offline-scan", "--skip-db-update", "-q", "--skip-java-db-update"]
    theirs += ["--format", "json"]
    cold = [*theirs, "--cache-dir", str(folder / "trivy-cold"), "--cache-backend", "memory"]
    known = [*theirs, "--cache-dir", str(folder / "trivy-known")]
    both, alone = ["--scanners", "vuln,secret"], ["--scanners", "vuln"]
    floor = {f"{where}layers known: floor": [sys.executable, "-c", START]}
    if Path(image).is_dir():
        floor[f"{where}cold: floor"] = [sys.executable, "-c", UNZIP, image]
    return floor | {
        f"{where}cold: leadline": [*ours, "--no-cache"],
        f"{where}cold: leadline, vulnerabilities": [*ours, "--no-cache", *alone],
        f"{where}cold: trivy": [*cold, *both],
        f"{where}cold: trivy, vulnerabilities": [*cold, *alone],
        f"{where}layers known: leadline": ours,
        f"{where}layers known: leadline, vulnerabilities": [*ours, *alone],
        f"{where}layers known: trivy": [*known, *both],
        f"{where}layers known: trivy, vulnerabilities": [*known, *alone],
    }


def apart(work: Callable[..., None], *given: object) -> None:
    """In a process of its own: Linux counts the peak of whoever starts a process as that of the process too."""
    process = multiprocessing.Process(target=work, args=given)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"failed: {work.__name__}")


def write_databases(folder: Path, feeds: list[Path]) -> None:
    build_database(feeds, folder / "ours.db", "2026-06-30T00:00:00Z")
    for name in ("trivy-cold", "trivy-known"):
        write_trivy_database(advisories(feeds), folder / name)
        java_database(folder / name / "java-db")


@contextmanager
def pushed(layout: Path) -> Iterator[str]:
    """The reference of the one image of ``layout``, in a registry that is there meanwhile."""
    with TemporaryDirectory() as folder, real_registry(Path(folder)) as registry:
        apart(push, layout, registry)
        yield f"{registry.host}/{NAME}:1"


def push(layout: Path, registry: Registry) -> None:
    def blob(digest: str) -> bytes:
        return (layout / "blobs" / digest.replace(":", "/")).read_bytes()

    index = json.loads((layout / "index.json").read_bytes())
    manifest = json.loads(blob(index["manifests"][0]["digest"]))
    for one in (manifest["config"], *manifest["layers"]):
        registry.push_blob(NAME, blob(one["digest"]))
    manifest.setdefault("mediaType", "application/vnd.oci.image.manifest.v1+json")
    registry.push_manifest(NAME, "1", manifest)


def compared(commands: dict[str, list[str]], rounds: int) -> None:
    for name, command in commands.items():
        if not name.endswith("floor"):
            print(f"{name}: {found(command):,} vulnerabilities")
    runs: dict[str, list[tuple[float, float, int]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(measured(command))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, medians of {rounds}")
    middle = {name: [median(column) for column in zip(*rows, strict=True)] for name, rows in runs.items()}
    for name, (wall, processor, peak) in middle.items():
        alone = ", vulnerabilities" if name.endswith(", vulnerabilities") else ""
        own = middle[f"{name.partition(':')[0]}: leadline{alone}"]
        ratios = f"{wall / own[0]:5.2f}x wall {processor / own[1]:5.2f}x processor"
        print(f"{name:<45} {wall:7.3f} s {processor:7.3f} s {int(peak) >> 10:5} MiB {ratios}")


def found(command: list[str]) -> int:
    done = subprocess.run(command, check=False, capture_output=True, timeout=600)
    document = json.loads(done.stdout)
    if "vulnerabilities" in document:
        return len(document["vulnerabilities"])
    return sum(len(one.get("Vulnerabilities", ())) for one in document.get("Results", ()))


if __name__ == "__main__":
    main()
