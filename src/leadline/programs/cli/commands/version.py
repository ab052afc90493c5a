"""``leadline version``: what this is and what it runs on."""

import platform

import click

from leadline.posture.catalogue import load_controls
from leadline.programs.cli.output.showing import show
from leadline.scans.posture.frameworks import load_frameworks
from leadline.version import __version__


@click.command("version")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(format: str) -> int:
    """The version of leadline, and how many controls it brings."""
    controls = load_controls()
    built = sum(1 for control in controls if control.is_built)
    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}/{platform.machine()}",
        "controls": built,
        "frameworks": len(load_frameworks(controls)),
    }
    lines = (
        f"leadline {facts['version']}   {facts['controls']} controls, {facts['frameworks']} frameworks",
        f"python {facts['python']} on {facts['platform']}",
    )
    show(format, lambda: facts, lambda: lines)
    return 0
