"""Compares what ``leadline scan`` decides on a checkout with what another scanner decided on the same commit.

``python tests/conformance/compare_repositories.py FOLDER VERDICTS.json.gz [C-0057 ...]`` prints, per control, the
objects on which the two disagree and, where both fail an object, the paths that only one of them names.
``-a`` prints every line instead of the first few of a control.

A verdict file: ``{"controls": {id: {"failed": {"file|group/version/namespace/Kind/name": [path, ...]}}}}``.
Objects that the other scanner fails in no control at all are called *unseen*: it did not read them. Copies of one
object in several files count as one, since the other scanner may read only one of them.
"""

import argparse
import gzip
import json
import re
import tempfile
from collections import defaultdict
from contextlib import chdir
from pathlib import Path
from typing import Any, NamedTuple

from leadline.programs.cli.main import main as leadline

FEW = 6
"""So many lines of each sort are printed of a control, unless all are asked for."""


class Judged(NamedTuple):
    """An object, or a holder of rights, as both sides can name it."""

    kind: str
    namespace: str
    name: str
    file: str

    def __str__(self) -> str:
        return f"{self.file}: {self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


Verdicts = dict[str, dict[Judged, set[str]]]
"""Control → object that fails → paths."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("verdicts", type=Path)
    parser.add_argument("controls", nargs="*")
    parser.add_argument("-a", "--all", action="store_true")
    wanted = parser.parse_args()
    theirs = read_verdicts(wanted.verdicts)
    ours = scan(wanted.folder)

    seen = {_loose(o) for failed in theirs.values() for o in failed}
    differing = 0
    for control in wanted.controls or sorted(theirs):
        lines = compare(ours.get(control, {}), theirs.get(control, {}), seen)
        if not lines:
            continue
        differing += 1
        print(control)
        for sort, texts in lines.items():
            for text in texts if wanted.all else texts[:FEW]:
                print(f"  {sort:<12} {text}")
            if not wanted.all and len(texts) > FEW:
                print(f"  {sort:<12} and {len(texts) - FEW} more")
    print(f"{differing} of {len(wanted.controls or theirs)} controls differ")


def read_verdicts(path: Path) -> Verdicts:
    data = json.loads(gzip.decompress(path.read_bytes()))
    return {
        control: {_judged(key): {_path(p) for p in paths} for key, paths in verdict["failed"].items()}
        for control, verdict in data["controls"].items()
    }


def scan(folder: Path) -> Verdicts:
    """Our verdicts, from the JSON report of a scan with every control."""
    with tempfile.TemporaryDirectory() as scratch, chdir(folder):
        output = Path(scratch) / "report.json"
        leadline(["scan", "framework", "allcontrols", ".", "--format", "json", "--output", str(output)])
        report = json.loads(output.read_text())
    files = {r["resourceID"]: (r.get("source") or {}).get("relativePath") or "" for r in report["resources"]}
    verdicts: Verdicts = defaultdict(lambda: defaultdict(set))
    for result in report["results"]:
        id_ = result["resourceID"]
        judged = _judged(f"{files.get(id_, '')}|{re.sub(r'^path=[0-9]+/api=', '', id_)}")
        for control in result["controls"]:
            if control["status"]["status"] == "failed":
                paths = verdicts[control["controlID"]][judged]
                paths.update(filter(None, map(_named_path, _paths(control))))
    return verdicts


def compare(
    ours: dict[Judged, set[str]], theirs: dict[Judged, set[str]], seen: set[Any]
) -> dict[str, list[str]]:
    """Sort of difference → lines, sorts without lines left out."""
    lines: dict[str, list[str]] = defaultdict(list)
    copies: dict[Any, list[Judged]] = defaultdict(list)
    for judged in theirs:
        copies[_loose(judged)].append(judged)
    for judged, paths in ours.items():
        twins = copies.get(_loose(judged))
        if twins is None:
            lines["only ours" if _loose(judged) in seen else "unseen"].append(str(judged))
        elif (twin := _same_place(judged, twins)) and _are_own(theirs[twin]) and paths != theirs[twin]:
            more, fewer = sorted(paths - theirs[twin]), sorted(theirs[twin] - paths)
            lines["paths"].append(
                f"{judged}: ours {', '.join(more) or '-'}; theirs {', '.join(fewer) or '-'}"
            )
    found = set(map(_loose, ours))
    lines["only theirs"] = [str(judged) for judged in theirs if _loose(judged) not in found]
    return {sort: sorted(texts) for sort, texts in lines.items() if texts}


def _same_place(judged: Judged, twins: list[Judged]) -> Judged | None:
    """The twin of the same file; the other scanner names the folder for what a kustomization builds."""
    return next((t for t in twins if t.file == judged.file or "." not in t.file), None)


def _are_own(paths: set[str]) -> bool:
    """False for paths that are counted from objects that the verdict rests on."""
    return not any(path.startswith("relatedObjects") for path in paths)


def _judged(key: str) -> Judged:
    """From ``file|group/version/namespace/Kind/name``; of a holder of rights the role and binding it holds them by."""
    file, _, id_ = key.partition("|")
    named = sorted(
        re.findall(r"/([^/]*)/((?:Cluster)?Role(?:Binding)?)/([^/]+)", id_), key=lambda part: part[1:]
    )
    if len(named) > 1 or "/path=" in id_ or id_.count("/") > 4:
        return Judged("Grant", "", " by ".join(f"{kind} {name}" for _, kind, name in named), "")
    *_, namespace, kind, name = id_.split("/")
    return Judged(kind, namespace, name, file)


def _loose(judged: Judged) -> tuple[str, str, str]:
    """Names without the release that a chart is rendered for, and the default namespace as none."""
    namespace = "" if judged.namespace == "default" else judged.namespace
    return judged.kind, namespace, judged.name.replace("release-name", "").lstrip("-")


def _paths(control: dict[str, Any]) -> list[dict[str, Any]]:
    return [path for rule in control["rules"] for path in rule.get("paths") or ()]


def _named_path(path: dict[str, Any]) -> str:
    text = path.get("failedPath") or path.get("reviewPath") or path.get("deletePath")
    return _path(text or (path.get("fixPath") or {}).get("path") or "")


def _path(text: str) -> str:
    return text.partition("=")[0]


if __name__ == "__main__":
    main()
