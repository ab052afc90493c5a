"""Writes the reference pages of controls and frameworks from the code into docs/reference: ``python docs/build_reference.py``.

They are not committed: the documentation site is built with them (``site_pages.py``).
"""

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from leadline.model.control import SEVERITIES, BuiltControl, Control, Framework
from leadline.posture.catalogue import load_controls
from leadline.posture.control_plane import ControlPlaneProcess
from leadline.posture.fact_kinds import COMMANDS, how_to_get, is_fact_kind
from leadline.programs.cli.commands.explain import SET_BY
from leadline.programs.cli.options.habits import DONE, NOT_HERE, SAME, SPECIAL
from leadline.programs.cli.options.option import MEANINGS
from leadline.programs.cli.options.search import VARIABLE
from leadline.programs.cli.options.table import CHART, CHART_KEYS, KEYS
from leadline.scans.control_page import heading_of, markdown
from leadline.scans.posture.frameworks import load_frameworks
from leadline.scans.posture.settings import shipped_settings

ROOT = Path(__file__).resolve().parent / "reference"
WRITTEN = "Written from the code; change it there."


def pages() -> Iterator[tuple[str, str]]:
    """Path below the reference folder, and text."""
    controls = load_controls()
    frameworks = load_frameworks(controls)
    settings = shipped_settings(controls)
    yield "README.md", text(front(controls, frameworks))
    yield "habits.md", text(habits())
    yield "configuration.md", text(configuration())
    yield "controls/README.md", text(by_family(controls))
    yield "controls/by-severity.md", text(by_severity(controls))
    for control in controls:
        yield f"controls/{control.id}.md", text(markdown(control, frameworks, settings, SET_BY))
    by_id = {control.id: control for control in controls}
    for framework in frameworks:
        yield f"frameworks/{framework.name}.md", text(framework_page(framework, by_id))


def habits() -> Iterator[str]:
    yield from ("# Flags of other scanners", "", WRITTEN, "")
    yield "`leadline scan` takes the usual flags of Kubescape, Trivy and Checkov as its own where they ask the same,"
    yield "and answers the others with what there is instead. Exit codes and gates are Leadline's:"
    yield "[how a pipeline uses them](../README.md#ci)."
    yield from ("", "| flag | taken as |", "|---|---|")
    yield from (f"| `{flag}` | {ours} |" for flag, ours in SPECIAL.items())
    yield from (f"| `{flag}` | `{ours}` |" for flag, ours in SAME.items())
    yield from (f"| `{flag}` | left away: {why} |" for flag, why in DONE.items())
    yield from ("", "| flag | there is instead |", "|---|---|")
    yield from (f"| `{flag}` | {answer} |" for flag, answer in NOT_HERE.items())


def front(controls: Sequence[Control], frameworks: Sequence[Framework]) -> Iterator[str]:
    yield from ("# Reference", "", WRITTEN, "")
    judging = sum(control.check is not None for control in controls)
    manual = sum(bool(control.manual) for control in controls)
    yield f"Of {len(controls)} controls {judging} judge by themselves, {manual} are for a person to judge, and"
    yield f"{len(controls) - judging - manual} are not built yet: a scan lists each of those with what it needs."
    yield from (
        "",
        "- [controls by family](controls/README.md)",
        "- [controls by severity](controls/by-severity.md)",
        "- [flags of other scanners](habits.md)",
    )
    yield from (
        "",
        "| framework | title | controls | judged | by a person | not built |",
        "|---|---|--:|--:|--:|--:|",
    )
    by_id = {control.id: control for control in controls}
    for framework in frameworks:
        listed = [by_id[i] for i in dict.fromkeys(framework.control_ids)]
        counts = (
            len(listed),
            sum(c.check is not None for c in listed),
            sum(bool(c.manual) for c in listed),
            sum(not c.is_built for c in listed),
        )
        yield (
            f"| [{framework.name}](frameworks/{framework.name}.md) | {framework.title} | "
            + " | ".join(map(str, counts))
            + " |"
        )


def configuration() -> Iterator[str]:
    yield from ("# leadline.toml and variables", "", WRITTEN, "")
    yield "A flag goes before a variable, that before your file (`--config FILE`, `" + VARIABLE + "`, else"
    yield "`~/.config/leadline/leadline.toml`), that before the `leadline.toml` that comes with the code: the nearest one from the"
    yield "working folder upwards. The last column says what becomes of a key there; `--trust-config` takes all of it, `--no-config`"
    yield "reads none. `leadline config` shows what is in force, `leadline config init` writes a file to begin with, and `leadline"
    yield "schema config` prints the schema. [Why](../decisions/configuration.md)."
    yield from ("", "| key | for example | variable | for | with the code |", "|---|---|---|---|---|")
    for key in KEYS.values():
        yield (f"| `{key.name}` | `{key.example}` | `{key.variable}` | {key.text} | {MEANINGS[key.inside]} |")
    yield from ("", "## Charts", "", f"Each `[[{CHART}]]` is one rendering, a world of its own:", "")
    yield from (f"- `{name}`: {doc}" for name, doc in CHART_KEYS.items())
    yield from (
        "",
        "```toml",
        f"[[{CHART}]]",
        'path = "charts/shop"',
        'values = ["charts/shop/values-prod.yaml"]',
    )
    yield from (
        "",
        f"[[{CHART}]]",
        'path = "charts/shop"',
        'values = ["charts/shop/values-test.yaml"]',
        "```",
        "",
    )
    yield "In a file of yours they take the place of the rendering with the chart's own values alone; an entry without `values`"
    yield "asks for that one. In a file that comes with the code they are rendered besides."


def by_family(controls: Sequence[Control]) -> Iterator[str]:
    yield from ("# Controls by family", "", WRITTEN, "", "See also [by severity](by-severity.md).")
    families: dict[str, list[Control]] = {}
    for control in controls:
        families.setdefault(control.category.partition(" / ")[0], []).append(control)
    for family in sorted(families):
        yield from ("", f"## {family}", "", "| id | title | severity | decided by |", "|---|---|---|---|")
        yield from (
            f"| [{c.id}]({c.id}.md) | {c.title} | {c.severity} | {decided_by(c)} |"
            for c in by_number(families[family])
        )


def by_severity(controls: Sequence[Control]) -> Iterator[str]:
    yield from ("# Controls by severity", "", WRITTEN, "", "See also [by family](README.md).")
    for severity in SEVERITIES:
        found = [control for control in controls if control.severity == severity]
        if found:
            yield from (
                "",
                f"## {severity}",
                "",
                "| id | title | score | category | decided by |",
                "|---|---|--:|---|---|",
            )
        yield from (
            f"| [{c.id}]({c.id}.md) | {c.title} | {c.score:g} | {c.category} | {decided_by(c)} |"
            for c in sorted(found, key=lambda c: (-c.score, c.id))
        )


def framework_page(framework: Framework, controls: dict[str, BuiltControl]) -> Iterator[str]:
    yield from (f"# {framework.title}", "", WRITTEN, "")
    yield f"`leadline scan framework {framework.name}`" + (f", <{framework.link}>" if framework.link else "")
    has_numbers = any(entry.number for entry in framework.entries)
    head = "| control | title | severity | decided by |"
    head = f"| number {head}" if has_numbers else head
    rule = "|---|---|---|---|---|" if has_numbers else "|---|---|---|---|"
    section = None
    for entry in sorted(framework.entries, key=lambda entry: in_sections(entry.number)):
        heading = heading_of(entry.number, framework.sections)
        if heading != section:
            yield from ("", f"## {heading}") if heading else ()
            yield from ("", head, rule)
            section = heading
        control = controls[entry.control]
        number = f"| {entry.number} " if has_numbers else ""
        title = entry.title or control.title
        yield f"{number}| [{control.id}](../controls/{control.id}.md) | {title} | {control.severity} | {decided_by(control)} |"
    if framework.items:
        yield from ("", "## Asked by no control", "", "| number | title | |", "|---|---|---|")
        yield from (f"| {item.number} | {item.title} | {STATES[item.state]} |" for item in framework.items)


STATES = {"manual": "for a person to judge", "not built": "not built yet"}


def in_sections(number: str) -> list[tuple[int, str]]:
    """Sorts 1.2.10 behind 1.2.9; entries without a number keep the framework's order."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in number.split(".")]


def decided_by(control: BuiltControl) -> str:
    """Where what decides it comes from."""
    if control.manual:
        return "a person"
    if not control.is_built:
        return "nothing: not built yet"
    if how_to_get(control.kinds):
        kinds = [kind for kind in control.kinds if is_fact_kind(kind)]
        commands = [COMMANDS[kind] for kind in kinds if kind in COMMANDS]
        said = " or ".join(f"`{' '.join(command.split()[:3])}`" for command in commands)
        return f"the cloud: {said}" if commands else "facts of nodes"
    if control.subject is not None and issubclass(control.subject, ControlPlaneProcess):
        return f"flags of {control.subject.program}"
    return f"objects; {control.cloud} alone" if control.cloud else "objects"


def by_number(controls: Iterable[Control]) -> list[Control]:
    return sorted(controls, key=lambda control: control.id)


def text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def main() -> int:
    shutil.rmtree(ROOT, ignore_errors=True)
    for name, page in pages():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
