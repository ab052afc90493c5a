"""Which problems of Go programs stand after asking what is linked into them, beside what govulncheck says.

    go install golang.org/x/vuln/cmd/govulncheck@latest
    python bench/go_packages.py GO.jsonl.zst PROGRAM...

GO.jsonl.zst: the records of Go's vulnerability database, one JSON record a line. govulncheck gives up on stripped
programs, and then takes every module for affected; so give it programs that are not.
"""

import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from leadline.model.package import Distro
from leadline.packages.file import File
from leadline.sbom.cataloguers.golang import golang
from leadline.scans.images.database import build_database
from leadline.vulnerabilities.database import Database
from leadline.vulnerabilities.match import match


def write_for_govulncheck(records: list[dict[str, Any]], folder: Path) -> None:
    """In the layout of vuln.go.dev (https://go.dev/doc/security/vuln/database#api)."""
    for name in ("index", "ID"):
        (folder / name).mkdir()
    modules: dict[str, dict[str, object]] = {}
    for record in records:
        (folder / "ID" / f"{record['id']}.json").write_text(json.dumps(record), "utf-8")
        for affected in record["affected"]:
            known = modules.setdefault(affected["package"]["name"], {})
            known[record["id"]] = {"id": record["id"], "modified": record["modified"]}
    index = {
        "db": {"modified": max(record["modified"] for record in records)},
        "vulns": [{"id": record["id"], "modified": record["modified"]} for record in records],
        "modules": [{"path": path, "vulns": [*known.values()]} for path, known in sorted(modules.items())],
    }
    for name, content in index.items():
        (folder / "index" / f"{name}.json").write_text(json.dumps(content), "utf-8")


def theirs(program: str, folder: Path) -> set[str]:
    """Ids of the problems whose packages are linked, according to govulncheck."""
    command = ["govulncheck", "-mode=binary", "-json", "-scan=package", "-db", folder.as_uri(), program]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return {
        one["finding"]["osv"]
        for one in documents(text)
        if "finding" in one and "package" in one["finding"]["trace"][0]
    }


def documents(text: str) -> Iterator[dict[str, Any]]:
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        found, at = decoder.raw_decode(text, at)
        yield found


def main() -> None:
    feed, *programs = sys.argv[1:]
    with Path(feed).open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")
        records = [record for record in map(json.loads, lines) if not record.get("withdrawn")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_for_govulncheck(records, folder)
        build_database((Path(feed),), folder / "go.db", "2026-06-30T00:00:00Z")
        with Database(folder / "go.db") as database:
            for program in programs:
                packages = [*golang.read(File(program, Path(program).read_bytes()))]
                found = match(packages, Distro(), database)
                of_modules = [*found.matches, *(one.match for one in found.suppressed)]
                standing = {one.advisory for each in found.matches for one in each.evidence}
                linked = theirs(program, folder)
                print(
                    f"{program}: {len(of_modules)} by modules, {len(standing)} linked; govulncheck {len(linked)}, "
                    f"here alone {sorted(standing - linked)}, there alone {sorted(linked - standing)}"
                )


if __name__ == "__main__":
    main()
