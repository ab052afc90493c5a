"""``leadline explain``: the whole page of a control or a rule, offline."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from leadline.errors import UsageError
from leadline.outputs.rows.remediation import control_text
from leadline.outputs.text.plain import columns, plain, source_line, wrapped
from leadline.posture.catalogue import load_controls
from leadline.scans.control_page import (
    example_fix_of,
    left_over,
    markdown,
    memberships,
    rows_of,
    state_text,
)
from leadline.scans.posture.frameworks import load_frameworks
from leadline.scans.posture.other_ids import chosen_controls, other_check
from leadline.scans.posture.policies import with_own
from leadline.scans.posture.settings import read_settings, shipped_settings

if TYPE_CHECKING:
    from leadline.model.control import BuiltControl, Framework
    from leadline.scans.fixing.example_fix import ExampleFix
    from leadline.scans.posture.settings import Settings

_WIDEST = 100
_LONGEST = 2_000
SET_BY = "--controls-config FILE"
RULE = re.compile(r"RL?\d+", re.IGNORECASE)
"""Ids of rules of the node agent."""
PROBLEM = re.compile(r"(CVE|GHSA|GO|PYSEC|RUSTSEC|OSV|MAL|BIT|DSA|DLA|USN|ALSA|RHSA|CGA)-", re.IGNORECASE)
"""How ids of vulnerabilities begin; no control's name does."""

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


@click.command("explain")
@click.argument("name", metavar="CONTROL|RULE|CVE|score")
@click.option("-f", "--format", "form", type=click.Choice(["text", "md"]), default="text", show_default=True)
@click.option("--controls", multiple=True, metavar="FOLDER", help="Your own controls.")
@click.option("--controls-config", default="", metavar="FILE", help="Show the settings of this file.")
@click.option("--db", default="", metavar="FILE", help="The vulnerability database, for a CVE.")
@click.option(
    "--report", default="", metavar="FILE", help="Why the score, or a workload's risk, is what it is there."
)
@click.option(
    "--before", default="", metavar="FILE", help="With it: why the score changed since that report."
)
def command(
    name: str,
    form: str,
    controls: tuple[str, ...],
    controls_config: str,
    db: str,
    report: str,
    before: str,
) -> int:
    """Everything about one control, or one rule of the node agent: what it looks at, why, how to fix it, what it cannot see.

    Or what the vulnerability database says about a CVE or any other id of its feeds (GHSA, GO, RUSTSEC …).
    """
    if report or before:
        from leadline.scans.explaining.saved_report import explained

        if not report:
            raise UsageError("--before belongs to --report", hint="name both")
        for sentence in explained(name, report, before):
            click.echo("\n".join(wrapped(plain(sentence, _LONGEST), _columns())))
        return 0
    if name == "score":
        click.echo("\n".join(_folded(SCORE)))
        return 0
    if RULE.fullmatch(name):
        from leadline.scans.observing.rule_page import rule_named, rule_text

        click.echo(rule_text(rule_named(name), form, _columns()))
        return 0
    if PROBLEM.match(name):
        from leadline.programs.cli.output.problem_text import problem_lines

        click.echo("\n".join(problem_lines(name, db, _columns())))
        return 0
    known = with_own(load_controls(), controls, os.environ)
    try:
        found = chosen_controls([name], known)
    except UsageError:
        from leadline.scans.observing.rule_page import rule_called, rule_text

        rule = rule_called(name)
        if rule is None:
            raise
        click.echo(rule_text(rule, form, _columns()))
        return 0
    if (check := other_check(name)) and not {name.lower()} & {found[0].id.lower(), found[0].title.lower()}:
        click.echo("\n".join(_folded(f"{check.title}: {' and '.join(control.id for control in found)}\n")))
    shipped = shipped_settings(known)
    settings = read_settings(controls_config, shipped) if controls_config else shipped
    page, between = (_markdown, "\n\n") if form == "md" else (_screen, "\n\n\n")
    frameworks = load_frameworks(known)
    pages = between.join("\n".join(page(control, frameworks, settings)) for control in found)
    click.echo(pages, color=None if _wants_colour() else False)
    return 0


def _markdown(control: BuiltControl, frameworks: Sequence[Framework], settings: Settings) -> Iterator[str]:
    return markdown(control, frameworks, settings, SET_BY)


def _screen(control: BuiltControl, frameworks: Sequence[Framework], settings: Settings) -> Iterator[str]:
    page, width, example_fix = control_text(control), _columns(), example_fix_of(control, settings)
    yield from _fitting(f"{control.id}   {control.title}", width)
    yield from _fitting(
        f"{control.severity}, score {control.score:g}   {control.category}{state_text(control, '   ', '')}",
        width,
    )
    if control.problem and control.problem != control.title:
        yield from _fitting(control.problem, width)
    for paragraph in (f"{page.why}." if page.why else "", *page.body.split("\n\n")):
        if paragraph:
            yield ""
            yield from wrapped(_bare(paragraph), width)
    yield ""
    fix = [("fix", (page.fix,))] if page.fix else []
    for label, values in (
        *fix,
        *rows_of(control, settings, SET_BY),
        ("part of", memberships(control, frameworks)),
    ):
        yield from _row(label, values, width)
    if page.example:
        yield ""
        yield from _example(page.example, example_fix)
        for label, text in left_over(example_fix):
            yield from _row(label, (text,), width)
    if page.links:
        yield ""
        yield from page.links


def _fitting(text: str, width: int) -> Iterator[str]:
    """``text`` as it is where it fits, else broken between words."""
    return iter([text] if columns(text) <= width else wrapped(text, width))


def _row(label: str, values: Sequence[str], width: int) -> Iterator[str]:

    lines = [line for value in values for line in wrapped(_bare(value), width - 12)]
    for number, line in enumerate(lines):
        yield f"{'' if number else label:<10}  {line}"


def _example(example: str, example_fix: ExampleFix | None) -> Iterator[str]:

    if example_fix is None or not example_fix.is_edit:
        yield "fails"
        yield from (_cut(f"  {source_line(line)}") for line in example.split("\n"))
        return
    yield "fails, and what fixes it"
    for mark, line in example_fix.lines():
        text = _cut(f"{mark} {source_line(line)}")
        yield click.style(text, fg=_COLOURS[mark]) if mark in _COLOURS else text


_COLOURS = {"-": "red", "+": "green"}


def _cut(line: str) -> str:
    """A line of source, which cannot be broken, in the width of the terminal."""
    return line.rstrip() if len(line) <= _columns() else line[: _columns() - 1] + "…"


def _columns() -> int:

    return max(40, min(_WIDEST, get_terminal_size((_WIDEST, 24)).columns))


def _wants_colour() -> bool:

    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _folded(text: str) -> Iterator[str]:

    for paragraph in text.strip().split("\n\n"):
        head = paragraph.partition("\n")[0]
        yield from [head] if head == paragraph and "   " in head else wrapped(paragraph, _columns())
        yield ""


def _bare(text: str) -> str:
    """Without the marks of code that a terminal cannot show."""
    return text.replace("``", "")
