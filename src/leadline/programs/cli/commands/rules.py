"""``leadline rules``: the rules of the node agent, and your own on recorded events."""

from __future__ import annotations

import click

from leadline.errors import UsageError
from leadline.programs.serving.deadline import deadline


@click.group("rules")
def command() -> None:
    """The rules by which the node agent judges what containers do. ``leadline explain R1001`` is the page of one."""


@command.command("list")
@click.option(
    "-f", "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def list_rules(form: str) -> int:
    """Every rule: id, severity, title; which are off unless asked for, which wait for a complete profile."""
    from leadline.scans.observing.rule_page import all_rows, row_lines

    rows = all_rows()
    if form == "json":
        import msgspec

        click.echo(msgspec.json.encode(rows).decode())
    else:
        click.echo("\n".join(row_lines(rows)))
    return 0


@command.command("test")
@click.argument("file", nargs=-1)
@click.option("--events", required=True, metavar="FILE", help="Lines of 'leadline agent --json --every'.")
@click.option("--rule", multiple=True, metavar="ID", help="Built-in rules to be tried as well.")
def test(file: tuple[str, ...], events: str, rule: tuple[str, ...]) -> int:
    """Try rules of your own, of Python files or objects of the kind Rules, on recorded events.

    Rules that wait for a complete profile have none here, and are not asked. Exit codes: 0 a rule fired, 1 none did or one failed.
    """
    from leadline.scans.observing.own_rules import described, own_rules, summary, tried
    from leadline.scans.observing.rule_page import rule_named

    rules = (*own_rules(file), *(rule_named(name) for name in rule))
    if not rules:
        raise UsageError("no rules to test", hint="name a file of rules, or --rule ID")
    found = tried(rules, events, deadline)
    for line in described(found.detections):
        click.echo(line)
    click.echo(summary(rules, found), err=True)
    for id, why in found.unasked.items():
        click.echo(f"{id} was not asked: {why}", err=True)
    for id, why in found.failures.items():
        click.echo(f"{id} failed: {why}", err=True)
    return 0 if found.detections and not found.failures else 1
