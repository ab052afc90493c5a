"""``leadline list``: the controls and frameworks there are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from leadline.errors import UsageError
from leadline.outputs.rows.remediation import why
from leadline.outputs.text.plain import plain, text_table, wrapped
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.output.showing import show
from leadline.programs.cli.output.terminal import list_width
from leadline.scans.posture.frameworks import framework_of, load_frameworks
from leadline.scans.posture.policies import with_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadline.model.control import BuiltControl, Framework

_WHAT = ("controls", "frameworks")
_AUTOMATIC, _BY_PERSON, _NOT_BUILT = "automatically", "by a person", "not built"


@click.command("list")
@click.argument("what", metavar="controls|frameworks")
@click.option("-f", "--format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--controls", multiple=True, metavar="FOLDER", help="Your own controls.")
@click.option("--framework-file", multiple=True, metavar="FILE", help="Your own framework.")
def command(what: str, format: str, controls: tuple[str, ...], framework_file: tuple[str, ...]) -> int:
    """Lists the controls or the frameworks, and says honestly how much of each is built."""
    if what not in _WHAT:
        raise UsageError(f"unknown list {what}", hint="did you mean controls or frameworks?")
    known = with_own(load_controls(), controls, os.environ)
    frameworks = (*load_frameworks(known), *(framework_of(path, known) for path in framework_file))
    if what == "controls":
        rows = [_control_row(control, frameworks) for control in sorted(known, key=lambda c: c.id)]
        show(format, lambda: rows, lambda: _control_lines(rows))
    else:
        rows = [_framework_row(framework, known) for framework in frameworks]
        show(format, lambda: rows, lambda: _framework_lines(rows))
    return 0


def _control_row(control: BuiltControl, frameworks: Iterable[Framework]) -> dict[str, Any]:

    return {
        "id": control.id,
        "name": control.title,
        "problem": control.problem or control.title,
        "severity": control.severity,
        "score": control.score,
        "category": control.category,
        "frameworks": [f.name for f in frameworks if control.id in f.control_ids],
        "built": control.is_built,
        "judged": _NOT_BUILT if not control.is_built else _BY_PERSON if control.manual else _AUTOMATIC,
        "why": f"needs {control.needs}" if control.needs else control.manual,
        "about": why(control),
        "settings": sorted(control.settings),
    }


def _framework_row(framework: Framework, controls: Sequence[BuiltControl]) -> dict[str, Any]:
    built = {control.id for control in controls if control.is_built}
    ids = list(dict.fromkeys(framework.control_ids))
    return {
        "name": framework.name,
        "title": framework.title,
        "version": framework.version,
        "controls": len(ids),
        "built": sum(1 for control_id in ids if control_id in built),
        "notBuilt": [control_id for control_id in ids if control_id not in built],
    }


def _control_lines(rows: Sequence[dict[str, Any]]) -> Iterable[str]:

    header = ("CONTROL", "SEVERITY", "JUDGED", "PROBLEM")
    table = [(row["id"], row["severity"], row["judged"], plain(row["problem"])) for row in rows]
    yield from text_table(header, table, list_width())
    states = [row["judged"] for row in rows]
    yield ""
    yield from wrapped(
        f"{len(rows)} controls: {states.count(_AUTOMATIC)} judged automatically, "
        f"{states.count(_BY_PERSON)} by a person, {states.count(_NOT_BUILT)} not built",
        list_width() or 1000,
    )


def _framework_lines(rows: Sequence[dict[str, Any]]) -> Iterable[str]:

    table = [
        (plain(row["name"]), f"{row['built']} of {row['controls']}", plain(row["title"])) for row in rows
    ]
    yield from text_table(("FRAMEWORK", "BUILT", "TITLE"), table, list_width())
