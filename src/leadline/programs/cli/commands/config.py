"""``leadline config``: the settings in force."""

import os

import click

from leadline.outputs.format import json_text, wrapped
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.terminal import list_width
from leadline.scans.policies import with_own
from leadline.scans.settings import read_settings, shipped_settings, users_of


@click.command("config")
@click.option(
    "--controls-config", default="", metavar="FILE", help="Settings of controls: JSON, YAML or TOML."
)
@click.option("--controls", multiple=True, metavar="FOLDER", help="Your own controls.")
@click.option(
    "-f", "--format", type=click.Choice(["text", "json", "toml"]), default="text", show_default=True
)
def command(controls_config: str, controls: tuple[str, ...], format: str) -> int:
    """Shows every setting of every control, and where a file changes it.

    What --format json and toml print can be edited and given to scan --controls-config.
    """
    known = with_own(load_controls(), controls, os.environ)
    shipped = shipped_settings(known)
    chosen = read_settings(controls_config, shipped) if controls_config else shipped
    if format == "json":
        click.echo(json_text({name: list(values) for name, values in sorted(chosen.items())}))
    elif format == "toml":
        for name, values in sorted(chosen.items()):
            click.echo(f"{name} = {json_text(list(values))}")
    else:
        users, width = users_of(known), list_width()
        for name, values in sorted(chosen.items()):
            changed = "   changed" if values != shipped[name] else ""
            for text, indent in ((f"{name}   {' '.join(users[name])}{changed}", ""), (_shown(values), "  ")):
                lines = [text] if width is None or len(text) <= width else wrapped(text, width - 4)
                click.echo(indent + f"\n{indent}  ".join(lines))
    return 0


def _shown(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "(nothing set)"
