"""Reads RPM databases of real systems, and compares every package with what go-rpmdb finds in the same files.

    python bench/rpm_databases.py [VERSION]

Needs Go, and the Go module proxy: the module of the library brings databases of CentOS 5 to 8, RHEL (UBI) 8 on a machine of
the other byte order, Fedora 35, SUSE Linux Enterprise 15 and CBL-Mariner 2.0, in all three back ends that rpm had. Nothing of them is kept.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from leadline.scans.images.lazy_sbom import open_sbom
from leadline.scans.options import ImageOptions

MODULE = "github.com/knqyf263/go-rpmdb"
VERSION = "v0.1.1"
SQLITE = "github.com/glebarez/go-sqlite@v1.21.2"
LISTER = """package main

import (
	"encoding/json"
	"os"

	_ "github.com/glebarez/go-sqlite"
	rpmdb "github.com/knqyf263/go-rpmdb/pkg"
)

func main() {
	found := map[string][][]string{}
	for _, path := range os.Args[1:] {
		database, err := rpmdb.Open(path)
		if err != nil {
			panic(err)
		}
		packages, err := database.ListPackages()
		if err != nil {
			panic(err)
		}
		for _, one := range packages {
			version := one.Version + "-" + one.Release
			if one.Epoch != nil && *one.Epoch != 0 {
				version = string(must(json.Marshal(*one.Epoch))) + ":" + version
			}
			found[path] = append(found[path], []string{one.Name, version, one.Arch, one.Modularitylabel})
		}
	}
	json.NewEncoder(os.Stdout).Encode(found)
}

func must(text []byte, _ error) []byte { return text }
"""


def main() -> None:
    version = sys.argv[1] if len(sys.argv) > 1 else VERSION
    with tempfile.TemporaryDirectory() as folder:
        databases, theirs = listed(Path(folder), version)
    differing = 0
    for path in databases:
        began = time.process_time()
        ours = packages(path)
        seconds = time.process_time() - began
        expected = {tuple(row) for row in theirs[str(path)] if row[0] != "gpg-pubkey"}
        differing += ours != expected
        same = "the same" if ours == expected else f"{len(ours ^ expected)} differ"
        print(f"{path.parent.name:<26} {path.name:<14} {len(ours):>5} packages, {same}, {seconds:.2f} s")
        for row in sorted(ours ^ expected)[:5]:
            print(f"    {'ours' if row in ours else 'theirs'} alone: {' '.join(row)}")
    sys.exit(1 if differing else 0)


def listed(folder: Path, version: str) -> tuple[list[Path], dict[str, Any]]:
    """The databases that the module brings, and what the library lists of each."""

    def go(*words: str) -> str:
        done = subprocess.run(["go", *words], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout

    (folder / "main.go").write_text(LISTER)
    go("mod", "init", "lister")
    go("get", f"{MODULE}@{version}", SQLITE)
    go("mod", "tidy")
    go("build", "-o", "lister", ".")
    data = Path(go("list", "-m", "-f", "{{.Dir}}", MODULE).strip(), "pkg", "testdata")
    databases = sorted(
        path for path in data.rglob("*") if path.name in ("Packages", "Packages.db", "rpmdb.sqlite")
    )
    done = subprocess.run([str(folder / "lister"), *map(str, databases)], check=True, capture_output=True)
    return databases, json.loads(done.stdout)


def packages(path: Path) -> set[tuple[str, ...]]:
    """As a scan of a root folder finds them that holds nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "var", "lib", "rpm")
        place.mkdir(parents=True)
        shutil.copy(path, place / path.name)
        with open_sbom(f"dir:{folder}", ImageOptions()) as lazy:
            return {
                (one.name, one.version, one.arch, dict(one.qualifiers).get("modularitylabel", ""))
                for one in lazy.sbom().packages
            }


if __name__ == "__main__":
    main()
