"""Writes what follows from other files of the project into the chart: ``python deploy/build_chart.py [--check]``."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from leadline.api.catalogue import KINDS
from leadline.posture.catalogue import load_controls
from leadline.programs.admission.rules import rules_of
from leadline.programs.admission.settings import TABLE as ADMISSION
from leadline.programs.exporter.settings import TABLE as EXPORTER
from leadline.programs.operator.settings import TABLE as OPERATOR
from leadline.scans.posture.one_object import AloneJudge
from leadline.scans.posture.settings import shipped_settings

HERE = Path(__file__).resolve().parent
CHART = HERE / "chart"
SOURCE = HERE / "values.schema.yaml"
Schema = dict[str, Any]
WIDTH = 110


def schema() -> Schema:
    """With the settings of programs in the place of ``x-settings-of``."""
    found: Schema = yaml.safe_load(SOURCE.read_text("utf-8"))
    for node in found["properties"].values():
        for child in node.get("properties", {}).values():
            if program := child.pop("x-settings-of", ""):
                child.update({**settings_schema(program), "description": child["description"]})
    return found


SETTINGS = {"operator": OPERATOR, "admission": ADMISSION, "exporter": EXPORTER}
"""Tables of the programs, whose rows are the keys of a value of the chart."""


def settings_schema(program: str) -> Schema:
    """Every setting with its type, bounds and description; the default is the program's own."""
    whole = SETTINGS[program].schema()
    definitions = whole["$defs"]

    def flat(node: Schema) -> Schema:
        node = dict(node)
        if name := node.pop("$ref", ""):
            return flat({**definitions[str(name).rpartition("/")[2]], **node})
        for left in ("title", "default", "required"):
            node.pop(left, None)
        if "properties" in node:
            node["properties"] = {key: flat(child) for key, child in node["properties"].items()}
        return node

    return flat(whole)


def leaves(node: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """(path, schema) of each value that has a default of its own, in the order of the file."""
    for name, child in node.get("properties", {}).items():
        if "default" in child:
            yield (*path, name), child
        else:
            yield from leaves(child, (*path, name))


def values_yaml(node: Schema, depth: int = 0) -> Iterator[str]:
    """The lines of values.yaml: each key below its description."""
    indent = "  " * depth
    for name, child in node.get("properties", {}).items():
        if depth == 0:
            yield ""
        yield from wrapped(child["description"], f"{indent}# ")
        if "default" in child:
            default = child["default"]
            text = yaml.safe_dump(default, default_flow_style=True, width=10_000, sort_keys=False)
            yield f"{indent}{name}: {text.removesuffix(chr(10)).removesuffix('...').strip()}"
        else:
            yield f"{indent}{name}:"
            yield from values_yaml(child, depth + 1)


def wrapped(text: str, prefix: str) -> Iterator[str]:
    line = prefix.rstrip()
    for word in text.split():
        if len(line) + 1 + len(word) > WIDTH:
            yield line
            line = prefix.rstrip()
        line += f" {word}"
    yield line


def table(node: Schema) -> Iterator[str]:
    yield "| value | default | meaning |"
    yield "|---|---|---|"
    for path, leaf in leaves(node):
        default = json.dumps(leaf["default"], ensure_ascii=False)
        meaning = leaf["description"].replace("|", "\\|")
        if "enum" in leaf:
            meaning += f" One of {', '.join(str(choice) for choice in leaf['enum'])}."
        yield f"| `{'.'.join(path)}` | `{default}` | {meaning} |"


def readme(node: Schema) -> str:
    head = """# Chart of Leadline

[docs/install.md](../../docs/install.md) says how to install, upgrade and uninstall it.

## Values

"""
    return head + "\n".join(table(node)) + "\n"


def served() -> dict[str, Any]:
    """What the API server serves: names of its APIServices, and plurals by group."""
    groups: dict[str, list[str]] = {}
    for kind in KINDS:
        groups.setdefault(kind.group, []).append(kind.plural)
    names = sorted({f"{kind.version}.{kind.group}" for kind in KINDS})
    return {"apiservices": names, "resources": {group: sorted(groups[group]) for group in sorted(groups)}}


def operator_rights() -> dict[str, Any]:
    """Rules of the operator: of its ClusterRole, and of the Role in its own namespace.

    ``making`` are added to the latter where images are scanned by Jobs; ``pods`` and ``podsOwn`` are for their pods.
    """
    command = [
        sys.executable,
        "-m",
        "leadline.programs.cli.main",
        "rbac",
        "--operator",
        "--jobs",
        "-f",
        "json",
    ]
    printed = subprocess.run(command, check=True, capture_output=True).stdout
    names = ("cluster", "own", "making", "pods", "podsOwn")
    return {name: one["rules"] for name, one in zip(names, json.loads(printed)["items"], strict=True)}


def admission_rules() -> dict[str, Any]:
    """What the webhook is asked about; Secrets where that is switched on."""
    controls = load_controls()
    asked = AloneJudge(controls, shipped_settings(controls)).asked
    return {"guarded": rules_of(asked, guarded=True), "others": rules_of(asked, guarded=False)}


def files() -> dict[Path, str]:
    """Path and content of everything that this program writes."""
    node = schema()
    note = "# Written by deploy/build_chart.py out of deploy/values.schema.yaml."
    published = {"$schema": "http://json-schema.org/draft-07/schema#", **node}
    return {
        CHART / "values.yaml": "\n".join([note, *values_yaml(node)]) + "\n",
        CHART / "values.schema.json": json.dumps(published, indent=2, ensure_ascii=False) + "\n",
        CHART / "README.md": readme(node),
        CHART / "files" / "served.json": json.dumps(served(), indent=2) + "\n",
        CHART / "files" / "controls.json": json.dumps(sorted(one.id for one in load_controls())) + "\n",
        CHART / "files" / "admission-rules.json": json.dumps(admission_rules(), indent=2) + "\n",
        CHART / "files" / "operator-rights.json": json.dumps(operator_rights(), indent=2) + "\n",
        **{
            CHART / "files" / "crds" / path.name: path.read_text("utf-8")
            for path in sorted((HERE / "crds").glob("*.yaml"))
        },
    }


def main() -> int:
    wanted = files()
    stale = [
        path for path, content in wanted.items() if not path.exists() or path.read_text("utf-8") != content
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(HERE.parent)} is stale: run python deploy/build_chart.py\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], "utf-8")
        sys.stdout.write(f"wrote {path.relative_to(HERE.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
