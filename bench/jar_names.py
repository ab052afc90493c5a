"""Counts how many jars are named rightly, as Maven's repository has them, renamed, and as sbt names them; beside Trivy.

    python bench/jar_names.py REPOSITORY TRIVY [--jars 120]

``REPOSITORY`` is a local one of Maven (``~/.m2/repository``), whose folders say group, artifact and version of each jar. Trivy has an empty
database of Java, by which it otherwise looks up checksums.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from image_speed import java_database

Names = set[tuple[str, str, str]]
_WAYS: dict[str, Callable[[str, str, str], str]] = {
    "as Maven's repository has them": lambda _, artifact, version: f"{artifact}-{version}.jar",
    "renamed to artifact.jar": lambda _, artifact, version: f"{artifact}.jar",
    "group.artifact-version.jar, as sbt does": lambda group, artifact, version: (
        f"{group}.{artifact}-{version}.jar"
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("trivy")
    parser.add_argument("--jars", type=int, default=120)
    flags = parser.parse_args()
    jars = chosen(flags.repository, flags.jars)
    for way, name in _WAYS.items():
        with tempfile.TemporaryDirectory() as work:
            library = Path(work) / "root/opt/app/lib"
            library.mkdir(parents=True)
            for jar, coordinates in jars.items():
                shutil.copy(jar, library / name(*coordinates))
            truth = set(jars.values())
            row = []
            for found in (
                ours(library.parents[2]),
                trivy(flags.trivy, library.parents[2], Path(work) / "cache"),
            ):
                row.append(
                    f"{len(truth & found)} of {len(truth)} right, {len(truth - found)} missed or misnamed"
                )
            print(f"{way}: Leadline {row[0]}; Trivy {row[1]}")


def chosen(repository: Path, number: int) -> dict[Path, tuple[str, str, str]]:
    found = {}
    for jar in sorted(repository.rglob("*.jar")):
        version, artifact, *group = jar.relative_to(repository).parent.parts[::-1]
        if jar.name == f"{artifact}-{version}.jar":
            found[jar] = (".".join(reversed(group)), artifact, version)
    names = random.Random(20260630).sample(sorted(found), min(number, len(found)))
    return {jar: found[jar] for jar in names}


def ours(root: Path) -> Names:
    command = [
        str(Path(sys.executable).with_name("leadline")),
        "image",
        "sbom",
        f"dir:{root}",
        "-q",
        "-f",
        "cyclonedx-json",
    ]
    return names_of(subprocess.run(command, check=True, capture_output=True).stdout)


def trivy(program: str, root: Path, cache: Path) -> Names:
    java_database(cache / "java-db")
    command = [program, "rootfs", str(root), "-q", "--format", "cyclonedx", "--cache-dir", str(cache)]
    command += ["--offline-scan", "--skip-db-update", "--skip-java-db-update"]
    return names_of(subprocess.run(command, check=True, capture_output=True).stdout)


def names_of(document: bytes) -> Names:
    components = json.loads(document).get("components", ())
    return {
        (one.get("group", ""), one["name"], one.get("version", ""))
        for one in components
        if "pkg:maven/" in one.get("purl", "")
    }


if __name__ == "__main__":
    main()
