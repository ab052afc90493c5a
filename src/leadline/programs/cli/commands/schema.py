"""``leadline schema``: the JSON Schemas of what leadline writes."""

import click

from leadline.errors import UsageError
from leadline.outputs.text.json_text import json_text
from leadline.programs.cli.options.table import schema as config_schema
from leadline.scans.schemas import SCHEMAS, schema_text

_CONFIG = "config"


@click.command("schema")
@click.argument("name", metavar="[document|report|waivers|config]", default="document")
def command(name: str) -> int:
    """Prints the JSON Schema of a stored report (document), of what --format json writes (report), of waivers, or of leadline.toml (config)."""
    if name not in (*SCHEMAS, _CONFIG):
        raise UsageError(f"unknown schema {name}", hint=f"there are {', '.join((*SCHEMAS, _CONFIG))}")
    click.echo(json_text(config_schema()) + "\n" if name == _CONFIG else schema_text(name), nl=False)
    return 0
