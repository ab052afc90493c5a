"""``leadline explain``: the whole page of a control, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadline.model.control import Control, Framework
    from leadline.programs.cli.scanning.settings import Settings

_WIDEST = 100

SCORE = """\
score   how the numbers come about

Severity follows from a control's score: 9 and more is critical, 7 high, 4 medium, 1 low.

A control's compliance is the share of the objects it judged that pass, in per cent. An object counts once, however
many faults it has. Objects that a control does not judge count neither way.

A framework's compliance is the plain mean of its controls' compliance; so is that of all controls together, each
control once. A control that judged nothing is left out: it is listed as not judged and lends nothing to the score.

The risk score in the JSON report (0 is best, 100 worst) weighs instead: each control by its own score, and a workload
of several replicas by 1.1 times their number.

Shown per cents never round up to 100: 100 means that nothing failed.

Gates look at all of it, whatever --min-severity hides: --severity-threshold counts pairs of control and object,
--compliance-threshold compares with the score of all chosen controls, --fail-on unread counts what was not read.
"""


@click.command("explain", short_help="Explains a control, or the score.")
@click.argument("name", metavar="CONTROL|score")
@click.option("-f", "--format", type=click.Choice(["text", "md"]), default="text", show_default=True)
@click.option("--controls", multiple=True, metavar="FOLDER", help="Your own controls.")
@click.option("--controls-config", default="", metavar="FILE", help="Show the settings of this file.")
def command(name: str, format: str, controls: tuple[str, ...], controls_config: str) -> int:
    """Everything about one control: what it looks at, why, how to mend it, what it cannot see."""
    from leadline.posture.catalogue import find_controls, load_controls, load_frameworks
    from leadline.programs.cli.scanning.policies import with_own
    from leadline.programs.cli.scanning.settings import read_settings, shipped_settings

    if name == "score":
        click.echo("\n".join(_folded(SCORE)))
        return 0
    known = with_own(load_controls(), controls)
    found = find_controls([name], known)
    shipped = shipped_settings(known)
    settings = read_settings(controls_config, shipped) if controls_config else shipped
    lines, between = (markdown, "\n\n") if format == "md" else (_text, "\n\n\n")
    frameworks = load_frameworks(known)
    click.echo(between.join("\n".join(lines(control, frameworks, settings)) for control in found))
    return 0


def _columns() -> int:
    from shutil import get_terminal_size

    return max(40, min(_WIDEST, get_terminal_size((_WIDEST, 24)).columns))


def _folded(text: str) -> Iterator[str]:
    from leadline.outputs.format import wrapped

    for paragraph in text.strip().split("\n\n"):
        head = paragraph.partition("\n")[0]
        yield from [head] if head == paragraph and "   " in head else wrapped(paragraph, _columns())
        yield ""


def _text(control: Control, frameworks: tuple[Framework, ...], settings: Settings) -> Iterator[str]:
    from leadline.outputs.format import control_text, wrapped

    page, width = control_text(control), _columns()
    yield f"{control.id}   {control.title}"
    yield f"{control.severity}, score {control.score:g}   {control.category}"
    for paragraph in (f"{page.why}." if page.why else "", *page.body.split("\n\n")):
        if paragraph:
            yield ""
            yield from wrapped(paragraph.replace("``", ""), width)
    yield ""
    for label, value in _rows(control, frameworks, settings):
        first, *more = wrapped(value.replace("``", ""), width - 12) or [""]
        yield f"{label:<10}  {first}"
        yield from (" " * 12 + line for line in more)
    if page.example:
        yield ""
        yield "fails"
        yield from ("  " + line for line in page.example.split("\n"))
    if page.links:
        yield ""
        yield from page.links


def markdown(control: Control, frameworks: tuple[Framework, ...], settings: Settings) -> Iterator[str]:
    """The page of a control, for a wiki and for the reference."""
    from leadline.outputs.format import control_text

    page = control_text(control)
    yield f"# {control.id} {control.title}"
    yield f"\n**{control.severity}**, score {control.score:g}. {control.category}."
    yield f"\n{page.why}."
    if page.body:
        yield f"\n{page.body}"
    for label, value in _rows(control, frameworks, settings):
        yield f"\n**{label.capitalize()}:** {value}"
    if page.example:
        yield f"\nFails:\n\n```yaml\n{page.example}\n```"
    yield from (f"\n<{link}>" for link in page.links)


def _rows(
    control: Control, frameworks: tuple[Framework, ...], settings: Settings
) -> Iterator[tuple[str, str]]:
    from leadline.outputs.format import control_text

    page = control_text(control)
    if page.fix:
        yield "fix", page.fix
    yield "looks at", _subject(control)
    if page.cannot_see:
        yield "cannot see", page.cannot_see
    for name in sorted(control.settings):
        yield "setting", f"{name} = {', '.join(settings[name]) or '(nothing set)'}"
    listed = [
        f"{framework.name} {entry.number}".strip()
        for framework in frameworks
        for entry in framework.entries
        if entry.control == control.id
    ]
    if listed:
        yield "part of", ", ".join(dict.fromkeys(listed))


def _subject(control: Control) -> str:
    if control.manual:
        return f"a person has to look: {control.manual}"
    if not control.is_built:
        return f"nothing yet: this control is not built; it needs {control.needs}"
    if len(control.kinds) > _MANY_KINDS:
        return "objects of every kind"
    if control.kinds:
        return ", ".join(
            dict.fromkeys(kind.partition(".")[0] for kind in control.kinds if kind != _EVERY_KIND)
        )
    name = control.subject.__name__ if control.subject else ""
    return _SUBJECTS.get(name, name)


_MANY_KINDS = 40
_EVERY_KIND = "objects"
"""Stands for "all that its rules match" beside the kinds that those name."""
_SUBJECTS = {
    "Container": "every container of every workload, init and ephemeral ones as well",
    "Workload": "every object that runs pods",
    "Grant": "every subject that a binding gives a role",
    "Namespace": "every Namespace and what it holds",
    "ApiServer": "the Pod of the API server",
    "ControllerManager": "the Pod of the controller manager",
    "Scheduler": "the Pod of the scheduler",
    "Etcd": "the Pod of etcd",
    "Kubelet": "the settings of the kubelet on each node",
}
