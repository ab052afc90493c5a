"""``leadline schema``: the JSON Schemas of what leadline writes."""

from importlib import resources

import click

from leadline.errors import UsageError
from leadline.outputs.documents.report_document import schema
from leadline.outputs.text.json_text import json_text
from leadline.programs.cli.options.table import schema as config_schema
from leadline.sources.waivers.schema import schema as waivers_schema

_DOCUMENT = "document"
_WAIVERS = "waivers"
_CONFIG = "config"
_FILES = {"report": "report_schema.json"}


@click.command("schema")
@click.argument("name", metavar="[document|report|waivers|config]", default=_DOCUMENT)
def command(name: str) -> int:
    """Prints the JSON Schema of a stored report (document), of what --format json writes (report), of waivers, or of leadline.toml (config)."""
    if name == _DOCUMENT:
        click.echo(json_text(schema()))
        return 0
    if name == _WAIVERS:
        click.echo(json_text(waivers_schema()))
        return 0
    if name == _CONFIG:
        click.echo(json_text(config_schema()))
        return 0
    if name not in _FILES:
        known = f"{_DOCUMENT}, {', '.join(_FILES)}, {_WAIVERS}, {_CONFIG}"
        raise UsageError(f"unknown schema {name}", hint=f"there are {known}")
    click.echo((resources.files("leadline.outputs") / _FILES[name]).read_text("utf-8"), nl=False)
    return 0
